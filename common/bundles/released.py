"""The source code of released versions: one digest per version and paper."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from common.environment import ROOT
from common.errors import UserError
from common.json_schema import by_name, parsed, text_like

FILE = Path(__file__).with_name("released.json")
_SCHEMA = by_name(by_name(text_like("[0-9a-f]{64}")))


def current() -> str:
    """The version of the suite."""
    try:
        return version("mer-suite")
    except PackageNotFoundError:
        return "0"


def sources_digest(files: Iterable[str]) -> str:
    """SHA-256 (hex) of source files, relative to the project's root.

    Unlike `environment.code_digest` it does not depend on the version of Python, so comments count too. The ends of
    lines do not.
    """
    digest = hashlib.sha256()
    for name in files:
        content = (ROOT / name).read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def read(path: Path = FILE) -> Mapping[str, Mapping[str, str]]:
    """The digests by version and paper. Raises UserError if the file is missing or damaged."""
    try:
        digests: dict[str, dict[str, str]] = parsed(path.read_text(encoding="utf-8"), _SCHEMA)
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path}: the digests of released versions cannot be read; restore the file") from error
    return digests
