"""Folders and file names of the stand-in corpora, like those of the real ones, including oddities."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.standin.casting import Role
from common.standin.films import Film
from common.standin.portraits import Scene

FOLDERS: Mapping[str, str] = {
    "casme2": "CASME2", "smic": "SMIC", "smic_vis": "SMIC", "smic_nir": "SMIC", "samm": "SAMM",
    "casme_sq": "CAS(ME)^2",
}  # fmt: skip


@dataclass(frozen=True)
class Edition:
    """One release of a corpus' images.

    `tree` is its folder, `below` the folders inside it down to those of the subjects, `file` the path of a frame below
    these. `whole` editions contain complete recordings, others the frames from onset to offset. If `file` has no frame
    number, a recording is a single video.
    """

    tree: str
    scene: Scene
    file: str
    below: str = ""
    whole: bool = False

    @property
    def video(self) -> bool:
        """Whether a recording is one file."""
        return "{number" not in self.file

    def folder(self, root: Path, corpus: str) -> Path:
        """The folder of the subject folders."""
        return root / FOLDERS[corpus] / self.tree / self.below

    def path(self, root: Path, film: Film, role: Role, number: int) -> Path:
        """The path below the data folder of frame `number` of a clip or of its recording."""
        digits = 5 if role.offset > 9999 or role.onset % 2 else 4  # of SAMM: one width per clip
        file = self.file.format(
            subject=film.subject, emotion=role.emotion, clip=role.name, film=film.name, number=number, digits=digits
        )
        return self.folder(root, film.corpus) / file

    def shows(self, film: Film) -> tuple[tuple[Role, range], ...]:
        """The parts of a recording in this edition: its clips with their frame numbers."""
        if not self.whole:
            return tuple((role, range(role.onset, role.offset + 1)) for role in film.roles)
        return ((film.roles[0], range(film.first, film.last + 1)),) if film.released else ()


CAMERA = Scene(640, 480, unit=92, x=320, y=205, colour=True)
INFRARED = Scene(640, 480, unit=92, x=320, y=205, colour=False)
SAMM_CAMERA = Scene(960, 650, unit=128, x=480, y=290, colour=False)
CASME2_CROP = Scene(280, 340, unit=98, x=140, y=138, colour=True)
SMIC_CROP = Scene(190, 230, unit=68, x=95, y=92, colour=True)
SMIC_CROP_INFRARED = Scene(190, 230, unit=68, x=95, y=92, colour=False)
SAMM_CROP = Scene(400, 480, unit=140, x=200, y=196, colour=False)
SQUARE_CROP = Scene(240, 290, unit=84, x=120, y=118, colour=True)

_SMIC = "s{subject}/micro/{emotion}/{clip}/"
EDITIONS: Mapping[str, tuple[Edition, ...]] = {
    "casme2": (
        Edition("CASME2_RAW_selected", CAMERA, "sub{subject}/{clip}/img{number}.jpg", "CASME2_RAW_selected"),
        Edition("Cropped", CASME2_CROP, "sub{subject}/{clip}/reg_img{number}.jpg", "Cropped"),
        Edition("CASME2-RAW", CAMERA, "sub{subject}/{clip}/img{number}.jpg", whole=True),
    ),
    "smic": (
        Edition("SMIC_all_cropped", SMIC_CROP, _SMIC + "reg_image{number:06}.bmp", "HS"),
        Edition("SMIC_all_raw", CAMERA, _SMIC + "image{number:06}.bmp", "HS"),
        Edition(
            "SMIC-E_raw image", CAMERA, "s{subject:0>2}/{clip}/image{number:06}.jpg", "HS_long/SMIC-HS-E", whole=True
        ),
    ),
    "smic_vis": (
        Edition("SMIC_all_cropped", SMIC_CROP, _SMIC + "reg_{number:05}.bmp", "VIS"),
        Edition("SMIC_all_raw", CAMERA, _SMIC + "{number:05}.bmp", "VIS"),
    ),
    "smic_nir": (
        Edition("SMIC_all_cropped", SMIC_CROP_INFRARED, _SMIC + "reg_{number:05}.bmp", "NIR"),
        Edition("SMIC_all_raw", INFRARED, _SMIC + "{number:05}.bmp", "NIR"),
    ),
    "samm": (
        Edition("SAMM", SAMM_CAMERA, "{subject}/{clip}/{subject}_{number:0{digits}}.jpg"),
        Edition("SAMM_CROP", SAMM_CROP, "{subject}/{clip}/{subject}_{number:0{digits}}.jpg"),
    ),
    "casme_sq": (
        Edition("rawvideo", CAMERA, "s{subject}/{film}.avi", whole=True),
        Edition("rawpic", CAMERA, "s{subject}/{film}/img{number:03}.jpg", "rawpic", whole=True),
        Edition("selectedpic", CAMERA, "s{subject}/{clip}/img{number}.jpg", "selectedpic"),
        Edition("cropped", SQUARE_CROP, "{subject}/{clip}/img{number}.jpg"),
    ),
}
DEFAULT: Mapping[str, tuple[str, ...]] = {
    "casme2": ("CASME2_RAW_selected",), "smic": ("SMIC_all_cropped",), "smic_vis": ("SMIC_all_cropped",),
    "smic_nir": ("SMIC_all_cropped",), "samm": ("SAMM",), "casme_sq": ("rawvideo", "selectedpic"),
}  # fmt: skip


def editions(corpus: str, names: Iterable[str] | None = None) -> tuple[Edition, ...]:
    """The editions with these names, or those written by default. Raises UserError for an unknown name."""
    known = {edition.tree: edition for edition in EDITIONS[corpus]}
    chosen = list(dict.fromkeys(DEFAULT[corpus] if names is None else names))
    for name in chosen:
        if name not in known:
            raise UserError(f"{name!r} is not an edition of {corpus}; known: {', '.join(known)}")
    return tuple(known[name] for name in chosen)


def unit(corpus: str) -> Path:
    """The folder of a single corpus as written by default: SMIC contains three corpora."""
    return Path(
        FOLDERS[corpus], *(("SMIC_all_cropped", EDITIONS[corpus][0].below) if FOLDERS[corpus] == "SMIC" else ())
    )


# ---------------------------------------------------------------- oddities


def write_strays(root: Path, films: Sequence[Film], written: Sequence[Edition]) -> None:
    """Write typical faults of copies: files that belong to no clip, odd names, a clip without images."""
    corpus = films[0].corpus
    for edition in written:
        top = edition.folder(root, corpus)
        if corpus == "smic" and not edition.whole:
            _idle(root, films[0], edition)
        elif corpus == "samm":
            (top / "Desktop - Shortcut.lnk").write_bytes(b"stray")
        elif corpus == "casme_sq" and edition.whole:
            _misplaced(root, films, edition)
        elif edition.tree == "selectedpic":
            role = films[0].roles[0]
            image = edition.path(root, films[0], role, role.onset + 1)
            image.rename(image.with_name(image.name + image.suffix))
        elif edition.tree == "cropped":
            role = next(role for film in reversed(films) for role in film.roles if role.expression == "macro")
            shutil.rmtree(top / role.subject / role.name)


def _idle(root: Path, film: Film, edition: Edition) -> None:
    """Write frames without an expression, and a file left by Windows."""
    image = edition.path(root, film, film.roles[0], film.roles[0].onset)
    person = edition.folder(root, film.corpus) / f"s{film.subject}"
    idle = person / "non_micro" / f"s{film.subject}_non_01"
    idle.mkdir(parents=True)
    for number in range(100, 103):
        shutil.copyfile(image, idle / edition.file.rpartition("/")[2].format(number=number))
    (person / "micro" / "Thumbs.db").write_bytes(b"stray")


def _misplaced(root: Path, films: Sequence[Film], edition: Edition) -> None:
    """Put a copy of a recording of one subject into the folder of the next."""
    film = films[0]
    other = next((candidate for candidate in films if candidate.subject != film.subject), None)
    if other:
        path = edition.path(root, film, film.roles[0], film.first)
        source = path if edition.video else path.parent
        copy = shutil.copyfile if edition.video else shutil.copytree
        copy(source, edition.folder(root, film.corpus) / f"s{other.subject}" / source.name)
