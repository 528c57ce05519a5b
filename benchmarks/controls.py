"""Does the harness tell a recogniser of motion from one of faces? Prints both, as they are and under every control.

python -m benchmarks.controls --subjects 5 --clips 4

On stand-in corpora, with leave one subject out on the composite: optical flow from the onset to the apex, and the onset
frame alone, each with the same linear classifier, run like a paper's experiment.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np

import papers
from benchmarks.standin_proof import EYES, SIZE, UNIT, flows
from common import study
from common.cache import Cache
from common.controls import CONTROLS
from common.faces import FaceFinder
from common.images import read_frame
from common.parts import Parts
from common.progress import Display
from common.report.assemble import assemble
from common.report.checks import AS_IT_IS, controlled
from common.types import Answers, Arrays, Clip, Experiment, Profile, Samples, Score, Trained, Workbench

KEY = "kumar2019"
"""Whose place in the harness is taken: its composite experiment has the protocol that is wanted."""

ALPHA = 0.01
"""Eight scores are tried: more than guessing is what fewer than this share of draws reach."""


@dataclass(frozen=True)
class Settings:
    """What the linear classifier reads: "flow" or "onset"."""

    reads: str
    precision: str = "float32"


def _prepare(clip: Clip, experiment: Experiment, settings: Settings, faces: FaceFinder) -> Arrays:
    apex = int(np.abs(np.array(clip.numbers) - (clip.apex or clip.numbers[len(clip.numbers) // 2])).argmin())
    pictures = [read_frame(clip, place) for place in (0, apex)]
    points = faces.find(pictures[0], clip.id).points
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    reach = (right - left) / np.sum((right - left) ** 2) * UNIT
    turn = np.array([[reach[0], reach[1]], [-reach[1], reach[0]]])
    move = np.c_[turn, np.array(EYES) - turn @ ((left + right) / 2)]
    grey = [cv2.warpAffine(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), move, SIZE) for one in pictures]
    small = cv2.resize(grey[0], (SIZE[0] // 8, SIZE[1] // 8), interpolation=cv2.INTER_AREA)
    read = flows(np.stack(grey)) if settings.reads == "flow" else small
    return {"features": np.asarray(read, np.float32).reshape(1, -1)}


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
        parameters=lambda experiment, settings: {"benchmark": settings.reads}, prepare=_prepare, assemble=_assemble
    )
    figures: Any = SimpleNamespace(draw=lambda *_: [], results=lambda *_: [])
    recipe: Callable[[], Any] = lambda: _Linear  # noqa: E731
    return Parts(preprocess, figures, recipe, lambda experiment, settings: 0)


def measured(reads: str, subjects: int, clips: int, cache: Path, seed: int = 0) -> dict[str, Score]:
    """UF1 on all clips of the composite, as it is and under each control; so many subjects of so many clips each."""
    paper = papers.load(KEY)
    experiment = next(e for e in paper.experiments if e.id == "composite-loso/published")
    profile = Profile("quick", Settings(reads), subjects, clips)
    paper = replace(paper, experiments=(experiment,), profiles={"paper": profile, "quick": profile}, images="raw")
    with tempfile.TemporaryDirectory() as folder, Display() as display:
        wanted = study.select(paper, (), tune=False, spoilt=True, several=False)
        one = study.Chosen(paper, profile, wanted, _parts, papers.code(KEY))
        what = study.Study((one,), None, Path(folder), Cache(cache), (seed,))
        quiet: Any = SimpleNamespace(line=lambda _: None, progress=display.progress, fault=display.fault)
        if study.run(what, quiet) != study.DONE:
            raise RuntimeError("not all folds were run")
        ((_, _, rows),) = controlled(assemble(Path(folder), paper, profile, "stand-in", (seed,)))
    return {name: score for name, row in rows.items() if (score := row["uf1"].score) is not None}


def main() -> int:
    """Print a table; status 1 where motion is not recognised, or something is recognised without it."""
    parser = argparse.ArgumentParser(prog="benchmarks.controls", description=__doc__)
    parser.add_argument("--subjects", type=int, default=5, help="of each corpus")
    parser.add_argument("--clips", type=int, default=4, help="of each subject")
    parser.add_argument("--cache", type=Path, default=None)
    options = parser.parse_args()
    cache = options.cache or Path(tempfile.mkdtemp())
    fine = True
    print(f"{'reads':<8}{'clips shown':<18}{'UF1':>7}{'interval':>20}{'chance':>9}{'p':>9}")
    for reads in ("flow", "onset"):
        found = measured(reads, options.subjects, options.clips, cache)
        for name in (AS_IT_IS, *CONTROLS):
            s = found[name]
            print(f"{reads:<8}{name:<18}{s.value:>7.3f}{f'{s.low:.3f} to {s.high:.3f}':>20}{s.chance:>9.3f}{s.p:>9.4f}")
            recognised = s.p is not None and s.p < ALPHA
            fine &= recognised == (reads == "flow" and name == AS_IT_IS)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
