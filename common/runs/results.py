"""What a study has stored of one paper, read once: its plans, its folds, and one table of its scores.

Everything that shows results (pages, JSON, CSV, terminal, event files) takes them from here, never from the store.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from common import program
from common.contract import Paper, Profile
from common.protocols.controls import METADATA, NO_MOTION, controls
from common.runs import thumbnails
from common.runs.manifest import plan_file, read_plan, same_options
from common.runs.store import Run
from common.scoring import verdicts
from common.scoring.records import Comparison
from common.types import Experiment, FoldResult


@dataclass(frozen=True)
class Finished:
    """What is stored of one experiment: its run, the run's description, its finished folds and the names of all."""

    run: Run
    about: Mapping[str, Any]
    results: tuple[FoldResult, ...]
    names: tuple[str, ...]

    @property
    def folds(self) -> int:
        """The number of all folds."""
        return len(self.names)

    @property
    def complete(self) -> bool:
        """Whether all folds have finished."""
        return len(self.results) == self.folds


class Results:
    """The stored results of a paper, profile, kind of data and seeds below `out`; each file is read at most once.

    All numbers are those of the first seed; the others widen the intervals.
    """

    def __init__(self, out: Path, paper: Paper, profile: Profile, data: str, seeds: Sequence[int]) -> None:
        self.out, self.paper, self.profile, self.data, self.seeds = out, paper, profile, data, tuple(seeds)
        self._plans: dict[int, Mapping[str, Any]] = {}
        self._stored: dict[tuple[str, int], Finished] = {}

    def plan(self, seed: int | None = None) -> Mapping[str, Any]:
        """The stored plan of a seed, the first by default; empty if there is none that this version can read.

        That of another seed counts only if it was made with the same options.
        """
        seed = self.seeds[0] if seed is None else seed
        if seed not in self._plans:
            plan = read_plan(plan_file(self.out, self.paper, self.profile, self.data, seed))
            self._plans[seed] = plan if seed == self.seeds[0] or same_options(plan, self.profile) else {}
        return self._plans[seed]

    def planned(self, experiment: Experiment, seed: int | None = None) -> tuple[Run, tuple[str, ...]]:
        """The run of an experiment and the names of all its folds; none if it is not planned."""
        entry = self.plan(seed).get("runs", {}).get(experiment.id, {"path": "none", "folds": []})
        return Run(self.out / "runs" / self.paper.key / experiment.id / entry["path"]), tuple(entry["folds"])

    def of(self, experiment: Experiment, seed: int | None = None) -> Finished:
        """What is stored of an experiment, which may be a control."""
        key = experiment.id, self.seeds[0] if seed is None else seed
        if key not in self._stored:
            run, names = self.planned(experiment, seed)
            results = tuple(result for name in names if (result := run.load(name)) is not None)
            self._stored[key] = Finished(run, run.description() or {}, results, names)
        return self._stored[key]

    def retrained(self, experiment: Experiment) -> list[tuple[FoldResult, ...]]:
        """The folds of the other seeds that have done as many as the first."""
        done = len(self.of(experiment).results)
        return [results for seed in self.seeds[1:] if len(results := self.of(experiment, seed).results) == done]

    def failures(self, experiment: Experiment) -> dict[str, str]:
        """Why folds failed, by name."""
        stored = self.of(experiment)
        return {name: why for name in stored.names if (why := stored.run.failure(name)) is not None}

    def frames(self, licensed: bool) -> dict[str, dict[str, bytes]]:
        """JPEGs by clip id and moment, as `thumbnails.stored` gives them; with `licensed` also those of real faces."""
        return thumbnails.stored(self.out, self.plan(), licensed)

    # ------------------------------------------------------------ scores

    @property
    def command(self) -> list[str]:
        """The words of the command that made the results."""
        default = [*program(), "--paper", self.paper.key, "--profile", self.profile.name]
        return list(self.plan().get("command", default))

    @cached_property
    def table(self) -> tuple[Comparison, ...]:
        """Every score and printed number of the experiments, each with the scores of its controls on the same clips.

        A tuned copy is left out if it did not run.
        """
        shown = [e for e in self.paper.experiments if not e.tuned_of or self.of(e).results]
        by_control = {(c.experiment, c.variant, c.corpus, c.metric): c.score for c in self.controls}
        return tuple(
            replace(
                row,
                control=by_control.get((row.experiment, f"{row.variant}+{NO_MOTION}", row.corpus, row.metric)),
                metadata=by_control.get((row.experiment, f"{row.variant}+{METADATA}", row.corpus, row.metric)),
            )
            for experiment in shown
            for row in self._compared(experiment)
        )

    @cached_property
    def controls(self) -> tuple[Comparison, ...]:
        """UF1, UAR and accuracy of the controls that ran, their variant named `variant+control`."""
        return tuple(
            row
            for experiment in self.paper.experiments
            for control in controls(experiment)
            for row in self._compared(control)
            if row.score is not None and row.metric in verdicts.METRICS
        )

    def of_seed(self, seed: int) -> tuple[Comparison, ...]:
        """The scores of one seed alone, without those of controls."""
        return tuple(row for e in self.paper.experiments for row in self._compared(e, seed))

    def _compared(self, experiment: Experiment, seed: int | None = None) -> tuple[Comparison, ...]:
        stored = self.of(experiment, seed)
        return verdicts.compare(
            self.paper,
            experiment,
            stored.results,
            stored.folds,
            profile=self.profile,
            data=self.data,
            command=lambda e: shlex.join([*self.command, "--experiment", e.id]),
            unavailable=self.plan().get("unavailable", {}).get(experiment.id, ""),
            retrained=self.retrained(experiment) if seed is None else (),
        )
