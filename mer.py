"""Your own network beside those of the papers, in ten lines of Python.

>>> import mer
>>> clips = mer.load()  # stand-ins; with the corpora: mer.load("FOLDER")
>>> x = mer.prepare(clips, lambda clip, faces: mer.face_sequence(clip, faces, frames=8, size=32))
>>> result = mer.loso(clips, x, make, epochs=30, batch=8)  # make(shapes, classes) returns a Keras model
>>> print(result, result.compare("liong2019"))
>>> result.report("mine.pdf")

Networks are trained, checked and reported by the same code as those of the papers, and their folds are stored: the same
call resumes an interrupted run, and a finished one is only read. One folder below papers/ is the way to keep a method;
with the same name, experiment, network and settings it has the same scores.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import papers
from common import own, study
from common.contract import Paper, Profile, Settings
from common.corpora import grounds, made_flow_maps, marker
from common.corpora.grounds import Ground
from common.errors import UserError, listed, quoted
from common.own import How, Make
from common.profiles import cut, moving, on_ground
from common.progress import Display
from common.protocols import splits
from common.protocols.controls import METADATA, NO_MOTION
from common.protocols.controls import controls as controls_of
from common.runs import preprocessing
from common.runs.cache import Cache, default_folder
from common.runs.clips import prepare_clips
from common.runs.context import run_context
from common.runs.jobs import jobs_of
from common.runs.plan import Job
from common.runs.processes import Pool
from common.runs.results import Results
from common.runs.selection import PaperSelection, Study
from common.scoring import metrics, verdicts
from common.scoring.paired_tests import paired
from common.scoring.records import Comparison, Score
from common.standin import real_motion as maps
from common.types import Arrays, Clip, ClipFrames, Experiment, FoldResult
from common.vision import alignment, apex, flow_recipes, images
from common.vision.faces import FaceFinder
from common.vision.flow_recipes import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from common.training.batches import Batches

PROTOCOLS: Mapping[str, str] = {
    "loso": splits.LOSO,
    "tenfold": splits.TENFOLD,
    "stratified": splits.STRATIFIED,
}
"""Protocols by the name that `evaluate` takes. The last two split by clip: one person is in training and in test."""
RECIPES: Mapping[str, Recipe] = flow_recipes.RECIPES
"""How public code makes images of optical flow, by the name that `flow_maps` takes."""


# ---------------------------------------------------------------- clips


@dataclass(frozen=True)
class Clips:
    """Clips of a common ground with their classes; made by `load`.

    `ground` says which, `pairs` are clips with the index of their class, `left_out` has a line for each clip that
    cannot be used. `job` and `study` are what the suite runs them with.
    """

    ground: Ground
    pairs: tuple[tuple[Clip, int], ...]
    left_out: tuple[str, ...]
    job: Job
    study: Study

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Clip]:
        return iter(clip for clip, _ in self.pairs)

    @property
    def ids(self) -> tuple[str, ...]:
        """`corpus/subject/name` of each clip."""
        return tuple(clip.id for clip, _ in self.pairs)

    @property
    def y(self) -> NDArray[np.int64]:
        """The class of each clip, (n,), an index into `classes`."""
        return np.array([label for _, label in self.pairs], np.int64)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects, `corpus/subject`, each once."""
        return tuple(dict.fromkeys(clip.subject_id for clip, _ in self.pairs))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.job.experiment.labels.classes

    def table(self) -> pd.DataFrame:
        """A row per clip: its corpus, subject, class, emotion, number of frames, frames per second, onset and apex."""
        import pandas as pd

        rows = [
            (c.id, c.corpus, c.subject, self.classes[k], c.emotion, len(c.numbers), c.fps, c.onset, c.apex, c.offset)
            for c, k in self.pairs
        ]
        heads = ["clip", "corpus", "subject", "class", "emotion", "frames", "fps", "onset", "apex", "offset"]
        return pd.DataFrame(rows, columns=heads).set_index("clip")

    def __repr__(self) -> str:
        counts = ", ".join(f"{np.sum(self.y == k)} {name}" for k, name in enumerate(self.classes))
        what = {marker.STAND_IN: " (stand-ins)", marker.REAL_MOTION: " (stand-ins, real motion)"}
        start = f"{len(self)} clips of {len(self.subjects)} subjects{what.get(self.study.kind, '')}: {counts}"
        return f"{start}; {len(self.left_out)} left out, see left_out" if self.left_out else start


def load(
    data: str | Path | None = None,
    ground: str = "megc2019",
    *,
    real_motion: str | Path | None = None,
    motion: float = 1,
    stand_ins: tuple[int | None, int | None] = (3, 9),
    cache: str | Path | None = None,
) -> Clips:
    """Load the clips of a common ground with their classes.

    `data` is the folder with the corpora. Without it, stand-ins are generated in the cache: synthetic faces, whose
    expressions move `motion` times as far as micro-expressions (0 to 16), or as the public flow maps in the folder
    `real_motion` show. `stand_ins` are the number of subjects of each corpus and of clips of each subject; None is that
    of the real ones. `ground` is a name that `common.corpora.grounds` has: the composite of MEGC 2019, or the clips of
    one corpus with the classes that are usual there. `cache` is a folder; without it, that of the user.

    Raises UserError if the folder lacks a corpus of the ground, if the ground is unknown, or if no clip can be used.
    """
    folder = Path(data).absolute() if data is not None else None
    real = maps.read(Path(real_motion).absolute()) if real_motion is not None else None
    profile = Profile("paper", Settings(own.Inputs(), own.Network(), own.Training(1, 1)))
    if folder is None:
        profile = cut(moving(profile, motion), *stand_ins, None)
    held = grounds.named(ground)
    paper = own.paper("own", own.Training(1, 1), held)
    empty = own.Preparation(own.Given({}, {}), {})
    selection = PaperSelection(paper, profile, paper.experiments, own.parts("own", empty, None, 1), ())
    chosen = Study(
        chosen=(selection,),
        folder=folder,
        out=Path("reports"),
        cache=Cache(Path(cache).absolute() if cache is not None else default_folder()),
        seeds=(0,),
        preparers=_cores(),
        real=real,
    )
    with Display() as display:
        (job,) = jobs_of(chosen, selection, 0, display).asked
    faults = [f"{exclusion.clip}: {exclusion.reason}" for exclusion in job.exclusions if exclusion.fault]
    return Clips(held, job.clips, tuple(faults), job, chosen)


# ---------------------------------------------------------------- arrays


@dataclass(frozen=True)
class Prepared(Mapping[str, NDArray[Any]]):
    """Arrays by input, each (n, ...), row i of clip i of `clips`; made by `prepare`."""

    arrays: Mapping[str, NDArray[Any]]
    clips: Clips
    how: How

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)


def face_sequence(clip: ClipFrames, faces: FaceFinder, frames: int = 8, size: int = 64) -> NDArray[np.uint8]:
    """The face in evenly spaced frames from onset to offset, uint8 RGB (frames, size, size, 3).

    All are aligned by the landmarks of the first frame, so that nothing but the face moves. Raises ClipError if no face
    is found there or a file cannot be read.
    """
    places = np.linspace(0, len(clip.numbers) - 1, frames).round().astype(int)
    first = images.read_frame(clip, 0)
    to_face = alignment.alignment(faces.find(first, images.where(clip, 0)).points, size)
    return np.stack([alignment.aligned_picture(images.read_frame(clip, place), to_face, size) for place in places])


def prepare(clips: Clips, how: How | str) -> Prepared:
    """Prepare the input of a network from each clip, in several processes; what was prepared before is read.

    `how(clip, faces)` returns an array of one clip, the input `x`, or several by name, of one shape for all clips.
    uint8 is kept, and converted to 0-1 float32 batch by batch; all else becomes float32. `clip` is a `ClipFrames`:
    images and times, nothing that tells the class; `faces` is a `FaceFinder`. A paper's key stands for its own input,
    on stand-ins with the settings of its profile quick.

    Clips for which `how` raises ClipError are left out of the result's `clips`. Raises UserError if none is left, if
    shapes differ, if a paper's input has several rows for a clip, or if `how` uses a value that cannot be pickled;
    StoppedError, which names the clip and the cause, if `how` raises anything else or returns no array of numbers.
    """
    function = _of_paper(how, clips) if isinstance(how, str) else how
    code = own.digest(function)
    (selection,) = clips.study.chosen
    parts = own.parts(selection.paper.key, own.Preparation(function, {}), None, len(clips.classes))
    with Pool(1) as pool, Display() as display:
        context = run_context(code, parts, clips.study.cache, None, pool, clips.study.preparers)
        faults = prepare_clips([clips.job], context, display.progress)[clips.job.experiment.id].excluded
    out = {exclusion.clip: exclusion.reason for exclusion in faults}
    kept = tuple(pair for pair in clips.pairs if pair[0].id not in out)
    if not kept:
        raise UserError(f"no clip can be used; the first reason: {faults[0].reason}")
    tasks = [task for task in preprocessing.clip_tasks(clips.job, code) if task.clip.id not in out]
    arrays = [preprocessing.arrays(task, parts().preprocess, clips.study.cache, context.faces) for task in tasks]
    left = replace(
        clips, pairs=kept, left_out=(*clips.left_out, *(f"{clip}: {reason}" for clip, reason in out.items()))
    )
    return Prepared({name: own.stacked(name, kept, arrays) for name in arrays[0]}, left, function)


def _of_paper(key: str, clips: Clips) -> How:
    """What prepares a clip as a paper does, with its settings, on stand-ins those of the profile quick."""
    settings = papers.load(key).profiles["paper" if clips.study.folder else "quick"].settings
    return partial(_as_paper, key, settings)


def _as_paper(key: str, settings: Settings, clip: ClipFrames, faces: FaceFinder) -> Arrays:
    preprocess = papers.parts(key).preprocess
    arrays = preprocess.prepare(clip, settings.inputs, faces)
    some = Clip("", "", "", (), (), 0, None, 0, 0, "")
    samples = preprocess.assemble([(some, 0)], [arrays], settings)
    if len(samples.y) > 1:
        raise UserError(f"{key}: its input has {len(samples.y)} rows for each clip, and a network made here reads one")
    return {name: np.asarray(values[0]) for name, values in samples.x.items()}


def flow_maps(
    clips: Clips, recipe: str | Recipe, out: str | Path, apex_method: str = "lbp-divide-and-conquer"
) -> Clips:
    """Write an image of the optical flow from onset to apex of each clip, in the folders that public code reads.

    `recipe` is one of `RECIPES`, by name, or your own record. `out` is a new folder: `norm_u_v_os/<subject>/u_train`
    and `u_test`, with a folder for each class, `STSNet_whole_norm_u_v_os` with each image once, HTNet's list file, and
    `flow-maps.json`, which says how they were made. An apex that is not annotated is estimated, by "midpoint" or
    "lbp-divide-and-conquer". Maps of stand-ins are marked as such.

    Returns the clips whose images are there: those without a face, for example, are in its `left_out`. Raises UserError
    for an unknown recipe or method, and if `out` holds anything else than these images.
    """
    chosen = flow_recipes.named(recipe) if isinstance(recipe, str) else recipe
    if apex_method not in apex.METHODS:
        raise UserError(f"unknown method {quoted(apex_method)} for estimating an apex; known: {listed(apex.METHODS)}")
    folder = Path(out).absolute()
    made_flow_maps.check(folder)
    made = prepare(clips, partial(flow_recipes.of_clip, chosen, apex_method))
    used = made.clips
    record = {
        "recipe": chosen.name,
        "source": chosen.source,
        "differs": chosen.differs,
        "ground": used.ground.name,
        "classes": list(used.classes),
        "data": used.study.kind,
        "apex_method": apex_method,
        "estimated": sum(clip.apex is None for clip in used),
        "left_out": list(used.left_out),
    }
    numbers = [clip.numbers[0] + int(apex) for clip, (apex,) in zip(used, made["apex"], strict=True)]
    made_flow_maps.write(folder, used.pairs, made["image"], numbers, record)
    return used


def batches(clips: Clips, x: Any, batch: int = 8, shuffle: int | None = None) -> Batches:
    """A `keras.utils.PyDataset` for `model.fit`: inputs by name, (batch, ...), and `emotion`, one-hot (batch, classes).

    `x` as for `evaluate`. uint8 arrays become float32 in 0-1 batch by batch, so that they need a quarter of the memory.
    `shuffle` is the seed of the order, which changes with each epoch; None keeps the order of the clips. The last batch
    may be smaller. Raises UserError if `x` does not have a row for each clip.
    """
    from common.training.batches import Batches

    arrays = _arrays(clips, x)
    y = {"emotion": np.eye(len(clips.classes), dtype=np.float32)[clips.y]}
    return Batches(arrays, y, batch, None if shuffle is None else np.random.default_rng(shuffle))


def _arrays(clips: Clips, x: Any) -> Mapping[str, NDArray[Any]]:
    arrays = x if isinstance(x, Mapping) else {own.ALONE: x}
    if isinstance(x, Prepared) and x.clips.ids != clips.ids:
        raise UserError(f"x was prepared from other clips: {len(x.clips)} of {len(clips)}; give x.clips as the clips")
    for name, values in arrays.items():
        given = own.wrong_kind(values) or f"{len(np.atleast_1d(values))} rows"
        if given != f"{len(clips)} rows":
            raise UserError(
                f"input {name!r} has {given}; it needs an array of numbers, a row for each of the {len(clips)} clips"
            )
    return arrays


# ---------------------------------------------------------------- training


def evaluate(
    clips: Clips,
    x: Any,
    make: Make,
    *,
    epochs: int,
    batch: int = 8,
    seeds: int = 1,
    out: str | Path = "reports",
    name: str = "own",
    controls: bool = False,
    workers: int = 1,
    protocol: str = "loso",
) -> Result:
    """Train a network on the folds of a protocol, one of `PROTOCOLS`, and predict the held-out clips of each.

    `x` comes from `prepare`, or is an array or several by input name, (clips, ...), in the order of the clips; how
    those were made is not checked. `make(shapes, classes)` gets the shape of one clip by input and the number of
    classes, and returns a Keras model with these inputs by name and the output `emotion`, probabilities (classes,). A
    single input or output may have any name. If the model is compiled, it keeps its optimizer, a new one for each fold,
    and its loss, which gets one-hot classes; else it gets Adam at 0.001 and categorical cross-entropy. It is trained
    for `epochs`, in batches of `batch` clips, and predicts after the last one.

    Folds are stored in the folder `out`, under `name`, from which seeds derive too. With `seeds` the network is trained
    that many times, from seed 0 on. With `controls` it is also trained on clips without motion, and a classifier of
    metadata is fitted. Folds are trained in `workers` processes.

    The protocol `loso` leaves out one subject at a time. `tenfold` and `stratified` split by clip, in ten and in five
    folds, so that a person is in training and in test.

    Raises UserError for arguments that do not fit and if a fold cannot be trained; the line before says why.
    """
    if protocol not in PROTOCOLS:
        raise UserError(f"unknown protocol {quoted(protocol)}; known: {listed([*PROTOCOLS])}")
    printed = name in papers.available() and papers.load(name).claims
    if not name.isidentifier() or printed:
        raise UserError(f"name {quoted(name)}: use letters, digits and _, and no key of a published paper")
    for word, count in {"epochs": epochs, "batch": batch, "seeds": seeds, "workers": workers}.items():
        if count < 1:
            raise UserError(f"{word} must be at least 1, not {count}")
    folder = Path(out).absolute()
    makes = own.digest(make)
    preparation, code = _preparation(clips, x, folder / "runs" / name)
    paper = own.paper(name, own.Training(epochs, batch), clips.ground, PROTOCOLS[protocol])
    (experiment,) = paper.experiments
    (loaded,) = clips.study.chosen
    profile = replace(loaded.profile, settings=paper.profiles["paper"].settings)
    parts = own.parts(name, preparation, make, len(clips.classes))
    moved = (NO_MOTION, METADATA) if isinstance(x, Prepared) else (METADATA,)  # given arrays are what they are
    added = [control for control in controls_of(experiment) if controls and control.control in moved]
    selection = PaperSelection(
        paper,
        profile,
        (experiment, *added),
        parts,
        own.code(),
        prepares=code,
        makes=makes,
        words=("python", Path(sys.argv[0]).name),
    )
    wanted_study = replace(
        clips.study, chosen=(selection,), out=folder, seeds=tuple(range(seeds)), workers=workers, preparers=_cores()
    )
    with Display() as display:
        if study.train(wanted_study, display):
            raise UserError(f"not all folds were trained; the lines above and {folder / 'runs' / name} say why")
    results = Results(folder, paper, profile, wanted_study.kind, wanted_study.seeds)
    return Result(name, clips, experiment, results.of(experiment).results, results.table, wanted_study)


loso = partial(evaluate, protocol="loso")
"""`evaluate` with one subject left out at a time, whose clips are predicted after the last epoch."""


def _preparation(clips: Clips, x: Any, folder: Path) -> tuple[own.Preparation, str]:
    """The preprocessing module for x, and a digest of what its arrays depend on; given arrays are written to files."""
    arrays = _arrays(clips, x)
    declared = {name: values.shape[1:] for name, values in arrays.items()}
    if isinstance(x, Prepared):
        return own.Preparation(x.how, declared), own.digest(x.how)
    given = own.given([*clips], arrays, folder)
    content = hashlib.sha256(repr((clips.ids, declared)).encode())
    for file in given.files.values():
        content.update(file.read_bytes())
    return own.Preparation(given, declared), content.hexdigest()


# ---------------------------------------------------------------- results


@dataclass(frozen=True)
class Result:
    """The scores of a method on clips that its networks were not trained on.

    `folds` are the predictions of each fold, `scores` every score as in the suite's tables. `study` is None for
    predictions that were read from a file.
    """

    name: str
    clips: Clips
    experiment: Experiment
    folds: tuple[FoldResult, ...]
    scores: tuple[Comparison, ...]
    study: Study | None

    def score(self, metric: str = "uf1", corpus: str = "") -> Score:
        """UF1, UAR or accuracy of all clips or of one corpus; KeyError for another name."""
        corpus = corpus or verdicts.parts(self.experiment)[0][0]
        known = {(row.corpus, row.metric): row.score for row in self.scores if row.score}
        return known[corpus, metric]

    @property
    def uf1(self) -> float:
        """The mean F1 of the classes, of all predictions together."""
        return self.score().value

    @property
    def uar(self) -> float:
        """The mean recall of the classes."""
        return self.score("uar").value

    @property
    def accuracy(self) -> float:
        """The fraction of clips that are predicted right."""
        return self.score("accuracy").value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95% interval of UF1 for other subjects; None for fewer than five, of whom it would say too little."""
        score = self.score()
        return None if score.low is None or score.high is None else (score.low, score.high)

    @property
    def p(self) -> float | None:
        """The probability of such a UF1 for a method that only guesses (`common.scoring.statistics.guess_test`)."""
        return self.score().p

    @property
    def chance(self) -> float | None:
        """UF1 of always answering the largest class."""
        return self.score().chance

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts of predictions (classes, classes), rows truth, columns prediction."""
        return verdicts.pooled(self.folds, None, len(self.clips.classes)).sum(axis=0).astype(np.int64)

    @property
    def f1_by_class(self) -> dict[str, float]:
        """F1 of each class; NaN for one without clips."""
        return dict(zip(self.clips.classes, metrics.f1_per_class(self.confusion).tolist(), strict=True))

    @property
    def by_corpus(self) -> dict[str, dict[str, float]]:
        """UF1, UAR and accuracy of each corpus."""
        table: dict[str, dict[str, float]] = {}
        for row in self.scores:
            if row.score and row.corpus in self.experiment.scored:
                table.setdefault(row.corpus, {})[row.metric] = row.score.value
        return table

    @property
    def controls(self) -> dict[str, float]:
        """UF1 of the controls that ran: `no-motion`, `metadata`."""
        (row,) = [r for r in self.scores if r.metric == "uf1" and r.corpus == verdicts.parts(self.experiment)[0][0]]
        known = {"no-motion": row.control, "metadata": row.metadata}
        return {name: score.value for name, score in known.items() if score}

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """A row per clip: its fold, subject, class, predicted class, and the probability of each class."""
        import pandas as pd

        rows = [
            (
                clip,
                fold.fold,
                clip.rpartition("/")[0],
                self.clips.classes[truth],
                self.clips.classes[row.argmax()],
                *row,
            )
            for fold in self.folds
            for clip, truth, row in zip(fold.clips, fold.truth, fold.probabilities, strict=True)
        ]
        return pd.DataFrame(
            rows, columns=["clip", "fold", "subject", "class", "predicted", *self.clips.classes]
        ).set_index("clip")

    def compare(self, *others: str | Result) -> pd.DataFrame:
        """Compare UF1 with that of papers, by key, or of other results of other names, on the clips that both predict.

        A paper's network is trained where its folds are not stored yet: on the same clips, with one subject left out at
        a time, with its own settings (on stand-ins those of the profile quick). A row per network: its UF1, the
        difference, its standard error, p when predictions of whole subjects are swapped, p by Holm's correction for
        all rows, and what follows: `differ`, `equivalent` or `open`. Raises UserError for an unknown key, for
        two results of one name, and for a key where predictions were read.
        """
        import pandas as pd

        methods: dict[str, Sequence[FoldResult]] = {self.name: self.folds}
        for other in others:
            added = {other.name: other.folds} if isinstance(other, Result) else self._folds_of(other)
            if known := [name for name in added if name in methods]:
                raise UserError(f"{known[0]} is compared twice, or two results have this name; give them others")
            methods |= added
        pairs = [(self.name, name) for name in methods if name != self.name]
        tests = paired(methods, pairs, len(self.clips.classes))
        rows = [
            (t.second, t.n_clips, self._uf1(methods[t.second]), t.difference, t.error, t.p, t.adjusted, t.verdict)
            for t in tests
        ]
        heads = ["compared with", "clips", "uf1", "difference", "error", "p", "p_holm", "verdict"]
        return pd.DataFrame(rows, columns=heads).set_index("compared with")

    def _uf1(self, folds: Sequence[FoldResult]) -> float:
        matrix = verdicts.pooled(folds, None, len(self.clips.classes)).sum(axis=0)
        return float(metrics.uf1(matrix))

    def _folds_of(self, key: str) -> dict[str, Sequence[FoldResult]]:
        """The finished folds of a paper's networks on common ground, by the network's name; trained if missing."""
        if self.study is None:
            raise UserError(f"{key}: predictions that were read from a file are compared with results, not with keys")
        paper = papers.load(key)
        if self.clips.ground is not grounds.DEFAULT:
            paper = on_ground(paper, self.clips.ground)
        chosen = _selected(paper, self.study)
        again = replace(self.study, chosen=(chosen,))
        with Display() as display:
            if study.train(again, display):
                raise UserError(f"{key}: not all folds were trained; the lines above say why")
        results = Results(again.out, chosen.paper, chosen.profile, again.kind, again.seeds)
        return {e.network: results.of(e).results for e in chosen.experiments}

    def report(self, path: str | Path) -> Path:
        """Write the pages of a report to a PDF file; its data, as JSON and CSV, are in the folder of the results.

        Raises UserError where predictions were read from a file, and OSError if the file cannot be written.
        """
        if self.study is None:
            raise UserError("predictions that were read from a file have no report")
        with Display() as display:
            study.report(self.study, display)
        return Path(shutil.copyfile(self.study.out / f"{self.name}.pdf", path))

    def __repr__(self) -> str:
        score = self.score()
        spread = f" ({score.low:.3f} to {score.high:.3f})" if score.low is not None else ""
        told = [f"{self.name}: UF1 {score.value:.3f}{spread}", f"chance {score.chance:.3f}"]
        told += [f"{name} {value:.3f}" for name, value in self.controls.items()]
        told += [f"p {score.p:.3g}"] if score.p is not None else []
        return f"{', '.join(told)}; {score.n_clips} clips, {len(self.folds)} folds"


def score(file: str | Path, clips: Clips, name: str = "") -> Result:
    """Score predictions from any framework: a CSV file with the columns `clip` and `predicted`, with a heading.

    `clip` is an id of `clips`, `predicted` one of its classes or its index. The predictions are taken to be of networks
    that were not trained on the clip's subject, each subject left out in turn. Raises UserError for a file that cannot
    be read, an unknown or doubled clip, an unknown class, and for clips without a prediction.
    """
    path = Path(file)
    labels = dict(zip(clips.ids, clips.y.tolist(), strict=True))
    answers = _read(path, labels, clips.classes)
    if missing := [clip for clip in clips.ids if clip not in answers]:
        raise UserError(f"{path}: no prediction for {len(missing)} of {len(clips)} clips, such as {missing[0]}")
    name = name or path.stem
    by_subject: dict[str, list[str]] = {}
    for clip in clips.ids:
        by_subject.setdefault(clip.rpartition("/")[0], []).append(clip)
    one_hot = np.eye(len(clips.classes), dtype=np.float32)
    folds = tuple(
        FoldResult(
            fold=subject,
            clips=tuple(ids),
            truth=np.array([labels[clip] for clip in ids], np.int64),
            probabilities=one_hot[[answers[clip] for clip in ids]],
            history={},
            seed=0,
            seconds=0.0,
            measured={},
            environment={},
        )
        for subject, ids in by_subject.items()
    )
    paper = own.paper("own", own.Training(1, 1), clips.ground)
    (experiment,) = paper.experiments
    rows = verdicts.compare(
        paper,
        experiment,
        folds,
        len(folds),
        profile=clips.job.profile,
        data=clips.study.kind,
        command=lambda experiment: "",
    )
    return Result(name, clips, experiment, folds, rows, None)


def _read(path: Path, labels: Mapping[str, int], classes: Sequence[str]) -> dict[str, int]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    known = {word: k for k, name in enumerate(classes) for word in (name, str(k))}
    answers: dict[str, int] = {}
    for number, row in enumerate(rows, start=2):
        clip, word = str(row.get("clip")), str(row.get("predicted"))
        if clip not in labels or word not in known or clip in answers:
            why = "a second time" if clip in answers else f"classes are {listed(classes)}"
            raise UserError(
                f"{path}: line {number}: clip {quoted(clip)}, predicted {quoted(word)}; {why}, ids are in `clips.ids`"
            )
        answers[clip] = known[word]
    return answers


def _selected(paper: Paper, like: Study) -> PaperSelection:
    """A paper's networks on common ground, on the clips of another study, with all folds."""
    kind = "paper" if like.folder else "quick"
    (loaded,) = like.chosen
    whole = replace(paper.profiles[kind], most_folds=None)
    profile = moving(cut(whole, loaded.profile.subjects, loaded.profile.clips, None), loaded.profile.motion)
    return PaperSelection(
        paper,
        profile,
        tuple(e for e in paper.experiments if e.common_ground),
        partial(papers.parts, paper.key),
        papers.code(paper.key),
    )


def _cores() -> int:
    return min(os.cpu_count() or 1, 4)
