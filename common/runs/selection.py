"""What is run: papers, their experiments and their data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from common import program
from common.contract import Paper, Parts, Profile
from common.corpora import flow_maps
from common.corpora.composite import DOCUMENTED, MEGC2019
from common.corpora.marker import REAL_MOTION, STAND_IN
from common.environment import code_digest
from common.errors import UserError
from common.progress import Display
from common.protocols.controls import CONTROLS, controls
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.plan import Data, kind_of, read_data
from common.types import Experiment

if TYPE_CHECKING:
    from common.standin.real_motion import RealMotion

_STAND_INS = 0
"""The seed of the stand-in corpora: like real corpora, they are the same in all runs."""


@dataclass(frozen=True)
class PaperSelection:
    """A paper, its profile, the requested experiments, its modules and its source files.

    A method that is given as functions has digests of these, `prepares` of that which prepares clips and `makes` of
    that which makes its network, and the `words` of a command that runs it.
    """

    paper: Paper
    profile: Profile
    experiments: tuple[Experiment, ...]
    parts: Callable[[], Parts]
    code: tuple[str, ...]
    prepares: str = ""
    makes: str = ""
    words: tuple[str, ...] = ()

    @property
    def arrays_code(self) -> str:
        """A digest of the code that computes the arrays of clips."""
        return self.prepares or preprocessing.code(self.paper.key)

    @property
    def predictions_code(self) -> str:
        """A digest of the code that determines predictions."""
        return "".join((code_digest(self.code), self.prepares, self.makes))


@dataclass(frozen=True)
class Study:
    """What is run on which data, in how many processes, and where results are written.

    Folds are trained in `workers` processes. If that is one, clips are prepared in `preparers` processes.

    `folder` contains licensed corpora; without it stand-ins are generated, which have the motion of `real` if that is
    given. `placed` are folders of corpora that the user named; profiles carry them as options, so that commands repeat
    them. `scheduler` is the address of a Dask cluster, which then trains instead of processes on this machine.
    `exports` are formats of `report.exports`; with `tensorboard` stored folds are also written as event files; with
    `show_frames` the page of results shows frames of licensed clips. `known` are all papers of the suite, for advice on
    what can run.
    """

    chosen: tuple[PaperSelection, ...]
    folder: Path | None
    out: Path
    cache: Cache
    seeds: tuple[int, ...]
    landmarks: Path | None = None
    workers: int = 1
    preparers: int = 1
    scheduler: str = ""
    exports: tuple[str, ...] = ()
    tensorboard: bool = False
    show_frames: bool = False
    placed: Mapping[str, Path] = field(default_factory=dict)
    known: tuple[Paper, ...] = ()
    real: RealMotion | None = None

    @cached_property
    def kind(self) -> str:
        """The kind of data, one of those in `marker`; stand-in corpora in the user's folder count as what they are."""
        if self.folder:
            return kind_of(self.folder, self.placed)
        return REAL_MOTION if self.real else STAND_IN

    @property
    def source(self) -> list[str]:
        """The words of the command line that name the data."""
        if self.folder:
            return ["--data", str(self.folder)]
        return ["--real-motion", str(self.real.folder)] if self.real else []

    def command(self, selection: PaperSelection, seed: int) -> list[str]:
        """The command line that runs all experiments of a paper with a seed."""
        if selection.words:
            return [*selection.words]
        paper, profile = selection.paper, selection.profile
        words = [*program(), "--paper", paper.key, "--profile", profile.name, "--seed", str(seed)]
        options = [word for pair in profile.options for word in pair]
        return [*words, *of_ground(paper), *self.source, *options]


def of_ground(paper: Paper) -> list[str]:
    """The words of the command line that restrict a paper to a common ground, if it is restricted."""
    return ["--ground", paper.ground] if paper.ground else []


def select(
    paper: Paper,
    names: Sequence[str],
    *,
    tune: bool,
    with_controls: bool,
    several: bool,
    profile: Profile,
    stand_ins: bool = False,
) -> tuple[Experiment, ...]:
    """The experiments given by `names` (NAME or NAME/VARIANT), or else all that run by default.

    With `several` papers also those on common ground; of a paper restricted to a ground only those there. With `tune`
    also those that search settings, if the variant without a search is chosen or the one whose leak-free twin that is;
    with `with_controls` the controls of all chosen ones. A NAME whose variants all run only on request selects them.
    Empty if no name belongs to this paper.

    There are no `stand_ins` of public maps: experiments on these are left out. Raises UserError if one is named.

    Without names, the controls of the profile are added, and with several papers experiments that are not on common
    ground may be left out; see `common.contract.Profile`.
    """
    every = [e for plain in paper.experiments for e in (plain, *controls(plain))]
    if stand_ins:
        on_maps = [e for e in every if flow_maps.CORPUS in e.corpora]
        if named := [e.id for e in on_maps if {e.id, e.name} & set(names)]:
            raise UserError(
                f"--experiment {named[0]}: reads the public flow maps, which have no stand-ins; "
                "name their folder with --data"
            )
        every = [e for e in every if e not in on_maps]

    def by_default(e: Experiment) -> bool:
        if paper.ground or (several and profile.common_ground_only and not names):
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
        first += [
            e for e in every if e.space and not e.control and chosen & {(e.name, e.tuned_of), (e.name, e.twin_of)}
        ]

    first_of_network = {e.network: e.id for e in reversed(first) if e.leak_free}

    def joining(e: Experiment) -> tuple[Experiment, ...]:
        if e.control or with_controls:
            return controls(e) if with_controls and not e.control else ()
        joined = not names and not e.tuned_of and (profile.all_controls or e.id in first_of_network.values())
        return tuple(control for control in controls(e) if joined and control.control in profile.controls)

    by_id = {e.id: e for asked in first for e in (asked, *joining(asked))}
    return tuple(by_id.values())


def possible(papers: Sequence[Paper], found: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """By paper, the default experiments that can run on these corpora; papers that have none are left out."""
    by_paper = {
        paper.key: tuple(e.id for e in paper.experiments if not e.on_request and set(e.corpora) <= set(found))
        for paper in papers
    }
    return {key: names for key, names in by_paper.items() if names}


def check_names(papers: Sequence[Paper], names: Sequence[str]) -> None:
    """Raise UserError for a name that matches no experiment of any of the papers."""
    plain = sorted({word for paper in papers for e in paper.experiments for word in (e.name, e.id)})
    control_ids = {c.id for paper in papers for e in paper.experiments for c in controls(e)}
    for name in names:
        if name not in plain and name not in control_ids:
            keys = " and ".join(paper.key for paper in papers)
            where = f" on the ground {papers[0].ground}" if papers[0].ground else ""
            raise UserError(
                f"{keys}: no experiment {name!r}{where}; known: {', '.join(plain)}; "
                f"append +{', +'.join(CONTROLS)} to a variant for its controls"
            )


def barred(study: Study, experiment: Experiment) -> str:
    """Why an experiment cannot run on the real motion of a study; empty if it can, or if there is none.

    There are clips of the MEGC 2019 composite alone, and no emotions but its classes.
    """
    if study.real is None:
        return ""
    if not set(experiment.corpora) <= set(DOCUMENTED):
        return "real motion exists for CASME II, SMIC and SAMM only"
    if missing := [name for name in experiment.corpora if not study.real.known(name)]:
        return f"{study.real.folder} has no flow maps of {' and '.join(missing)}"
    for corpus in experiment.corpora:
        known, own = MEGC2019.mapping[corpus], experiment.labels.mapping.get(corpus, {})
        for kind in MEGC2019.classes:
            if len({own.get(emotion) for emotion in known if known[emotion] == kind}) > 1:
                return f"real motion of {corpus} has the classes of the MEGC 2019 composite only, not its emotions"
        if any(own.get(emotion) for emotion in known if known[emotion] is None):
            return f"real motion of {corpus} has the clips of the MEGC 2019 composite only"
    return ""


def read(study: Study, selection: PaperSelection, names: Sequence[str], display: Display) -> Data:
    """Read the corpora of these names as stand-ins, or all licensed corpora that the paper's experiments can use.

    Missing stand-ins are generated. Raises UserError if no corpus is available.
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
        real=study.real,
        progress=display.progress,
    )
    return read_data(folder, needed, selection.paper.images, study.placed)
