"""Ways to damage files: their bytes, the parts of an archive, the nodes of a JSON record."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

Read = Callable[[], str]
"""Reads a damaged file, checks the result with assertions, and returns READ or PASSED_OVER."""
Case = Callable[[Random], Read]
"""Damages a file."""
READ, REFUSED, PASSED_OVER, BROKEN = "read", "refused", "passed over", "broken"

NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
PATHS = ("../../etc/passwd", "/etc/passwd", "..", "a/../b", "..\\..\\x", "C:\\x", "EP02_01f/.", "file:///etc/passwd")
WORDS: tuple[str, ...] = (
    *PATHS,
    "NaN",
    "-Infinity",
    "1e999",
    "9" * 5000,
    "-1",
    "=1+1",
    "#REF!",
    "a\nb",
    "\u2028",
    "\u202e",
    "[",
    '"',
)
WORDS += ("x" * 30_000, "0", "1", "46", "sub01", "微表情", "٤٦", "²", "null", "{}", ",", "[" * 100_000, '{"a":' * 5000)
VALUES: tuple[Any, ...] = (*WORDS[:-2], None, True, 0, -1, 0.5, 2**70, 10**400, 1e308, math.nan, math.inf, [], {}, [[]])
BOMB = 2**26
"""The maximum unpacked size in bytes of a part of an archive: a thousand times its packed size."""


def damaged(data: bytes, rng: Random) -> bytes:
    """Apply one to four of: flip bits, cut off the end, delete, move or copy a block, insert a field or word."""
    content = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        most = len(content)
        at = rng.choice([rng.randrange(min(most, 200) + 1), max(0, most - rng.randrange(100)), rng.randrange(most + 1)])
        size, how = int(2 ** rng.uniform(0, 10)), rng.randrange(8)
        if how == 0:
            for place in (rng.randrange(most) for _ in range(min(most, rng.randint(1, 8)))):
                content[place] ^= 1 << rng.randrange(8)
        elif how == 1 and rng.random() < 0.5:
            del content[at:]
        elif how == 2:
            del content[at : at + size]
        elif how == 3:
            content[at:at] = content[(start := rng.randrange(most + 1)) : start + size]
        elif how == 4:
            content[at : at + size] = content[(start := rng.randrange(most + 1)) : start + size]
        elif how == 5:
            content[at:at] = rng.choice(WORDS).encode()
        else:
            width = rng.choice((1, 2, 4, 8))
            number = rng.choice((*NUMBERS, rng.getrandbits(64), rng.getrandbits(12))) % 256**width
            content[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))
    return bytes(content)


def repacked(data: bytes, rng: Random) -> bytes:
    """A valid zip archive in which one part is damaged, lost, renamed, duplicated or a zip bomb."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [(name, archive.read(name)) for name in archive.namelist()]
    at, how = rng.randrange(len(parts)), rng.randrange(10)
    name, content = parts[at]
    if how == 0:
        del parts[at]
    elif how == 1:
        parts[at] = (rng.choice((*PATHS, "x", name.upper())), content)
    elif how == 2:
        parts.append((rng.choice([*PATHS, name, "sub/" + name]), damaged(content, rng)))
    elif how == 3:
        half = rng.randrange(len(content) + 1)
        parts[at] = (name, content[:half] + rng.choice((b"\0", b" ", b"<a>", content[half:])) * 2**14 + content[half:])
        parts[at] = (name, parts[at][1][:half] + bytes(BOMB) if rng.random() < 0.3 else parts[at][1][:BOMB])
    else:
        parts[at] = (name, damaged(content, rng))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA))) as new:
        for entry, body in parts:
            new.writestr(entry, body)
    return damaged(buffer.getvalue(), rng) if rng.random() < 0.1 else buffer.getvalue()


def altered(record: Any, rng: Random) -> Any:
    """JSON data in which one node is replaced, lost, or wrapped in a list; `record` itself is changed."""
    nodes: list[tuple[Any, Any]] = []
    waiting = [record]
    while waiting:
        held = waiting.pop()
        for key, value in held.items() if isinstance(held, dict) else enumerate(held):
            nodes.append((held, key))
            waiting += [value] if isinstance(value, (dict, list)) else []
    held, key = rng.choice(nodes)
    if rng.random() < 0.15:
        del held[key]
    elif isinstance(held, dict) and rng.random() < 0.15:
        held[rng.choice(WORDS)] = held.pop(key)
    else:
        held[key] = [held[key]] if rng.random() < 0.1 else rng.choice(VALUES)
    return record


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)
