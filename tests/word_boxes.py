"""Find words of a PDF that are printed over one another or too small: `python tests/word_boxes.py FILE...`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

TOLERANCE = 0.75
"""Points by which two boxes may overlap in width or in height: rounding, and letters that lean into each other."""
SMALLEST = 6.0
"""Points: the least size of letters on a page."""
_HYPHEN = 2  # how PDFium codes a hyphen at the end of a line


@dataclass(frozen=True)
class Word:
    """A word with the box and the size of its letters in points; y grows upwards. `page` counts from 1."""

    text: str
    page: int
    left: float
    bottom: float
    right: float
    top: float
    size: float


_Letter = tuple[str, tuple[float, float, float, float], float]
"""A letter, its box and its size."""


def words(path: Path) -> Iterator[Word]:
    """Yield every word of a PDF, page by page. Letters that do not follow one another on a line are different words."""
    with pypdfium2.PdfDocument(path) as document:
        for number, page in enumerate(document, 1):
            text = page.get_textpage()
            letters: list[_Letter] = []
            turned = 0.0
            for i in range(text.count_chars()):
                code = pdfium.FPDFText_GetUnicode(text, i)
                made = pdfium.FPDFText_IsGenerated(text, i) == 1
                letter, angle = chr(code), pdfium.FPDFText_GetCharAngle(text, i)
                if made or code == _HYPHEN or letter.isspace() or not letter.isprintable():
                    yield from _word(letters, number)
                    letters = []
                    continue
                box = text.get_charbox(i)
                if letters and (
                    not math.isclose(angle, turned, abs_tol=0.01) or not _follows(letters[-1][1], box, angle)
                ):
                    yield from _word(letters, number)
                    letters = []
                letters.append((letter, box, _size(text, i)))
                turned = angle
            yield from _word(letters, number)


def _follows(before: Sequence[float], box: Sequence[float], angle: float) -> bool:
    """Whether a letter's box (left, bottom, right, top) continues the line of the one before it."""
    along, across = (1, 0) if abs(math.sin(angle)) > 0.7 else (0, 1)
    middle_before, middle = ((b[along] + b[along + 2]) / 2 for b in (before, box))
    forwards = -1 if math.cos(angle) < -0.7 or math.sin(angle) > 0.7 else 1
    same_line = box[across] <= before[across + 2] + 4 and before[across] <= box[across + 2] + 4
    return same_line and 0 <= forwards * (middle - middle_before) <= 40


def _size(text: pypdfium2.PdfTextPage, i: int) -> float:
    """The size of a letter on the page: that of its font, as figures are scaled when they are placed."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(text, i, matrix)
    return float(pdfium.FPDFText_GetFontSize(text, i) * math.hypot(matrix.c, matrix.d))


def _word(letters: Sequence[_Letter], page: int) -> Iterator[Word]:
    boxes = [box for _, box, _ in letters if box[2] > box[0] and box[3] > box[1]]
    if boxes:
        left, bottom, right, top = zip(*boxes, strict=True)
        text, size = "".join(c for c, *_ in letters), min(size for *_, size in letters)
        yield Word(text, page, min(left), min(bottom), max(right), max(top), size)


def overlaps(path: Path, tolerance: float = TOLERANCE) -> Iterator[tuple[Word, Word]]:
    """Yield the pairs of words on one page whose boxes overlap by more than `tolerance` points in width and height."""
    known = sorted(words(path), key=lambda word: (word.page, word.left))
    near: list[Word] = []
    for word in known:
        near = [other for other in near if other.page == word.page and other.right - word.left > tolerance]
        for other in near:
            wide = min(other.right, word.right) - word.left
            high = min(other.top, word.top) - max(other.bottom, word.bottom)
            if wide > tolerance and high > tolerance:
                yield other, word
        near.append(word)


def too_small(path: Path, least: float = SMALLEST) -> Iterator[Word]:
    """Yield the words with a letter smaller than `least` points, but for rounding."""
    return (word for word in words(path) if word.size < least - 0.01)


def faults(path: Path) -> Iterator[str]:
    """Yield a line for each overlap and each word that is too small."""
    for a, b in overlaps(path):
        yield f"{path}, page {a.page}: {a.text!r} and {b.text!r} overlap at {b.left:.0f}, {b.top:.0f}"
    for word in too_small(path):
        yield f"{path}, page {word.page}: {word.text!r} has {word.size:.2f} pt, less than {SMALLEST:g}"


def main(paths: Sequence[str]) -> int:
    """Print the faults of these files; return 1 if there is one."""
    found = [line for path in paths for line in faults(Path(path))]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
