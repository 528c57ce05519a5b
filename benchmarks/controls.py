"""Does the harness tell a recogniser of motion from one of faces? Prints several, as they are and under every control.

python -m benchmarks.controls --subjects 5 --clips 4

On stand-in corpora, with leave one subject out on the composite, one linear classifier is run like a paper's experiment
on four kinds of what networks read: one frame (the onset), optical flow from the onset to the apex, frames spread over
the clip, and the dynamic image. Expected is what docs/pages/report.md says that each control can show:

- As they are, all but the onset alone are recognised.
- With the first frame repeated none is. Flow and the dynamic image are then the same for all clips, so that all answers
  for a subject are alike; the onset is what it was.
- With labels permuted none is recognised.
- With frames shuffled flow and the dynamic image lose some of their score. Of the onset and of the spread frames
  nothing is expected: another frame in the onset's place may show the expression, and the spread frames still do.

With --short the sizes are tiny, and only what holds at any size is expected.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import papers
from benchmarks.options import parsed
from benchmarks.standin_proof import EYES, SIZE, UNIT, flows
from common.cache import Cache
from common.controls import CONTROLS, NO_MOTION, PERMUTED, SHUFFLED, controls
from common.corpora import standin
from common.environment import code_digest
from common.faces import FaceFinder
from common.images import each_frame, read_frame
from common.parts import Parts
from common.plan import plan, read_data
from common.pool import Pool
from common.rankpooling import approximate
from common.report.assemble import assemble, plan_file, write_plan
from common.report.checks import AS_IT_IS, controlled
from common.runner import execute
from common.types import Answers, Arrays, Clip, ClipFrames, Experiment, Profile, Samples, Score, Trained, Workbench

KEY = "kumar2019"
"""Whose place in the harness is taken: its composite experiment has the protocol that is wanted."""

SOURCES = ("benchmarks/controls.py", "benchmarks/standin_proof.py", "common/rankpooling.py")
ALPHA = 0.01
"""Many scores are tried: more than guessing is what fewer than this share of draws reach."""
SPREAD = 8
"""Frames that stand for a whole clip."""
SMALL = (SIZE[0] // 8, SIZE[1] // 8)


@dataclass(frozen=True)
class Settings:
    """What the linear classifier reads: one of `READS`."""

    reads: str
    precision: str = "float32"


@dataclass(frozen=True)
class Reading:
    """Which frames of a clip are read, by their places, and what is made of them: aligned, uint8 (n, height, width)."""

    places: Callable[[ClipFrames], Sequence[int]]
    features: Callable[[NDArray[np.uint8]], NDArray[Any]]


def _apex(clip: ClipFrames) -> int:
    number = clip.numbers[len(clip.numbers) // 2] if clip.apex is None else clip.apex
    return int(np.abs(np.array(clip.numbers) - number).argmin())


def _small(frames: NDArray[Any]) -> NDArray[Any]:
    return np.stack([cv2.resize(frame, SMALL, interpolation=cv2.INTER_AREA) for frame in frames])


def _spread(clip: ClipFrames) -> list[int]:
    return [round(place) for place in np.linspace(0, len(clip.numbers) - 1, SPREAD)]


READS = {
    "onset": Reading(lambda clip: [0], _small),
    "flow": Reading(lambda clip: [0, _apex(clip)], flows),
    "frames": Reading(_spread, _small),
    "dynamic": Reading(lambda clip: range(len(clip.numbers)), lambda frames: _small(approximate(frames)[None])),
}
SEES_MOTION = tuple(name for name in READS if name != "onset")
ALIKE_WHEN_STILL = ("flow", "dynamic")
"""What is made of frames that are all the same is the same for all clips."""


def _prepare(clip: ClipFrames, experiment: Experiment, settings: Settings, faces: FaceFinder) -> Arrays:
    reading = READS[settings.reads]
    points = faces.find(read_frame(clip, 0)).points
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    reach = (right - left) / np.sum((right - left) ** 2) * UNIT
    turn = np.array([[reach[0], reach[1]], [-reach[1], reach[0]]])
    move = np.c_[turn, np.array(EYES) - turn @ ((left + right) / 2)]
    pictures = each_frame(clip.at(reading.places(clip)))
    grey = [cv2.warpAffine(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), move, SIZE) for picture in pictures]
    return {"features": np.asarray(reading.features(np.stack(grey)), np.float32).reshape(1, -1)}


def _assemble(
    clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], experiment: Experiment, settings: Settings
) -> Samples:
    return Samples(
        x={"features": np.concatenate([one["features"] for one in arrays])},
        y=np.array([label for _, label in clips]),
        subject=np.array([clip.subject_id for clip, _ in clips]),
        clip=np.array([clip.id for clip, _ in clips]),
        view=np.zeros(len(clips), np.int64),
    )


class _Linear:
    """A recipe: standardised features, ridge regression on the classes."""

    class Networks:
        def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
            self.classes = len(experiment.labels.classes)

        def facts(self) -> dict[str, int]:
            return {}

        def flops(self, rows_per_clip: float) -> float:
            return 0.0

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, bench: Workbench) -> Trained:
        from sklearn.linear_model import RidgeClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=30.0, class_weight="balanced"))
        model.fit(samples.x["features"][:], samples.y)
        known = model.classes_

        def predict(test: Samples) -> Answers:
            found = known[model.decision_function(test.x["features"][:]).argmax(axis=1)]
            return dict(zip(test.clip.tolist(), np.eye(networks.classes, dtype=np.float32)[found], strict=True))

        return Trained(predict, {})


def _parts() -> Parts:
    preprocess: Any = SimpleNamespace(
        parameters=lambda experiment, settings: {"reads": settings.reads, "code": code_digest(SOURCES)},
        prepare=_prepare,
        assemble=_assemble,
    )
    figures: Any = SimpleNamespace(draw=lambda *_: [], results=lambda *_: [])
    recipe: Callable[[], Any] = lambda: _Linear  # noqa: E731
    return Parts(preprocess, figures, recipe, lambda experiment, settings: 0)


def measured(
    reads: str, subjects: int, clips: int, cache: Path, under: Collection[str] = tuple(CONTROLS), seed: int = 0
) -> dict[str, Score]:
    """UF1 on all clips of the composite, as it is and under controls; so many subjects of so many clips each.

    `seed` decides what controls draw. Raises RuntimeError where a fold fails.
    """
    paper = papers.load(KEY)
    experiment = next(e for e in paper.experiments if e.id == "composite-loso/published")
    profile = Profile("quick", Settings(reads), subjects, clips)
    paper = replace(
        paper, experiments=(experiment,), profiles={"paper": profile, "quick": profile}, images="raw", claims=()
    )
    where, contents = Cache(cache), dict[str, tuple[str, ...]]()
    data = read_data(
        standin.ensure(cache, corpora=experiment.corpora, subjects=subjects, clips=clips), experiment.corpora, "raw"
    )
    with tempfile.TemporaryDirectory() as folder, Pool(1) as pool:
        out = Path(folder)
        jobs = [
            plan(
                paper,
                e,
                profile,
                data,
                cache=where,
                out=out,
                seed=seed,
                code=code_digest(papers.code(KEY)),
                contents=contents,
                progress=_quiet,
            )
            for e in (experiment, *(c for c in controls(experiment) if c.control in under))
        ]
        write_plan(plan_file(out, paper, profile, data.kind, seed), jobs, data, ["python"])
        if execute(jobs, _parts, cache=where, landmarks=None, pool=pool, progress=_quiet, line=_quiet):
            raise RuntimeError("not all folds were run")
        ((_, _, rows),) = controlled(assemble(out, paper, profile, data.kind, (seed,)))
    return {name: score for name, row in rows.items() if (score := row["uf1"].score) is not None}


def _quiet(*_: object) -> None:
    """Progress and lines that nobody reads."""


def recognised(score: Score) -> bool:
    """Whether a score is more than guessing."""
    return score.p is not None and score.p < ALPHA


def surprises(found: Mapping[str, Mapping[str, Score]], short: bool = False) -> list[str]:
    """What is not as expected of scores by what is read and by control; with `short` what holds at any size alone."""
    wrong = []
    for reads, scores in found.items():
        plain, still, shuffled = (scores[name] for name in (AS_IT_IS, NO_MOTION, SHUFFLED))
        if reads == "onset" and (still.value, still.p) != (plain.value, plain.p):
            wrong.append("onset: repeating the first frame changes what is read of it")
        if reads in ALIKE_WHEN_STILL and still.p != 1:
            wrong.append(f"{reads}: clips of a subject are told apart without motion")
        if short:
            continue
        if recognised(plain) != (reads in SEES_MOTION):
            wrong.append(f"{reads}: {'not ' * (not recognised(plain))}recognised as it is")
        wrong += [f"{reads}: recognised with {name}" for name in (NO_MOTION, PERMUTED) if recognised(scores[name])]
        if reads in ALIKE_WHEN_STILL and shuffled.value >= plain.value:
            wrong.append(f"{reads}: loses nothing when frames are shuffled")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, and what is not as expected; status 1 where there is any of it."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.controls", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reads", nargs="+", choices=list(READS), default=list(READS))
    parser.add_argument("--subjects", type=int, default=5, help="of each corpus")
    parser.add_argument("--clips", type=int, default=4, help="of each subject")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    options = parsed(parser, arguments, reads=["dynamic"], subjects=2, clips=2)
    found: dict[str, dict[str, Score]] = {}
    print(f"{'reads':<8}{'clips shown':<18}{'UF1':>7}{'interval':>20}{'chance':>9}{'p':>9}")
    for reads in options.reads:
        found[reads] = measured(reads, options.subjects, options.clips, options.cache)
        for name in (AS_IT_IS, *CONTROLS):
            s = found[reads][name]
            interval = f"{s.low:.3f} to {s.high:.3f}"
            print(f"{reads:<8}{name:<18}{s.value:>7.3f}{interval:>20}{s.chance:>9.3f}{s.p:>9.4f}", flush=True)
    wrong = surprises(found, options.short)
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
