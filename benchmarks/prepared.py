"""One experiment on stand-ins, for benchmarks that train without storing results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import papers
from common import standin
from common.contract import Paper, Parts, Profile
from common.environment import code_digest
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.clips import prepare_clips
from common.runs.context import RunContext, run_context
from common.runs.plan import Job, plan, read_data
from common.runs.processes import Pool
from common.standin import real_motion
from common.types import Experiment, Predictions, Samples

SEED = 0


@dataclass(frozen=True)
class Bench:
    """An experiment with a profile, whose stand-ins and prepared clips are in a cache.

    `parts` loads the working modules, `images` is the kind of images that they read ("raw" or "cropped"), and `people`
    is the seed of the stand-ins: another one gives other people and clips. In a folder `real` are the public flow maps
    of the MEGC 2019 composite, as which faces then move.
    """

    paper: Paper
    experiment: Experiment
    profile: Profile
    parts: Callable[[], Parts]
    images: str
    cache: Cache
    people: int = SEED
    real: Path | None = None

    def job(self) -> Job:
        """The experiment on its stand-ins, which are created if they do not exist yet."""
        corpora = sorted({name.removesuffix("_recordings") for name in self.experiment.corpora})
        size = self.profile
        folder = standin.ensure(
            self.cache.root,
            corpora=corpora,
            subjects=size.subjects,
            clips=size.clips,
            seed=self.people,
            motion=size.motion,
            real=real_motion.read(self.real) if self.real else None,
        )
        return plan(
            self.paper,
            self.experiment,
            self.profile,
            read_data(folder, self.experiment.corpora, self.images),
            cache=self.cache,
            out=self.cache.root,  # nothing is stored there
            seed=SEED,
            code=code_digest(papers.code(self.paper.key)),
            contents={},
            progress=quiet,
        )

    def make_ready(self, pool: Pool) -> float:
        """Create stand-ins and prepared clips in the cache. Returns the seconds of one process spent on new clips."""
        job = self.job()
        return prepare_clips([job], self._context(pool), quiet)[job.experiment.id].seconds

    def job_and_samples(self) -> tuple[Job, Samples]:
        """The job, and the samples that its networks read."""
        job, context = self.job(), self._context(Pool(1))
        excluded = prepare_clips([job], context, quiet)[job.experiment.id].excluded
        return job, preprocessing.samples(job, excluded, self.parts().preprocess, context.code, context.cache, None)

    def _context(self, pool: Pool) -> RunContext:
        return run_context(preprocessing.code(self.paper.key), self.parts, self.cache, None, pool)


def of_paper(key: str, experiment: str, cache: Cache, profile: Callable[[Profile], Profile]) -> Bench:
    """An experiment of a paper with its profile `paper`, changed by `profile`."""
    paper = papers.load(key)
    chosen = next(e for e in paper.experiments if e.id == experiment)
    changed = profile(paper.profiles["paper"])
    return Bench(paper, chosen, changed, partial(papers.parts, key), paper.images, cache)


def accuracy(answers: Predictions, samples: Samples) -> float:
    """The fraction of clips whose class is predicted."""
    classes = dict(zip(samples.clip.tolist(), samples.y.tolist(), strict=True))
    return float(np.mean([answer.argmax() == classes[clip] for clip, answer in answers.items()]))


def quiet(*_: Any) -> None:
    """Ignore progress."""
