"""Small copies of the corpora, what can go wrong with them, and what must hold of whatever is read."""

from __future__ import annotations

import contextlib
import datetime
import os
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import trees_on_disk as disk
import trees_on_disk_more as more
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from common import corpora
from common.corpora import trees
from common.errors import UserError
from common.types import Corpus

QUICK = settings(
    max_examples=15, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
THOROUGH = settings(QUICK, max_examples=400, derandomize=False)
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None  # hundreds of small copies: spare the disk
ROW: list[object] = ["01", "EP02_01f", None, 46, 50, 52, None, "12", "happiness"]

# ---------------------------------------------------------------- a copy of a few clips


@dataclass(frozen=True)
class Kind:
    """How a small copy is written: its good rows, where they name subject, clip, onset and offset, and its writers."""

    corpus: str
    rows: list[list[object]]
    named: tuple[int, int]
    framed: tuple[int, int]
    write: Callable[[Path], object]
    table: Callable[[Path, list[list[object]], random.Random], object]
    top: str
    recordings: bool = False

    def annotates(self, row: Sequence[object]) -> bool:
        """A row speaks of a clip that names subject and clip, or one of them and a frame."""
        # a workbook knows no NaN: openpyxl leaves the cell empty
        texts = ["" if cell is None or cell != cell else "".join(str(cell).split()) for cell in row]
        named, framed = [texts[i] for i in self.named], [texts[i] for i in self.framed]
        return all(named) or (any(named) and any(framed))


CASME2: list[list[object]] = [ROW, ["01", "EP03_02", None, 97, 99, 103, None, 4, "disgust"], ["02", *ROW[1:]]]
SAMM: list[list[object]] = [
    ["006", "006_1_2", 1, 98, 101, 104, "=F2-D2", "Micro", "L12 or L14", "Anger", 2, None],
    ["006", "006_1_3", 1, 9998, 9999, 10002, 5, "Micro", 12, "Happiness", 1, "x"],
    ["007", "007_3_1", 2, 83, 84, 86, 4, "Micro", "", "Other", 7, None],
]
SQ = [
    more.SqClip(1, "anger1_1", 557, 563, 557, 560, 563),
    more.SqClip(1, "anger1_2", 97, 102, 97, 98, 0),
    more.SqClip(2, "happy3_1", 30, 35, 30, 34, 35, kind="micro-expression"),
]
LONG: list[list[object]] = [
    ["s01", "s1_ne_01", None, 999997, 1000003, None, None, 999994, 1000006, "=E2-D2", "=I2-H2", "negative"],
    [1, "s1_po_02", None, "MISSING <-44", 50, 60, 64, 40, 70, 1, 1, "positive"],
    [12, "s12_sur_01", None, 500, 506, None, None, 490, 510, 1, 1, "surprise"],
]


def headed(
    header: disk.Cells, path: str, above: int = 0
) -> Callable[[Path, list[list[object]], random.Random], object]:
    """Writes a table with its columns in another order and unknown ones among them."""

    def write(root: Path, rows: list[list[object]], rng: random.Random) -> object:
        columns: list[int | None] = [*range(len(header)), None, None]
        if rng.random() < 0.5:
            rng.shuffle(columns)
        unknown = rng.choice(["Notes", None, "Onset Frame 2", "Subject ID", 7, "=1+1"])
        cells = [[row[c] if c is not None else rng.choice(["?", None, 3]) for c in columns] for row in rows]
        top = [header[c] if c is not None else unknown for c in columns]
        return disk.write_table(root / path, top, cells, [("title", None)] * above)

    return write


def positional(root: Path, rows: list[list[object]], rng: random.Random) -> object:
    people, codes = more.sq_people(), more.sq_codes(rng.random() < 0.5)
    if rng.random() < 0.3:
        rng.choice(people)[rng.randrange(3)] = rng.choice(CELLS)
    if rng.random() < 0.3:
        rng.choice(codes)[rng.randrange(2)] = rng.choice(CELLS)
    return more.write_sheets(root / more.SQ_TABLE, [rows, people, codes])


def sq(tree: str) -> Kind:
    def write(root: Path) -> object:
        return more.write_sq_tree(root, tree, SQ)

    rows = [clip.row for clip in SQ]
    return Kind(
        "casme_sq", rows, (0, 1), (2, 4), write, positional, tree, tree.startswith("rawp") or tree == "rawvideo"
    )


KINDS = {
    "casme2": Kind(
        "casme2", CASME2, (0, 1), (3, 5), lambda root: disk.write_casme2(root, CASME2),
        headed(disk.CASME2_HEADER, "CASME2-coding-20140508.xlsx"), "CASME2_RAW_selected",
    ),
    "samm": Kind(
        "samm", SAMM, (0, 1), (3, 5), lambda root: disk.write_samm(root, SAMM, "SAMM"),
        headed(disk.SAMM_HEADER, "SAMM_Micro_FACS_Codes_v2.xlsx", above=13), "SAMM",
    ),
    "smic_e": Kind(
        "smic_e", LONG, (0, 1), (3, 4), lambda root: more.write_smic_e(root, rows=LONG),
        headed(more.SMIC_E_HEADER, more.SMIC_E_TABLE), "SMIC-E_raw image",
    ),
    **{f"casme_sq {tree}": sq(tree) for tree in ("selectedpic", "cropped", "rawpic", "rawvideo")},
}  # fmt: skip

PATHS = [
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "a/../b",
    "..\\..\\x",
    "C:\\x",
    "CON",
    "~",
    "EP02_01f/.",
    "%2e%2e",
]
CELLS: list[object] = [
    *PATHS, None, "", "  ", 0, -1, -46, 1, 46, 46.0, 46.5, "46 ", "046", 1e308, 10**9, 10**15, 2**70, True, False,
    datetime.datetime(2014, 5, 8), datetime.date(2014, 5, 8), datetime.time(4, 6), datetime.timedelta(46), float("nan"),
    "nan", "=1+1", '="EP02_01f"', "=", "#REF!", "#N/A", "/", "x" * 30_000, "9" * 5_000, "微表情 🙂", "\u202eabc", "0",
    "a\nb", "a\u2028b", "a\x85b", "_x0000_", "٤٦", "\uff14\uff16", "²", "1e3", "0x2E", "+46", "46-52", "01", "1", "'01",
    "sub01", "s1",
    "MISSING <-46", "MISSING <-99999999999999999999", "Subject", "EP03_02", "anger1_2", "006_1_3", "s1_po_02", "[bold]",
]  # fmt: skip
HOMES = [
    "data",
    "Forschung Gefühle",
    "微表情 (neu)",
    " a  b ",
    "100% {x} [y] $HOME",
    "-rf",
    "casme^2;",
    "sub01",
    "a.b.xlsx",
]


def clip_folders(top: Path) -> list[Path]:
    """The folders below `top` that hold files, without following links."""
    return sorted(Path(at) for at, _, files in os.walk(top) if files)


def mutate(top: Path, how: str, rng: random.Random) -> None:
    """One thing that goes wrong with the files of a copy."""
    places = clip_folders(top)
    if not places:
        return
    place = rng.choice(places)
    files = sorted(path for path in place.iterdir() if path.is_file() and re.search(r"[0-9]", path.name))
    frame = rng.choice(files) if files else place / "img46.jpg"
    if how == "pad":
        for path in files:
            path.rename(path.with_name(re.sub(r"[0-9]+(?=\.)", lambda digits: digits[0].zfill(9), path.name)))
    elif how == "double extension":
        disk.touch(place, [frame.name])
        frame.rename(frame.with_name(frame.name + frame.suffix))
    elif how == "drop":
        for path in rng.sample(files, rng.randint(0, len(files))):
            path.unlink()
    elif how == "extra":
        numbers = [*range(rng.randrange(60)), 10**8, 10**17, 10**40]
        disk.touch(place, [f"img{number}.jpg" for number in numbers if f"{number}" not in str(files)])
    elif how == "twice":
        disk.touch(place, [f"x_{frame.name}", f"{frame.stem} (copy){frame.suffix}"])
    elif how == "stray files":
        strays = [
            "Thumbs.db",
            "._img46.jpg",
            ".DS_Store",
            "cover.jpg",
            "img46.jpg.txt",
            "~$CASME2-coding.xlsx",
            "s1.jpg",
        ]
        disk.touch(place, strays[:6])
        disk.touch(place.parent, [*strays, "img47.jpg"])
    elif how == "stray folders":
        for name in ("New folder", "EP99_01", "img148.jpg", "  ", "aux", "..."):
            disk.touch(place / name, ["img49.jpg", "note.txt"])
            disk.touch(place.parent / f"x{name}", ["img49.jpg"])
    elif how == "gone":
        shutil.rmtree(place)
    elif how == "no image":
        frame.write_bytes(b"\x89 not an image\n")
    elif how == "case":
        place.rename(place.with_name(place.name.upper()))
    elif how == "nest":
        inner = top / top.name
        moved = [path for path in top.iterdir() if path != inner]
        inner.mkdir(exist_ok=True)
        for path in moved:
            with contextlib.suppress(OSError):
                path.rename(inner / path.name)
    elif how == "links":
        outside = top.parent.parent / "outside"
        disk.touch(outside, ["img46.jpg", "img47.jpg"])
        for folder in (place, place.parent, top):
            for name, target in (
                ("loop", top.parent),
                ("self", folder / "self"),
                ("dead", top / "none"),
                ("out", outside),
            ):
                if not os.path.lexists(folder / name):
                    (folder / name).symlink_to(target)
    elif how == "dead frame" and files:
        frame.unlink()
        frame.symlink_to(top / "nowhere")


HARMS: tuple[str, ...] = (
    "pad",
    "double extension",
    "drop",
    "extra",
    "twice",
    "stray files",
    "stray folders",
    "gone",
    "no image",
)
HARMS += ("case", "nest", "links", "dead frame")
plans = st.fixed_dictionaries(
    {
        "home": st.sampled_from(HOMES),
        "seed": st.integers(0, 10**6),
        "cells": st.lists(st.tuples(st.integers(0, 5), st.integers(0, 11), st.sampled_from(CELLS)), max_size=5),
        "again": st.lists(st.integers(0, 2), max_size=2),
        "blank": st.integers(0, 2),
        "harms": st.lists(st.sampled_from(HARMS), max_size=4),
    }
)


# ---------------------------------------------------------------- what must hold


@contextlib.contextmanager
def shuffled(seed: int) -> Iterator[None]:
    listing = trees._listing

    def other(folder: Path) -> tuple[list[str], list[str]]:
        folders, files = listing(folder)
        return random.Random(seed).sample(folders, len(folders)), random.Random(seed + 1).sample(files, len(files))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trees, "_listing", other)
        yield


def outcome(name: str, root: Path, images: str = "raw") -> Corpus | str:
    """What the loader gives, or the one line it says."""
    try:
        return corpora.load(name, root, images)
    except UserError as error:
        message = str(error)
    assert len(message.splitlines()) == 1
    return message


def number_in(name: str) -> int:
    return int(re.findall(r"[0-9]+", name.split(".")[0])[-1])


def check(corpus: Corpus, root: Path, recordings: bool = False) -> None:
    ids = [clip.id for clip in corpus.clips]
    assert len(set(ids)) == len(ids)
    excluded = [exclusion.clip for exclusion in corpus.exclusions]
    assert len(set(excluded)) == len(excluded)
    assert not set(ids) & set(excluded)
    for exclusion in corpus.exclusions:
        assert exclusion.fault
        assert len(exclusion.reason.splitlines()) == len(exclusion.clip.splitlines()) == 1
    for note in corpus.corrections:
        assert note.clip in {*ids, *excluded}
        assert all(len(text.splitlines()) <= 1 for text in (note.column, note.printed, note.used, note.source))
    for clip in corpus.clips:
        assert clip.id == f"{corpus.name}/{clip.subject}/{clip.name}"
        assert len(clip.id.splitlines()) == 1
        assert len(clip.frames) == len(clip.numbers) >= 2
        assert all(a < b for a, b in zip(clip.numbers, clip.numbers[1:], strict=False))
        assert clip.onset <= clip.numbers[0]
        assert clip.numbers[-1] <= clip.offset
        assert clip.apex is None or clip.onset <= clip.apex <= clip.offset
        assert all(Path(os.path.normpath(path)).is_relative_to(os.path.normpath(root)) for path in clip.frames)
        if clip.frames[0].suffix.lower() == ".avi":
            assert clip.files == (clip.frames[0],)
            assert clip.numbers == tuple(range(clip.onset, clip.offset + 1))
            continue
        assert [number_in(path.name) for path in clip.frames] == list(clip.numbers)
        (place,) = {path.parent for path in clip.frames}
        there = [name for name in os.listdir(place) if name.lower().endswith((".jpg", ".bmp", ".png", ".jpeg"))]
        there = [name for name in there if not (place / name).is_dir() and re.search(r"[0-9]", name.split(".")[0])]
        assert {n for n in map(number_in, there) if clip.onset <= n <= clip.offset} == set(clip.numbers)
        if clip.offset - clip.onset + 1 != len(clip.numbers):
            assert any(note.clip == clip.id and note.column == "frames" for note in corpus.corrections)
    files = Counter(path for clip in corpus.clips for path in clip.files)
    assert recordings or not files or max(files.values()) == 1


def same_in_any_order(name: str, root: Path, seed: int, before: Corpus | str) -> None:
    assert outcome(name, root) == before
    with shuffled(seed):
        assert outcome(name, root) == before


def examine(kind: Kind, plan: dict) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        rng, root = random.Random(plan["seed"]), Path(scratch) / plan["home"] / "corpus"
        kind.write(root)
        rows = [list(row) for row in kind.rows] + [list(kind.rows[i]) for i in plan["again"]]
        for row, column, value in plan["cells"]:
            if row < len(rows):
                rows[row][column % len(rows[row])] = value
        width = len(rows[0])
        text = [None] * (width - 1) + ["coded by two"]
        blank = [[None] * width, [" "] * width, text if not set(kind.named) & {width - 1} else [None] * width]
        every = [*rows, *blank[: plan["blank"] + 1]]
        kind.table(root, every, rng)
        for how in plan["harms"]:
            mutate(root / kind.top, how, rng)
        images = "cropped" if kind.top == "cropped" else "raw"
        result = outcome(kind.corpus, root, images)
        with shuffled(plan["seed"]):
            assert outcome(kind.corpus, root, images) == result
        if isinstance(result, str):
            assert plan["cells"] or plan["harms"], result
            return
        check(result, root, kind.recordings)
        repeated = sum(note.column == "row" for note in result.corrections)
        assert len(result.clips) + len(result.exclusions) + repeated == sum(map(kind.annotates, every))
        if not plan["cells"] and not plan["harms"] and not kind.corpus.startswith("casme_sq"):
            assert (len(result.clips), result.exclusions) == (3, ())
