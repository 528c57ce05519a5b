"""The option --weights: the weights that a network starts from. Does not read weights, so that it loads fast."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common.contract import Profile
from common.errors import UserError, quoted

IMAGENET, NONE = "imagenet", "none"
KERAS, SAFETENSORS, TORCH = (".h5", ".keras"), (".safetensors",), (".pth",)
"""File endings by the software that writes them."""
MOST_NAMED = 4
"""Of more files only the number is shown."""


@dataclass(frozen=True)
class Weights:
    """Initial weights: `choice` is "imagenet", "none" (random) or a path, `files` are (path, SHA-256).

    A paper whose settings have a field `weights` of this type accepts --weights. Part of a run's key like all settings.
    """

    choice: str
    files: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        if len(self.files) > MOST_NAMED:
            whole = hashlib.sha256("".join(digest for _, digest in self.files).encode()).hexdigest()
            return f"{len(self.files)} files in {Path(self.choice).name} (SHA-256 of their digests {whole})"
        return ", ".join(f"{Path(path).name} (SHA-256 {digest})" for path, digest in self.files) or self.choice

    def file(self, network: str, endings: Sequence[str] = KERAS) -> tuple[Path, str]:
        """The file for a network and its SHA-256: the only file, or in a folder the one whose name starts like it.

        Raises UserError for a file with none of the `endings`, or if a folder contains no such file or several.
        """
        fitting = [(Path(path), digest) for path, digest in self.files if Path(path).suffix.lower() in endings]
        if not Path(self.choice).is_dir():
            if not fitting:
                raise UserError(
                    f"--weights {self.choice}: {network} needs a weight file that ends in {' or '.join(endings)}"
                )
            return fitting[0]
        matching = [(path, digest) for path, digest in fitting if path.name.lower().startswith(network)]
        if len(matching) != 1:
            names = " or ".join(f"{network}…{ending}" for ending in endings)
            raise UserError(f"--weights {self.choice}: {len(matching)} files are named {names}; exactly one is needed")
        return matching[0]


def chosen(text: str) -> Weights:
    """The weights that a user chooses: a word, or a file or folder, whose contents are digested.

    Raises UserError for a path that is missing, unreadable or of another kind.
    """
    if text in (IMAGENET, NONE):
        return Weights(text)
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise UserError(f"--weights {quoted(text)}: no such file or folder; give a path, {IMAGENET} or {NONE}")
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    endings = (*KERAS, *SAFETENSORS, *TORCH)
    files = [file for file in candidates if file.suffix.lower() in endings and file.is_file()]
    if not files:
        raise UserError(f"--weights {text}: contains no file with weights ({', '.join(endings)})")
    return Weights(str(path), tuple((str(file), _digest(file)) for file in files))


def takes(profile: Profile) -> bool:
    """Whether the networks of a profile's paper start from weights that a user can choose."""
    return isinstance(profile.settings.values().get("weights"), Weights)


def has_torch(profile: Profile) -> bool:
    """Whether a profile's weights are files of PyTorch."""
    return takes(profile) and any(path.endswith(TORCH) for path, _ in profile.settings.values()["weights"].files)


def starting_from(profile: Profile, weights: Weights | None) -> Profile:
    """The profile with these weights; unchanged if none are given or the paper takes none."""
    if weights is None or not takes(profile) or weights == profile.settings.values()["weights"]:
        return profile
    settings = profile.settings.having({"weights": weights})
    return replace(profile, settings=settings, options=(*profile.options, ("--weights", weights.choice)))


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"--weights {file}: {error.strerror}") from error
