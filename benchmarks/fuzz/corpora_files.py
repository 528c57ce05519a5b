"""Files that come with a corpus: annotation tables, the list of the composite, images and videos.

Each function writes good files in a folder, and returns a function that damages one of them, reads it and checks the
result.
"""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.fuzz.damage import BOMB, READ, VALUES, WORDS, Case, Read, damaged, repacked
from common import corpora
from common.corpora import composite
from common.types import Clip, Corpus

TABLES: dict[str, tuple[str, str, list[object], list[object]]] = {
    "casme2": (
        "CASME2-coding-20140508.xlsx", "CASME2_RAW_selected/sub01/{}/img{}.jpg",
        ["01", "EP02_01f", 46, 50, 52, "12", "happiness"], ["01", "EP03_02", 46, "/", 52, 4, "disgust"],
    ),
    "samm": (
        "SAMM_Micro_FACS_Codes_v2.xlsx", "SAMM/006/{}/006_{:05d}.jpg",
        ["006", "006_1_2", 46, 47, 52, "L12", "Anger"], ["006", "006_1_3", 46, 50, 52, 4, "Other"],
    ),
    "smic_e": (
        "SMIC-HS-E_annotation.xlsx", "SMIC-HS-E/s01/{}/image{:06d}.jpg",
        ["s01", "s1_ne_01", 46, 52, "negative"], [1, "s1_po_02", "MISSING <-46", 50, "positive"],
    ),
    "casme_sq": (
        "CAS(ME)^2code_final.xlsx", "selectedpic/s15/{}/img{}.jpg",
        [1, "anger1_1", 46, 50, 52, "4", "negative", "macro-expression", "anger"],
        [1, "happy3_1", 46, 50, 0, 12, "positive", "micro-expression", "happyiness"],
    ),
}  # fmt: skip


def tables(folder: Path) -> Case:
    """Annotation tables, with the images that their good rows name, read by the loaders of the corpora."""
    import openpyxl

    for name, (_, files, *rows) in TABLES.items():
        for row in rows:
            for number in range(46, 53):
                file = folder / name / files.format(row[1], number)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()

    def workbook(name: str, rng: Random | None) -> bytes:
        sheets = [[list(row) for row in TABLES[name][2:]], [[15, "s15", 1]], [[401, "anger1"], [505, "happy3"]]]
        if name != "casme_sq":
            sheets = [[list(corpora.source(name).layouts[0].headings.values()), *sheets[0]]]
        if rng:
            for _ in range(rng.randint(1, 5)):
                row = rng.choice(rng.choice(sheets[:1] * 3 + sheets))
                row[rng.randrange(len(row))] = rng.choice(VALUES[:-3])
            sheets[0] += [list(rng.choice(sheets[0])) for _ in range(rng.choice((0, 0, 1, 300)))]
        book = openpyxl.Workbook()
        book.remove(book.active)
        for rows in sheets:
            sheet = book.create_sheet()
            for row in rows:
                sheet.append([str(cell) if isinstance(cell, int) and cell > 2**62 else cell for cell in row])
        book.save(buffer := io.BytesIO())
        return buffer.getvalue()

    good = {name: workbook(name, None) for name in TABLES}

    def case(rng: Random) -> Read:
        name, how = rng.choice(sorted(TABLES)), rng.choice((damaged, repacked, repacked, None))
        table = folder / name / TABLES[name][0]
        table.write_bytes(workbook(name, rng) if how is None else how(good[name], rng))
        if rng.random() < 0.03:
            table = table.rename(table.with_suffix(".xls"))

        def read() -> str:
            try:
                corpus = corpora.load(name, folder / name)
            finally:
                table.unlink()
            _sound(corpus, folder / name)
            return READ

        return read

    return case


def _sound(corpus: Corpus, root: Path) -> None:
    """Check that ids are unique lines, frames ascend within onset and offset, and their files are inside `root`."""
    ids = [clip.id for clip in corpus.clips]
    texts = ids + [text for e in corpus.exclusions for text in (e.clip, e.reason)]
    texts += [text for c in corpus.corrections for text in (c.clip, c.printed, c.used, c.source)]
    assert len(set(ids)) == len(ids)
    assert all(len(text.splitlines()) <= 1 for text in texts)
    for clip in corpus.clips:
        assert clip.onset <= clip.numbers[0] < clip.numbers[-1] <= clip.offset
        assert list(clip.numbers) == sorted(set(clip.numbers))
        assert clip.apex is None or clip.onset <= clip.apex <= clip.offset
        assert all(Path(os.path.normpath(path)).is_relative_to(root) and path.is_file() for path in clip.frames)


def lists(folder: Path) -> Case:
    """The list file of the composite."""
    lines = ["casme2,sub01,EP02_01f,1", "smic,s01,s01_ne_01,0", "SAMM,6,006_1_2,2", "smic-hs,s3,s3_po_04,1"]
    known = re.compile(r"(casme2/sub[0-9]{2,4}|smic/s[0-9]+|samm/[0-9]{3,4})/[^/\\\n]+")
    path = folder / "combined_3class_gt.csv"

    def case(rng: Random) -> Read:
        cells = [line.split(",") for line in rng.choices(lines, k=rng.randint(1, 40))]
        if rng.random() < 0.5:
            row = rng.choice(cells)
            row[rng.randrange(4)] = rng.choice(WORDS)
        text = rng.choice(("\n", "\r\n")).join(map(",".join, cells)).encode(rng.choice(("utf-8",) * 9 + ("utf-16",)))
        path.write_bytes(damaged(text, rng) if rng.random() < 0.4 else text)

        def read() -> str:
            listed = composite.read_megc_list(path)
            assert listed
            assert all(known.fullmatch(key) and ".." not in key for key in listed), sorted(listed)
            assert set(listed.values()) <= set(composite.MEGC2019.classes)
            return READ

        return read

    return case


def images(folder: Path) -> Case:
    """Images of a clip; next to good ones, one is damaged, states a huge size or has another format."""
    from PIL import Image

    from common.vision.images import read_frames

    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (18, 24, 3), np.uint8))
    kinds = [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("BMP", {})]
    kinds += [(other, {}) for other in ("GIF", "TIFF", "WEBP", "EPS", "ICO", "PPM", "PCX", "TGA", "PDF", "JPEG2000")]
    good = []
    for index, (name, options) in enumerate(kinds):
        for mode in ("RGB", "L", "P", "1") if name in ("PNG", "BMP") else ("RGB",):
            noise.convert(mode).save(buffer := io.BytesIO(), name, **options)
            good += [buffer.getvalue()] * (5 if index < 4 else 1)
    noise.save(folder / "img46.png")

    def vast(rng: Random) -> bytes:
        """A valid PNG of few bytes with many pixels."""
        bits = rng.choice((1, 8))
        wide, high = (rng.choice((1, 24, 5000, 12_000, 2**20, 2**31 - 1)) for _ in range(2))
        packed = zlib.compress(bytes(min((wide * bits // 8 + 2) * high, BOMB)))
        parts = ((b"IHDR", struct.pack(">IIBBBBB", wide, high, bits, 0, 0, 0, 0)), (b"IDAT", packed), (b"IEND", b""))
        chunks = (struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in parts)
        return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

    def case(rng: Random) -> Read:
        path = folder / rng.choice(("img47.jpg", "img47.png", "img47.bmp"))
        picture = rng.choice(good)
        path.write_bytes(
            vast(rng) if rng.random() < 0.02 else damaged(picture, rng) if rng.random() < 0.95 else picture
        )
        files = rng.choice(((folder / "img46.png", path), (path, path)))

        def read() -> str:
            frames = read_frames(Clip("casme2", "sub01", "EP02_01f", files, (46, 47), 46, None, 47, 200.0, "happiness"))
            assert frames.dtype == np.uint8
            assert frames.ndim == 4
            assert (frames.shape[0], frames.shape[3]) == (2, 3)
            assert frames.size
            return READ

        return read

    return case


def videos(folder: Path) -> Case:
    """Videos of twelve frames, and lists of other files that decoders accept as videos."""
    import cv2

    from common.corpora.examine import unusable
    from common.vision import videos as reader

    good = []
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # read only once, here by the writer
    for name, codec in (("a.avi", "MJPG"), ("b.avi", "XVID"), ("c.mp4", "mp4v"), ("d.mkv", "MJPG")):
        writer = cv2.VideoWriter(str(folder / name), cv2.VideoWriter.fourcc(*codec), 30.0, (64, 48))
        for shade in range(12):
            writer.write(np.full((48, 64, 3), 20 * shade, np.uint8))
        writer.release()
        good.append((folder / name).read_bytes())
    lists = "ffconcat version 1.0\nfile a.avi\n", f"#EXTM3U\n#EXTINF:1,\nfile://{folder}/a.avi\n#EXT-X-ENDLIST\n"

    def case(rng: Random) -> Read:
        path = folder / rng.choice(("x.avi", "x.mp4", "x.mkv"))
        listed = rng.random() < 0.03
        path.write_bytes(rng.choice(lists).encode() if listed else damaged(rng.choice(good), rng))
        numbers = (1, 3, 12)
        clip = Clip("casme_sq", "s15", "anger1_1", (path,) * 3, numbers, 1, None, 12, 30.0, "anger")

        def read() -> str:
            assert all(len(exclusion.reason.splitlines()) == 1 for exclusion in unusable([clip]))
            count, stated = reader.count(path), reader.stated_count(path)
            assert not listed, "frames of a file that the clip does not name"
            assert count >= 0
            assert stated is None or stated > 0
            frames = list(reader.frames(path, numbers))
            assert all(frame.dtype == np.uint8 and frame.shape[2:] == (3,) and frame.size for frame in frames)
            assert len(frames) == 3
            assert count >= 12
            return READ

        return read

    return case
