"""Which frames of a clip stay when low texture is removed (Kumar et al., 2019, section 3.2), for each variant.

python -m benchmarks.frame_removal --data DIR --corpus casme2 samm

Without --data it measures on stand-in corpora, whose apexes are known and lie between 30% and 70% of the clip: this
favours variants that keep the middle. `--short` reads few clips, with faces, window and cutoff of half the size: it
checks that everything works, but its numbers mean little. The status is 1 if the variant "published" loses the apex of
more than one clip in ten.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.apex_spotting import timed, with_played_apex
from common import corpora, standin
from common.corpora.marker import marked
from common.errors import ClipError, UserError
from common.types import Clip
from common.vision.faces import FaceFinder
from papers.kumar2019.experiments import EVERYWHERE, REMOVALS, Inputs, Training
from papers.kumar2019.preprocess import chosen, face_frames, magnified
from papers.kumar2019.texture import select

READINGS: Mapping[str, Mapping[str, Any]] = {name: how for name, (how, _) in {**EVERYWHERE, **REMOVALS}.items()}
CORPORA = ("casme2", "smic", "samm")
KEPT = 0.9
"""The fraction of clips whose apex the variant "published" must keep."""
TESTED = Training().tested_alpha
SHORT = Inputs(face_size=112, window=31, cutoff=15.0)

HEADING = f"""Magnified {TESTED} times. Columns, for the clips of a corpus with a known apex:
all stay    clips from which no frame is removed
frames      percentage of a clip's frames that stay
apex        clips whose apex frame stays
halves      clips in which a frame between onset and apex stays, and one between apex and offset
longer      of the clips with more frames than a window, those whose apex frame stays
backwards   percentage of frames with the same fate when the clip is played backwards before it is magnified
            (a dash if A_i is computed from the unmagnified frames, where direction does not matter)
noise       percentage of frames with the same fate as in a clip of random numbers of the same length
growth      difference in grey levels between the mean of the frames that stay, magnified and not (mean over pixels)

{"corpus":7s} {"reading":34s} {"clips":>5s} {"all stay":>8s} {"frames":>7s} {"apex":>5s} {"halves":>6s} {"longer":>9s} \
{"backwards":>9s} {"noise":>6s} {"growth":>6s}"""


@dataclass(frozen=True)
class Fate:
    """What happened to the frames of one clip in one variant; see `HEADING`."""

    longer: bool
    share: float
    apex: bool
    halves: bool
    backwards: float | None
    noise: float
    growth: float


def fate(clip: Clip, frames: NDArray[np.uint8], inputs: Inputs) -> Fate:
    """The fate of face crops uint8 (n, h, w, 3) of a clip with a known apex."""
    assert clip.apex is not None
    count, apex = len(frames), int(np.abs(np.array(clip.numbers) - clip.apex).argmin())
    moved, back = magnified(clip, frames, TESTED, inputs), None
    stay = _mask(chosen(moved if inputs.magnified_texture else frames, inputs), count)
    if inputs.magnified_texture:
        turned = magnified(clip, frames[::-1], TESTED, inputs)
        back = _mask(chosen(turned, inputs), count)[::-1]
    return Fate(
        longer=count > inputs.window,
        share=float(stay.mean()),
        apex=bool(stay[apex]),
        halves=bool(stay[:apex].any() and stay[apex + 1 :].any()),
        backwards=None if back is None else float((stay == back).mean()),
        noise=float((stay == _of_noise(count, inputs)).mean()),
        growth=float(np.abs(moved[stay].mean(axis=0) - frames[stay].mean(axis=0)).mean()),
    )


@cache
def _of_noise(count: int, inputs: Inputs) -> NDArray[np.bool_]:
    """Which frames of random numbers stay (count,)."""
    side = inputs.face_size
    if not inputs.removal:
        return np.ones(count, bool)
    pictures = np.random.default_rng(count).integers(0, 256, (count, side, side), np.uint8)
    return _mask(
        select(pictures, inputs.window, inputs.cutoff, inputs.window_ends, mean=inputs.mean_texture).kept, count
    )


def _mask(kept: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(count), kept)


def line(corpus: str, reading: str, fates: Sequence[Fate]) -> str:
    """The row of one variant."""
    longer = [f for f in fates if f.longer]

    def mean(name: str) -> float:
        return float(np.mean([getattr(f, name) for f in fates]))

    backwards = "-" if fates[0].backwards is None else f"{mean('backwards'):.0%}"
    both = f"{sum(f.apex for f in longer)} of {len(longer)}"
    return (
        f"{corpus:7s} {reading:34s} {len(fates):5d} {sum(f.share == 1 for f in fates):8d} {mean('share'):7.0%} "
        f"{sum(f.apex for f in fates):5d} {sum(f.halves for f in fates):6d} {both:>9s} "
        f"{backwards:>9s} {mean('noise'):6.0%} {mean('growth'):6.2f}"
    )


def measure(clips: Sequence[Clip], inputs: Inputs, faces: FaceFinder) -> dict[str, list[Fate]]:
    """The fates of all clips that can be read, by variant."""
    fates: dict[str, list[Fate]] = {name: [] for name in READINGS}
    for clip in clips:
        try:
            frames, _ = face_frames(clip, inputs, faces)
            clip_fates = [fate(clip, frames, replace(inputs, **how)) for how in READINGS.values()]
        except ClipError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        for name, clip_fate in zip(READINGS, clip_fates, strict=True):
            fates[name].append(clip_fate)
    return fates


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table per corpus, and one for all corpora together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of licensed corpora; without it stand-ins")
    parser.add_argument("--corpus", nargs="+", choices=CORPORA, default=list(CORPORA))
    parser.add_argument("--subjects", type=int, default=6, help="of each stand-in corpus; 0 for all")
    parser.add_argument("--clips", type=int, default=1, help="per stand-in subject, of the three classes; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="one subject of each corpus, smaller faces and windows")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for the stand-ins")
    options = parser.parse_args(arguments)
    inputs = SHORT if options.short else Inputs()
    subjects, per_subject = (1, 1) if options.short else (options.subjects or None, options.clips or None)
    everything: dict[str, list[Fate]] = {name: [] for name in READINGS}
    try:
        data = options.data or standin.ensure(
            options.cache, corpora=options.corpus, subjects=subjects, clips=per_subject, seed=options.seed
        )
        roots = {name: root for name, root in corpora.find(data).items() if name in options.corpus}
        print("stand-in corpora" if marked(data) else f"corpora in {data}", HEADING, sep="\n")
        for name, root in roots.items():
            clips: Sequence[Clip] = corpora.load(name, root, "cropped").clips
            if options.data is None and name == "smic":
                clips = with_played_apex(clips, subjects, per_subject, options.seed)
            fates = measure(timed(clips), inputs, FaceFinder())
            for reading, rows in fates.items():
                everything[reading] += rows
                print(line(name, reading, rows) if rows else f"{name}: no clip with a known apex", flush=True)
            short = sum(len(clip.frames) <= inputs.window for clip in clips)
            print(f"{name:7s} {short} of {len(clips)} clips have at most {inputs.window} frames", flush=True)
        if not everything["published"]:
            raise UserError(f"{data}: no clip of {', '.join(options.corpus)} with a known apex")
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(*(line("all", reading, rows) for reading, rows in everything.items()), sep="\n")
    return int(np.mean([f.apex for f in everything["published"]]) < KEPT)


if __name__ == "__main__":
    sys.exit(main())
