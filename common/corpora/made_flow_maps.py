"""Flow maps that this suite makes, in the folders of the public ones, so that the code of others can train on them.

`norm_u_v_os` is what STSTNet's public code reads (christy1206/STSTNet, main.py), and HTNet's under another name
(wangzhifengharrison/HTNet, main_HTNet.py); `STSNet_whole_norm_u_v_os` and the list file are HTNet's.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.corpora import marker
from common.errors import UserError
from common.files import named, write_json
from common.types import Clip

TREE, FLAT = "norm_u_v_os", "STSNet_whole_norm_u_v_os"
"""Folders that `write` makes: maps by left-out subject, as in STSTNet's code, and each once, as in HTNet's."""
MADE = "flow-maps.json"
"""The record of maps that this suite has made, beside these folders."""


def made(place: Path) -> dict[str, Any] | None:
    """The record beside a folder of maps that this suite has made; None if there is none. UserError if unreadable."""
    path = place.parent / MADE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict) and all(isinstance(record[key], str) for key in ("recipe", "source", "ground")):
            return record
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError):
        pass
    raise UserError(f"{path}: no record of flow maps as mer-suite writes it; make the maps again")


def check(folder: Path) -> None:
    """Raise UserError if `folder` holds anything else than maps that this suite has made."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())) and not (folder / MADE).is_file():
        raise UserError(f"{folder}: is there already and holds no flow maps of mer-suite; name a new folder")


def write(
    folder: Path,
    clips: Sequence[tuple[Clip, int]],
    images: NDArray[np.uint8],
    apexes: Sequence[int],
    record: Mapping[str, Any],
) -> bool:
    """Write the maps of clips, (n, 28, 28, 3) as OpenCV reads them, with their classes and the numbers of apex frames.

    `TREE` has a folder for each subject, `FLAT` each map once; beside them are HTNet's list file and `record` with
    "clips" and "digest". Its "classes" are the names of the classes, its "data" is the kind of data: maps of stand-ins
    are marked. Everything is written, or nothing.

    Returns False if the same maps are there already. UserError if the folder holds anything else, or if clips of two
    corpora would have the same name.
    """
    names = [_listed(clip) for clip, _ in clips]
    if len(set(names)) < len(names):
        raise UserError(f"{folder}: two clips would both be called {Counter(names).most_common(1)[0][0]}")
    pngs = [_png(image) for image in images]
    digest = hashlib.sha256(repr([(*name, label) for name, (_, label) in zip(names, clips, strict=True)]).encode())
    digest.update(b"".join(pngs))
    whole = {**record, "clips": len(clips), "digest": digest.hexdigest()}
    check(folder)
    if known := made(folder / TREE):
        if known == whole:
            return False
        raise UserError(f"{folder}: holds other flow maps, by the recipe {known['recipe']}; name a new folder")
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with named(part):
            for path, png in _copies(names, [label for _, label in clips], pngs):
                (part / path).parent.mkdir(parents=True, exist_ok=True)
                (part / path).write_bytes(png)
            _write_list(part, clips, names, apexes, len(record["classes"]))
            if (data := record["data"]) in marker.TEXTS:
                (part / marker.MARKER).write_text(marker.TEXTS[data], encoding="ascii")
            write_json(part / MADE, whole)
            if folder.exists():
                folder.rmdir()  # it is empty; Windows replaces no folder
            os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return True


def _copies(
    names: Sequence[tuple[str, str]], labels: Sequence[int], pngs: Sequence[bytes]
) -> Iterator[tuple[str, bytes]]:
    """Every file of maps: its path below the folder that is written, and its content."""
    for (subject, clip), label, png in zip(names, labels, pngs, strict=True):
        file = f"{subject}_{clip} .png"
        yield f"{FLAT}/{file}", png
        for home in dict.fromkeys(subject for subject, _ in names):
            yield f"{TREE}/{home}/{'u_test' if home == subject else 'u_train'}/{label}/{file}", png


def _write_list(
    folder: Path,
    clips: Sequence[tuple[Clip, int]],
    names: Iterable[tuple[str, str]],
    apexes: Iterable[int],
    classes: int,
) -> None:
    with (folder / f"combined_{classes}_class2_for_optical_flow.csv").open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["dataset", "sub", "filename_o", "label", "apex", "imagename", "sub_filename"])
        for (clip, label), (subject, name), apex in zip(clips, names, apexes, strict=True):
            lines.writerow([clip.corpus, subject, name, label, apex, f"{subject}_{clip.name}.jpg", ""])


def _listed(clip: Clip) -> tuple[str, str]:
    """Subject and clip as in the composite's list and in the names of maps: in SMIC numbers below 10 have a zero."""
    if clip.corpus == "smic" and (number := re.fullmatch(r"s([0-9]+)", clip.subject)):
        subject = f"s{int(number[1]):02d}"
        return subject, re.sub(r"^s0*[0-9]+_", f"{subject}_", clip.name)
    return clip.subject, clip.name


def _png(image: NDArray[np.uint8]) -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", image)[1])
