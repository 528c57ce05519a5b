"""`--predict`: a user's clips are examined and then classified, each independently of the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from common import corpora, program
from common.contract import Settings
from common.corpora import source as corpus_source
from common.environment import backend
from common.errors import DONE, FAILED, ClipError, StoppedError, UserError, missing_extra, printable
from common.predict import caveats, choice, fit_once, pictures, remarks, suitability, user_clips
from common.predict.page import answer_line, page
from common.predict.person import PersonFinder
from common.predict.records import record, stem
from common.profiles import not_reached
from common.progress import Display
from common.report.write import PageError, json_bytes, save_with_page
from common.runs import preprocessing
from common.runs.selection import PaperSelection, Study
from common.training import occlusion
from common.types import Clip, Experiment, Predictions, Samples
from common.vision import apex
from common.vision.faces import FaceFinder

APEX = "lbp-divide-and-conquer"
ONNX = ("onnx", "onnxruntime", "tf2onnx")
"""The packages that --export onnx needs."""


@dataclass(frozen=True)
class Request:
    """A request: the path of the clips and, optionally, an experiment, a model's path and a frame rate.

    With `onnx` the networks are also written as ONNX files.
    """

    path: Path
    experiment: str | None
    model: Path | None
    fps: float | None
    onnx: bool = False


@dataclass(frozen=True)
class Clear:
    """A usable clip with its estimated apex, a finder of the person in it, its arrays in the cache, and remarks."""

    source: user_clips.Source
    clip: Clip
    person: PersonFinder
    clip_task: preprocessing.ClipTask
    remarks: tuple[str, ...]


def run(study: Study, request: Request, display: Display) -> int:
    """Classify the clips of a request; returns the exit status: 0, or 1 if a clip cannot be used.

    Raises UserError for wrong paths, experiments and models, before anything is trained, and for unusable corpora.
    """
    if request.onnx:
        _check_onnx()
    (selection,) = study.chosen
    kept = fit_once.opened(request.model, selection.paper) if request.model else None
    experiment, why = (kept.experiment, "") if kept else _chosen(study, selection, request.experiment)
    settings = kept.settings if kept else selection.profile.settings.having(experiment.settings)
    not_reached(selection.paper, [experiment], [word for name, word in selection.profile.options if name == "--set"])
    paths, left_out = user_clips.entries(request.path)
    user_clips.check_rates(paths, request.fps)
    for line in (why, *left_out):
        if line:
            display.line(printable(line))
    clear, failed = _examined(study, selection, experiment, settings, paths, request.fps, display)
    if not clear:
        return FAILED
    try:
        kept = kept or fit_once.ready(study, experiment, display)
    except StoppedError as error:
        display.fault(f"{program()[-1]}: {error}")
        return FAILED
    caveats.check(kept.card, kept.folder)
    for notice in caveats.notices(kept.card):
        display.line(notice.upper())
    asking = Asking(study, selection, kept)
    if request.onnx:
        failed += not _exported(asking, clear, display)
    for examined in clear:
        try:
            _answer(asking, examined, display)
        except (ClipError, PageError) as error:
            display.fault(f"{program()[-1]}: {error}")
            failed += 1
    return FAILED if failed else DONE


def _check_onnx() -> None:
    if not all(map(find_spec, ONNX)):
        raise missing_extra("--export onnx", "onnx")
    if backend() != "tensorflow":
        raise UserError(f"--export onnx works with the backend tensorflow, not {backend()}: unset KERAS_BACKEND")


def _chosen(study: Study, selection: PaperSelection, name: str | None) -> tuple[Experiment, str]:
    """The experiment, and a line on it if the default one needs corpora that are not in the user's folder."""
    found = None
    if study.folder and name is None:
        every = dict.fromkeys(corpus for e in selection.paper.experiments for corpus in e.corpora)
        found = corpora.find(study.folder, tuple(every), study.placed)
    return choice.choose(selection.paper, name, found)


def _examined(
    study: Study,
    selection: PaperSelection,
    experiment: Experiment,
    settings: Settings,
    paths: Sequence[Path],
    fps: float | None,
    display: Display,
) -> tuple[list[Clear], int]:
    """The usable clips, and the number of others, each of which is reported in one line."""
    preprocess, code = selection.parts().preprocess, preprocessing.code(selection.paper.key)
    faces = FaceFinder(study.landmarks)
    slowest = min(corpus_source(name).layouts[0].fps for name in experiment.corpora)
    clear: list[Clear] = []
    for done, path in enumerate(paths):
        display.progress("examining clips", done, len(paths))
        try:
            source = user_clips.read(path, fps)
            if len(source.clip.frames) < experiment.min_frames:
                raise ClipError(
                    f"{path}: {len(source.clip.frames)} frames; {selection.paper.key} {experiment.id} needs at "
                    f"least {experiment.min_frames}"
                )
            sights = suitability.examine(source.clip, faces)
            remarks.refuse(source, sights, faces)
            person = suitability.person(sights, faces)
            clip = apex.estimate(source.clip, APEX, person)
            content = person.digest(source.sha256)
            clip_task = preprocessing.clip_task(selection.paper.key, clip, content, settings.inputs, code)
            if fault := preprocessing.make(clip_task, preprocess, study.cache, person).fault:
                raise ClipError(fault if str(path) in fault else f"{path}: {fault}")
            clear.append(Clear(source, clip, person, clip_task, tuple(remarks.remarks(source, sights, slowest))))
        except ClipError as error:
            display.fault(f"{program()[-1]}: {error}")
    display.progress("examining clips", len(paths), len(paths))
    return clear, len(paths) - len(clear)


class Asking:
    """The networks of a saved model, and the functions that make their predictions for clips."""

    def __init__(self, study: Study, selection: PaperSelection, kept: fit_once.SavedModel) -> None:
        self.parts, self.kept, self.cache, self.out = selection.parts(), kept, study.cache, study.out
        self._recipe = self.parts.recipe()  # first: it imports Keras without the backend's startup notes
        from common.predict import networks

        self.models = networks.load(kept.folder, kept.card["files"])

    def samples(self, examined: Clear) -> Samples:
        """The inputs of a clip."""
        arrays = preprocessing.arrays(examined.clip_task, self.parts.preprocess, self.cache, examined.person)
        return self.parts.preprocess.assemble([(examined.clip, 0)], [dict(arrays)], self.kept.settings)

    def raw(self, models: Mapping[str, Any], samples: Samples) -> Predictions:
        """The predictions of these networks for all classes."""
        return self._recipe.answers(models, samples, self.kept.settings)

    def __call__(self, samples: Samples) -> Predictions:
        """The predictions of the saved networks, restricted to the classes that they have seen."""
        predictions = self.raw(self.models, samples)
        return {clip: caveats.among_seen(self.kept.card, values) for clip, values in predictions.items()}


def _exported(asking: Asking, clear: Sequence[Clear], display: Display) -> bool:
    """Write the networks as ONNX files, compared on the inputs of these clips; returns whether that worked."""
    from common.predict import onnx_files

    def inputs() -> Iterator[Samples]:
        yield from map(asking.samples, clear)

    try:
        differences = onnx_files.export(asking.models, asking.kept.folder, asking.raw, inputs())
    except (StoppedError, OSError) as error:
        display.fault(f"{program()[-1]}: {error}")
        return False
    clips = "1 clip" if len(clear) == 1 else f"{len(clear)} clips"
    for file, difference in differences.items():
        display.line(f"wrote {file}: on {clips}, its outputs differ from those of Keras by at most {difference:.1e}")
    return True


def _answer(asking: Asking, examined: Clear, display: Display) -> None:
    kept, clip = asking.kept, examined.clip
    samples = asking.samples(examined)
    probabilities = asking(samples)[clip.id]
    if not np.isfinite(probabilities).all():
        raise ClipError(f"{examined.source.path}: the network's output is not finite")
    views = asking.parts.figures.input_views(samples, kept.settings)
    axes = {name: view.axes for name, view in views.items()}
    falls = occlusion.falls(samples, axes, asking, display.progress)
    found = record(examined.source, clip, examined.remarks, kept, probabilities)
    places = (0, clip.numbers.index(clip.apex), len(clip.numbers) - 1) if clip.apex is not None else (0,)
    names = (f"onset, frame {clip.onset}", f"apex, estimated: frame {clip.apex}", f"offset, frame {clip.offset}")
    shown = [
        (name if seen else f"{name}: the face is not found", picture)
        for name, (picture, seen) in zip(names, pictures.frames(clip, places, examined.person), strict=False)
    ]
    strips = pictures.strips(views, falls, 7 if len(views) < 4 else 2)
    folder, key = asking.out / "predictions", kept.card["paper"]
    name = stem(folder, found)
    draw = partial(page, found, kept.card, shown, strips)
    fault: PageError | None = None
    try:
        written = save_with_page(folder, f"{name}-{key}.pdf", draw, {f"{name}-{key}.json": json_bytes(found)})
    except PageError as error:
        written, fault = error.written, error
    display.line(printable(f"{examined.source.path}: {answer_line(found)}"))
    display.line(f"  predicted by {kept.experiment.id} of {key}; estimated apex: frame {clip.apex}")
    for line in examined.remarks:
        display.line(f"  {line}")
    display.line(f"  wrote {' and '.join(map(str, written))}")
    if fault:
        raise fault
