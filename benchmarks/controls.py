"""Can the controls tell a classifier of motion from one of faces? Prints several, unchanged and under every control.

python -m benchmarks.controls --subjects 5 --clips 4

On stand-in corpora, with leave one subject out on the composite, a linear classifier is run like a paper's experiment
on four kinds of input: one frame (the onset), optical flow from the onset to the apex, frames spread over the clip, and
the dynamic image. The results are expected to agree with the description of the controls in docs/pages/report.md:

- Without a control, all inputs except the onset are recognised.
- With the first frame repeated, none is recognised. Flow and the dynamic image are then the same for all clips, so that
  all predictions for a subject are the same; the onset is unchanged.
- With labels permuted, none is recognised.
- With frames shuffled, flow and the dynamic image lose some of their score. Nothing is expected of the onset and the
  spread frames: another frame in the onset's place may show the expression, and the spread frames still do.
- From metadata, nothing is recognised: lengths, sizes and frame rates of the stand-ins do not depend on the class. The
  classifier of metadata does not read the input, so its score is the same for all four.

A score counts as recognised if its p is below 0.05 after Holm's correction for all scores of the table.

With --short the sizes are tiny, and only results that hold at any size are expected.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import papers
from benchmarks.linear import READS, parts, settings_for
from benchmarks.options import parsed
from common import standin
from common.contract import Profile
from common.environment import code_digest
from common.protocols.controls import CONTROLS, METADATA, NO_MOTION, PERMUTED, SHUFFLED, controls
from common.report import formatting
from common.report.assemble import assemble
from common.report.reliability_tables import AS_IT_IS, controlled
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.context import run_context
from common.runs.manifest import plan_file, write_plan
from common.runs.plan import plan, read_data
from common.runs.processes import Pool
from common.runs.results import Results
from common.runs.scheduler import execute
from common.scoring.records import Score
from common.scoring.statistics import holm

KEY = "kumar2019"
"""The paper whose place is taken: its composite experiment has the required protocol."""

ALPHA = 0.05
"""A score is better than guessing if its p is below this after Holm's correction for all scores of the table."""
SEES_MOTION = tuple(name for name in READS if name != "onset")
ALIKE_WHEN_STILL = ("flow", "dynamic")
"""Inputs that are the same for all clips if all frames of a clip are the same."""


def measured(
    reads: str, subjects: int, clips: int, cache: Path, under: Collection[str] = tuple(CONTROLS), seed: int = 0
) -> dict[str, Score]:
    """UF1 on all clips of the composite, without and with controls, for `subjects` subjects with `clips` clips each.

    `seed` determines the draws of the controls. Raises RuntimeError if a fold fails.
    """
    paper = papers.load(KEY)
    experiment = next(e for e in paper.experiments if e.id == "composite-loso/published")
    profile = Profile("quick", settings_for(reads), subjects, clips)
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
        if execute(jobs, run_context(preprocessing.code(KEY), parts, where, None, pool), _quiet, _quiet):
            raise RuntimeError("not all folds were run")
        (by_control,) = controlled(assemble(Results(out, paper, profile, data.kind, (seed,)))).values()
    return {name: score for name, shown in by_control.items() if (score := shown.comparisons["uf1"].score) is not None}


def _quiet(*_: object) -> None:
    """Ignore progress and lines."""


def recognised(results: Mapping[str, Mapping[str, Score]]) -> set[tuple[str, str]]:
    """The scores that are better than guessing, as pairs of input and control."""
    p = {(reads, name): s.p for reads, scores in results.items() for name, s in scores.items() if s.p is not None}
    return {place for place, adjusted in zip(p, holm(list(p.values())), strict=True) if adjusted < ALPHA}


def surprises(results: Mapping[str, Mapping[str, Score]], short: bool = False) -> list[str]:
    """Scores, by input and control, that are not as expected; with `short`, only those expected at any size."""
    wrong, found = [], recognised(results)
    if len({(scores[METADATA].value, scores[METADATA].p) for scores in results.values()}) > 1:
        wrong.append("metadata: the score depends on the input")
    for reads, scores in results.items():
        plain, still, shuffled = (scores[name] for name in (AS_IT_IS, NO_MOTION, SHUFFLED))
        if reads == "onset" and (still.value, still.p) != (plain.value, plain.p):
            wrong.append("onset: repeating the first frame changes its input")
        if reads in ALIKE_WHEN_STILL and still.p != 1:
            wrong.append(f"{reads}: clips of a subject are distinguished without motion")
        if short:
            continue
        if (better := (reads, AS_IT_IS) in found) != (reads in SEES_MOTION):
            wrong.append(f"{reads}: {'not ' * (not better)}recognised without a control")
        wrong += [
            f"{reads}: recognised with {name}" for name in (NO_MOTION, PERMUTED, METADATA) if (reads, name) in found
        ]
        if reads in ALIKE_WHEN_STILL and shuffled.value >= plain.value:
            wrong.append(f"{reads}: shuffling frames does not lower the score")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table and the unexpected results; status 1 if there are any."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.controls", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reads", nargs="+", choices=list(READS), default=list(READS))
    parser.add_argument("--subjects", type=int, default=5, help="of each corpus")
    parser.add_argument("--clips", type=int, default=4, help="of each subject")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    options = parsed(parser, arguments, reads=["dynamic"], subjects=2, clips=2)
    results: dict[str, dict[str, Score]] = {}
    print(f"{'reads':<8}{'control':<18}{'UF1':>7}{'interval':>20}{'chance':>9}{'p':>9}")
    for reads in options.reads:
        results[reads] = measured(reads, options.subjects, options.clips, options.cache)
        for name in (AS_IT_IS, *CONTROLS):
            s = results[reads][name]
            interval = formatting.interval(s.low, s.high, 3)
            print(f"{reads:<8}{name:<18}{s.value:>7.3f}{interval:>20}{s.chance:>9.3f}{s.p:>9.4f}", flush=True)
    found = [f"{reads} ({name})" for reads, name in sorted(recognised(results))]
    print(f"Better than guessing after Holm's correction: {', '.join(found) or 'none'}")
    wrong = surprises(results, options.short)
    print(*wrong, sep="\n", end="\n" * bool(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
