"""`--predict`: a user's clips are examined and then classified, each independently of the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.contract import Parts, Settings
from common.corpora import source as corpus_source
from common.environment import environment
from common.errors import DONE, FAILED, ClipError, StoppedError, printable
from common.predict import cards, fit_once, pictures, remarks, suitability, user_clips
from common.predict.card_text import NOTICE
from common.predict.page import answer_line, page
from common.profiles import not_reached
from common.progress import Display
from common.report.write import json_bytes, plain, save
from common.runs import preprocessing
from common.runs.selection import PaperSelection, Study
from common.training import occlusion
from common.types import Clip, Experiment, Predictions, Samples
from common.vision import apex
from common.vision.faces import FaceFinder

APEX = "lbp-divide-and-conquer"
MOST_JSON = 2**22
"""Maximum size in bytes of an earlier prediction that is read."""


@dataclass(frozen=True)
class Request:
    """A request: the path of the clips and, optionally, an experiment, a model's path and a frame rate."""

    path: Path
    experiment: str | None
    model: Path | None
    fps: float | None


@dataclass(frozen=True)
class Clear:
    """A usable clip, with its apex estimated, its arrays in the cache, and the remarks on it."""

    source: user_clips.Source
    clip: Clip
    clip_task: preprocessing.ClipTask
    remarks: tuple[str, ...]


def run(study: Study, request: Request, display: Display) -> int:
    """Classify the clips of a request; returns the exit status: 0, or 1 if a clip cannot be used.

    Raises UserError for wrong paths, experiments and models, before anything is trained, and for unusable corpora.
    """
    (selection,) = study.chosen
    kept = fit_once.opened(request.model, selection.paper) if request.model else None
    experiment = kept.experiment if kept else fit_once.choose(selection.paper, request.experiment)
    settings = kept.settings if kept else selection.profile.settings.having(experiment.settings)
    not_reached(selection.paper, [experiment], [word for name, word in selection.profile.options if name == "--set"])
    paths = user_clips.entries(request.path)
    user_clips.check_rates(paths, request.fps)
    faces = FaceFinder(study.landmarks)
    clear, failed = _examined(study, selection, experiment, settings, paths, request.fps, faces, display)
    if not clear:
        return FAILED
    try:
        kept = kept or fit_once.ready(study, experiment, display)
    except StoppedError as error:
        display.fault(f"run_all.py: {error}")
        return FAILED
    if kept.card["data"] == "stand-in":
        display.line(NOTICE.upper())
    answering = _answering(selection.parts(), kept)
    for examined in clear:
        try:
            _answer(study, selection, kept, examined, answering, faces, display)
        except ClipError as error:
            display.fault(f"run_all.py: {error}")
            failed += 1
    return FAILED if failed else DONE


def _examined(
    study: Study,
    selection: PaperSelection,
    experiment: Experiment,
    settings: Settings,
    paths: Sequence[Path],
    fps: float | None,
    faces: FaceFinder,
    display: Display,
) -> tuple[list[Clear], int]:
    """The usable clips, and the number of others, each of which is reported in one line."""
    preprocess, code = selection.parts().preprocess, preprocessing.code(selection.paper.key)
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
            clip = apex.estimate(source.clip, APEX, faces)
            clip_task = preprocessing.clip_task(selection.paper.key, clip, source.sha256, settings.inputs, code)
            if fault := preprocessing.make(clip_task, preprocess, study.cache, faces).fault:
                raise ClipError(fault if str(path) in fault else f"{path}: {fault}")
            clear.append(Clear(source, clip, clip_task, tuple(remarks.remarks(source, sights, slowest))))
        except ClipError as error:
            display.fault(f"run_all.py: {error}")
    display.progress("examining clips", len(paths), len(paths))
    return clear, len(paths) - len(clear)


def _answering(parts: Parts, kept: fit_once.SavedModel) -> Callable[[Samples], Predictions]:
    recipe = parts.recipe()  # first: it imports Keras without the backend's startup notes
    from common.predict import networks

    models = networks.load(kept.folder, kept.card["files"])
    return lambda samples: recipe.answers(models, samples, kept.settings)


def _answer(
    study: Study,
    selection: PaperSelection,
    kept: fit_once.SavedModel,
    examined: Clear,
    answering: Callable[[Samples], Predictions],
    faces: FaceFinder,
    display: Display,
) -> None:
    parts, clip = selection.parts(), examined.clip
    arrays = preprocessing.arrays(examined.clip_task, parts.preprocess, study.cache, faces)
    samples = parts.preprocess.assemble([(clip, 0)], [dict(arrays)], kept.settings)
    probabilities = answering(samples)[clip.id]
    if not np.isfinite(probabilities).all():
        raise ClipError(f"{examined.source.path}: the network's output is not finite")
    views = parts.figures.input_views(samples, kept.settings)
    axes = {name: view.axes for name, view in views.items()}
    falls = occlusion.falls(samples, axes, answering, display.progress)
    record = _record(examined, kept, probabilities)
    places = (0, clip.numbers.index(clip.apex), len(clip.numbers) - 1) if clip.apex is not None else (0,)
    names = (f"onset, frame {clip.onset}", f"apex, estimated: frame {clip.apex}", f"offset, frame {clip.offset}")
    shown = [
        (name if seen else f"{name}: no face found", picture)
        for name, (picture, seen) in zip(names, pictures.frames(clip, places, faces), strict=False)
    ]
    strips = pictures.strips(views, falls, 7 if len(views) < 4 else 2)
    folder = study.out / "predictions"
    stem = _stem(folder, record)
    written = save(
        folder,
        {
            f"{stem}-{selection.paper.key}.json": json_bytes(record),
            f"{stem}-{selection.paper.key}.pdf": page(record, kept.card, shown, strips),
        },
    )
    display.line(printable(f"{examined.source.path}: {answer_line(record['probabilities'])}"))
    display.line(f"  predicted by {kept.experiment.id} of {selection.paper.key}; estimated apex: frame {clip.apex}")
    for line in examined.remarks:
        display.line(f"  {line}")
    display.line(f"  wrote {' and '.join(map(str, written))}")


def _record(examined: Clear, kept: fit_once.SavedModel, probabilities: Any) -> dict[str, Any]:
    """A prediction as data."""
    source, clip, card = examined.source, examined.clip, kept.card
    classes = kept.experiment.labels.classes
    height, width = source.size
    return {
        "notice": NOTICE if card["data"] == "stand-in" else None,
        "paper": card["paper"],
        "experiment": card["experiment"],
        "source": {
            "name": printable(source.path.name or source.path.resolve().name),
            "sha256": source.sha256,
            "kind": "video" if source.is_video else "folder of frames",
            "frames": len(clip.frames),
            "width": width,
            "height": height,
            "fps": clip.fps,
            "seconds": len(clip.frames) / clip.fps,
        },
        "answer": classes[int(np.argmax(probabilities))],
        "probabilities": {name: float(value) for name, value in zip(classes, probabilities, strict=True)},
        "chance": {name: count / max(card["clips"], 1) for name, count in card["by_class"].items()},
        "onset": clip.onset,
        "apex": {"frame": clip.apex, "how": f"estimated: {clip.apex_source}"},
        "offset": clip.offset,
        "remarks": list(examined.remarks),
        "model": {
            "folder": printable(str(kept.folder)),
            "card": printable(str(kept.folder / cards.CARD)),
            "sha256": kept.sha256,
            "data": card["data"],
            "profile": card["profile"],
            "seed": card["seed"],
            "scores": plain(card["scores"]),
            "scores_command": card["scores_command"],
        },
        "environment": environment(),
    }


def _stem(folder: Path, record: Mapping[str, Any]) -> str:
    """The name of a prediction's files: the clip's name, with a suffix if another prediction has that name.

    Another prediction is one of another clip or by another model.
    """
    source, key = record["source"], record["paper"]
    name = user_clips.safe(Path(source["name"]))
    names = (name, f"{name}-{source['sha256'][:8]}", *(f"{name}-{source['sha256'][:8]}-{n}" for n in range(2, 1000)))
    for stem in names:
        other = _earlier(folder / f"{stem}-{key}.json")
        if other is None or other == _identity(record):
            return stem
    return names[-1]


def _identity(record: Mapping[str, Any]) -> tuple[object, ...]:
    """The clip and the model of a prediction."""
    source, model = record["source"], record["model"]
    return source["name"], source["sha256"], record["experiment"], model["folder"]


def _earlier(path: Path) -> tuple[object, ...] | None:
    """The identity of an earlier prediction; None if there is none or it cannot be read."""
    try:
        if path.stat().st_size >= MOST_JSON:
            return None
        return _identity(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
