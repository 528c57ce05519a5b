"""What is run: papers, their experiments and the data that these read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from common.contract import Paper, Parts, Profile
from common.errors import UserError
from common.progress import Display
from common.protocols.controls import CONTROLS, controls
from common.runs.cache import Cache
from common.runs.plan import Data, kind_of, read_data
from common.types import Experiment

_STAND_INS = 0
"""The seed of the stand-in corpora: like real ones they are the same in all runs."""


@dataclass(frozen=True)
class PaperSelection:
    """A paper, its profile, which of its experiments are asked for, its working modules and its source files."""

    paper: Paper
    profile: Profile
    experiments: tuple[Experiment, ...]
    parts: Callable[[], Parts]
    code: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """What is run on what, in how many processes, and where results go.

    `folder` holds licensed corpora; without it stand-ins are made. `scheduler` is the address of a Dask cluster, which
    then trains in place of processes of this machine. `exports` are formats of `report.exports`; with `tensorboard`
    stored folds are also written as event files.
    """

    chosen: tuple[PaperSelection, ...]
    folder: Path | None
    out: Path
    cache: Cache
    seeds: tuple[int, ...]
    landmarks: Path | None = None
    workers: int = 1
    scheduler: str = ""
    exports: tuple[str, ...] = ()
    tensorboard: bool = False

    @cached_property
    def kind(self) -> str:
        """What reports say of the data, "licensed" or "stand-in"; stand-ins are that wherever a user points."""
        return kind_of(self.folder) if self.folder else "stand-in"

    def command(self, selection: PaperSelection, seed: int) -> list[str]:
        """The command line that runs a paper with a seed, all of its experiments."""
        paper, profile = selection.paper, selection.profile
        words = ["python", "run_all.py", "--paper", paper.key, "--profile", profile.name, "--seed", str(seed)]
        options = [word for pair in profile.options for word in pair]
        return [*words, *(["--data", str(self.folder)] if self.folder else []), *options]


def select(
    paper: Paper,
    names: Sequence[str],
    *,
    tune: bool,
    with_controls: bool,
    several: bool,
    default_controls: Sequence[str] = (),
    common_ground_only: bool = False,
) -> tuple[Experiment, ...]:
    """The experiments that `names` name (NAME or NAME/VARIANT), or else all that do not wait to be named.

    With `several` papers also those on common ground. With `tune` also those that search settings, where the variant
    without a search is chosen, or the one whose leak-free twin that is; with `with_controls` the controls of all that
    are. A NAME of which all variants wait names them. None where no name is one of this paper.

    Where nothing is named, the `default_controls` of each experiment join, and of several papers `common_ground_only`
    leaves out what is not on common ground.
    """
    every = [e for plain in paper.experiments for e in (plain, *controls(plain))]

    def by_default(e: Experiment) -> bool:
        if several and common_ground_only and not names:
            return e.common_ground
        return not e.on_request or (several and e.common_ground)

    waiting = set(names) - {e.name for e in every if by_default(e)}

    def wanted(e: Experiment) -> bool:
        waited_for = e.name in waiting and not e.control and not e.tuned_of
        named = e.id in names or (e.name in names and by_default(e)) or waited_for
        return named if names else by_default(e)

    first = [e for e in every if wanted(e)]
    chosen = {(e.name, e.variant) for e in first if not e.control}
    if tune:
        first += [e for e in paper.experiments if e.space and chosen & {(e.name, e.tuned_of), (e.name, e.twin_of)}]

    def joining(e: Experiment) -> tuple[Experiment, ...]:
        if e.control or with_controls:
            return controls(e) if with_controls and not e.control else ()
        joined = not names and not e.tuned_of
        return tuple(control for control in controls(e) if joined and control.control in default_controls)

    by_id = {e.id: e for asked in first for e in (asked, *joining(asked))}
    return tuple(by_id.values())


def check_names(papers: Sequence[Paper], names: Sequence[str]) -> None:
    """Raise UserError for a name that fits no experiment of any of the papers."""
    plain = sorted({word for paper in papers for e in paper.experiments for word in (e.name, e.id)})
    control_ids = {c.id for paper in papers for e in paper.experiments for c in controls(e)}
    for name in names:
        if name not in plain and name not in control_ids:
            keys = " and ".join(paper.key for paper in papers)
            raise UserError(
                f"{keys}: no experiment {name!r}; known: {', '.join(plain)}; "
                f"append +{', +'.join(CONTROLS)} to a variant for its controls"
            )


def read(study: Study, selection: PaperSelection, names: Sequence[str], display: Display) -> Data:
    """The corpora of these names as stand-ins, or all licensed ones that the paper's experiments can use.

    Stand-ins are written where they are not there. Raises UserError where no corpus can be had.
    """
    from common import standin

    every = [name for experiment in selection.paper.experiments for name in experiment.corpora]
    needed = sorted({*(every if study.folder else names)})
    folder = study.folder or standin.ensure(
        study.cache.root,
        corpora=sorted({name.removesuffix("_recordings") for name in needed}),
        subjects=selection.profile.subjects,
        clips=selection.profile.clips,
        seed=_STAND_INS,
        motion=selection.profile.motion,
        progress=display.progress,
    )
    return read_data(folder, needed, selection.paper.images)
