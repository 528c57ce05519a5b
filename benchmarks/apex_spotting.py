"""How far the estimated apex lies from the annotated one, per corpus and method, compared with random guessing.

python -m benchmarks.apex_spotting --data DIR --corpus casme2 samm

Without --data it measures on stand-in corpora, whose numbers say nothing about the real corpora: their apex is drawn
between 30% and 70% of the clip, which favours the midpoint. SMIC has no annotated apex; that of its stand-in is known.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import parsed
from common import corpora, standin
from common.corpora.marker import marked
from common.errors import ClipError, UserError
from common.types import Clip
from common.vision import apex
from common.vision.faces import FaceFinder

NEAR = 1 / 8
"""The fraction of a clip's length within which an estimate counts as near."""


@dataclass(frozen=True)
class Accuracy:
    """The mean absolute and mean signed error of a method on some clips, and the fraction of near estimates."""

    frames: float
    milliseconds: float
    share: float
    late: float
    near: float


def accuracy(clips: Sequence[Clip], errors: Sequence[NDArray[np.float64]]) -> Accuracy:
    """Summarise `errors`: for each clip the signed errors, in frames, of equally likely estimates (k,), often one.

    Every clip counts the same. `late` is the mean signed error as a fraction of the clip's length, positive if the
    estimate comes after the annotated apex.
    """
    lengths = [clip.numbers[-1] - clip.numbers[0] + 1 for clip in clips]
    away = np.array([np.abs(error).mean() for error in errors])
    return Accuracy(
        frames=float(away.mean()),
        milliseconds=float(np.mean([1000 * distance / clip.fps for distance, clip in zip(away, clips, strict=True)])),
        share=float(np.mean(away / lengths)),
        late=float(np.mean([error.mean() / length for error, length in zip(errors, lengths, strict=True)])),
        near=float(np.mean([np.mean(np.abs(e) <= NEAR * n) for e, n in zip(errors, lengths, strict=True)])),
    )


def guesses(clip: Clip) -> NDArray[np.float64]:
    """The signed errors of all frames of a clip: those of a guess in which each frame is equally likely."""
    assert clip.apex is not None
    return np.array(clip.numbers, np.float64) - clip.apex


def timed(clips: Sequence[Clip]) -> list[Clip]:
    """The clips with an annotated apex, except those whose apex is the onset, which cannot have been intended."""
    return [clip for clip in clips if clip.apex is not None and clip.apex != clip.onset]


def with_played_apex(clips: Sequence[Clip], subjects: int | None, per_subject: int | None, seed: int) -> list[Clip]:
    """Clips of the stand-in of SMIC with the apex that was rendered, which its files do not contain."""
    from common.standin import casting

    played = {role.name: role.apex for role in casting.cast("smic", subjects, per_subject, seed)}
    return [replace(clip, apex=played[clip.name]) for clip in clips]


def measure(title: str, clips: Sequence[Clip], faces: FaceFinder) -> list[str]:
    """The lines of one corpus: one per method and one for chance, for the clips that every method can read."""
    by_method: dict[str, list[NDArray[np.float64]]] = {method: [] for method in apex.METHODS}
    usable, seconds = [], dict.fromkeys(apex.METHODS, 0.0)
    for clip in clips:
        errors = {}
        try:
            for method in apex.METHODS:
                started = time.perf_counter()
                errors[method] = np.array([apex.error(clip, method, faces)], np.float64)
                seconds[method] += time.perf_counter() - started
        except ClipError as error:
            print(f"{clip.id} left out: {error}", file=sys.stderr)
            continue
        usable.append(clip)
        for method, error_of in errors.items():
            by_method[method].append(error_of)
    if not usable:
        return [f"{title:10s} no clip with a known apex"]
    rows = {**by_method, "chance": [guesses(clip) for clip in usable]}
    return [_line(title, method, usable, errors, seconds.get(method)) for method, errors in rows.items()]


HEADING = (
    f"{'corpus':10s} {'method':24s} {'clips':>5s} {'frames':>7s} {'ms':>7s} {'of clip':>8s} {'late':>7s} "
    f"{'within 1/8':>10s} {'s/clip':>7s}"
)


def _line(
    title: str, method: str, clips: Sequence[Clip], errors: Sequence[NDArray[np.float64]], seconds: float | None
) -> str:
    of = accuracy(clips, errors)
    cost = f"{seconds / len(clips):7.2f}" if seconds is not None else f"{'-':>7s}"
    return (
        f"{title:10s} {method:24s} {len(clips):5d} {of.frames:7.2f} {of.milliseconds:7.1f} {of.share:8.1%} "
        f"{of.late:+7.1%} {of.near:10.1%} {cost}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of licensed corpora; without it stand-ins")
    parser.add_argument("--corpus", nargs="+", choices=corpora.NAMES, default=list(corpora.NAMES))
    parser.add_argument("--subjects", type=int, default=5, help="of each stand-in corpus; 0 for all")
    parser.add_argument("--clips", type=int, default=4, help="per stand-in subject; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for the stand-ins")
    chosen = parsed(parser, arguments, corpus=["smic"], subjects=2, clips=2)
    subjects, per_subject = chosen.subjects or None, chosen.clips or None
    try:
        data = chosen.data or standin.ensure(
            chosen.cache, corpora=chosen.corpus, subjects=subjects, clips=per_subject, seed=chosen.seed
        )
        roots = {name: root for name, root in corpora.find(data).items() if name in chosen.corpus}
        if not roots:
            raise UserError(f"{data}: contains none of {', '.join(chosen.corpus)}")
        print("stand-in corpora" if marked(data) else f"corpora in {data}", HEADING, sep="\n")
        for name, root in roots.items():
            clips = corpora.load(name, root).clips
            if chosen.data is None and name == "smic":
                clips = tuple(with_played_apex(clips, subjects, per_subject, chosen.seed))
            print(*measure(name, timed(clips), FaceFinder()), sep="\n", flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
