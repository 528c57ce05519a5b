"""The list of packages with hashes against the one without."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
UNPINNED = {"torch"}
"""Only for comparisons: the list with hashes is installed as a whole, and PyTorch brings gigabytes of GPU libraries."""


def pins(path: Path) -> dict[str, str]:
    lines = re.findall(r"^([\w.-]+)==([\w.+!]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in lines}


def test_both_lists_pin_the_same_versions() -> None:
    pinned, hashed = pins(ROOT / "constraints.txt"), pins(ROOT / ".ci" / "supply.txt")
    assert len(pinned) > 50
    assert hashed == pinned


def test_every_package_has_hashes() -> None:
    text = (ROOT / ".ci" / "supply.txt").read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\w)", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry.splitlines()[0]
    assert "://" not in text


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [needed for needed in map(Requirement, lines) if needed.name not in UNPINNED]


def test_what_is_pinned_is_what_is_required() -> None:
    pinned = pins(ROOT / "constraints.txt")
    for needed in requirements():
        name = re.sub(r"[-_.]+", "-", needed.name).lower()
        assert needed.specifier.contains(pinned[name]), needed


def test_keras_that_follows_links_inside_weights_is_refused() -> None:
    (keras,) = (needed for needed in requirements() if needed.name == "keras")
    assert not keras.specifier.contains("3.15.0")
