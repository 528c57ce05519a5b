"""Guards that keep test clips out of training in a leak-free experiment. A violation stops the run.

A recipe receives only the training rows of a fold, and `prepare` receives images and times without a name or emotion.
This module checks for what could still leak by accident: rows match the clips, subjects and classes of the experiment;
folds are disjoint; the inputs of a clip depend only on its arrays; `predict` learns no clip's class or name, and its
answer for a clip does not depend on other clips; nothing that folds share changes while one is trained; and a later
fold gives the same predictions, and clips the same arrays, in a process that knows nothing of the run (`runs.again`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.errors import StoppedError
from common.protocols.carryover import changed, fingerprint
from common.protocols.splits import BY_SUBJECT
from common.types import Arrays, Clip, Experiment, Fold, Predictions, Samples

TOLERANCE = 1e-3
ROUGH = 2e-2
"""How much the probabilities of a clip may differ, predicted alone or with others: rounding depends on the batch.

`ROUGH` is for networks that compute in 16 bits.
"""
SAME = 1e-5
"""How much they may differ after one epoch of two trainings that do the same: rounding has not had time to grow."""


class LeakError(StoppedError):
    """Information about held-out clips would reach training."""


@dataclass(frozen=True)
class Copy:
    """Two clips that share a file; `whole` if they are the same frames of the same files."""

    first: str
    second: str
    whole: bool


def copies(clips: Sequence[Clip], digests: Mapping[str, Sequence[str]]) -> tuple[Copy, ...]:
    """Clips of different subjects that share a file, and clips of one subject that are the same.

    `digests` are those of each clip's files, by clip id. Clips of one subject may be cut from one video.
    """
    by_file: dict[str, list[Clip]] = {}
    by_clip: dict[tuple[object, ...], Clip] = {}
    pairs: dict[tuple[str, str], bool] = {}
    for clip in clips:
        files = tuple(digests[clip.id])
        twin = by_clip.setdefault((files, clip.numbers if len(files) < len(clip.numbers) else ()), clip)
        if twin is not clip:
            pairs[twin.id, clip.id] = True
        for file in dict.fromkeys(files):
            others = by_file.setdefault(file, [])
            for other in others:
                if other.subject_id != clip.subject_id:
                    pairs.setdefault((other.id, clip.id), False)
            others.append(clip)
    return tuple(Copy(*pair, whole) for pair, whole in pairs.items())


def check_disjoint(fold: Fold, samples: Samples, experiment: Experiment, shared: Sequence[Copy]) -> None:
    """Raise LeakError if a clip is on both sides of a fold.

    In a leak-free experiment, and in a protocol that keeps subjects apart, also if a subject or a file is on both
    sides; and StoppedError if the same clip is tested under two names. `shared` is the result of `copies`.
    """
    where = f"{experiment.id}, fold {fold.name}"
    train, test = set(samples.clip[fold.train].tolist()), set(samples.clip[fold.test].tolist())
    if both := sorted(train & test):
        raise LeakError(f"{where}: {both[0]} is in both training and test")
    if not (experiment.leak_free or experiment.protocol in BY_SUBJECT):
        return
    if both := sorted(set(samples.subject[fold.train].tolist()) & set(samples.subject[fold.test].tolist())):
        raise LeakError(f"{where}: subject {both[0]} is in both training and test")
    for copy in shared:
        tested = [clip for clip in (copy.first, copy.second) if clip in test]
        trained = [clip for clip in (copy.first, copy.second) if clip in train]
        remedy = "one of the two is a copy: remove it from the corpus"
        if tested and trained:
            extent = f"all files of {tested[0]} are" if copy.whole else f"a file of {tested[0]} is"
            raise LeakError(f"{where}: {extent} in test, but also in training as {trained[0]}; {remedy}")
        if len(tested) == 2 and copy.whole:
            raise StoppedError(
                f"{where}: {tested[0]} and {tested[1]} are the same frames, which are counted twice; {remedy}"
            )


def check_identity(samples: Samples, clips: Sequence[tuple[Clip, int]], experiment: Experiment) -> None:
    """Raise StoppedError if the rows of samples do not match the clips, subjects and classes of the experiment."""
    known = {clip.id: (clip.subject_id, label) for clip, label in clips}
    lengths = {len(values) for values in (*samples.x.values(), samples.y, samples.subject, samples.clip, samples.view)}
    if len(lengths) != 1:
        raise StoppedError(f"{experiment.id}: assemble returns columns of different lengths: {sorted(lengths)}")
    if missing := sorted(known.keys() - set(samples.clip.tolist())):
        raise StoppedError(f"{experiment.id}: assemble leaves out {missing[0]} and {len(missing) - 1} other clips")
    columns = (samples.clip.tolist(), samples.subject.tolist(), samples.y.tolist())
    for clip, subject, label in dict.fromkeys(zip(*columns, strict=True)):
        if clip not in known:
            raise StoppedError(f"{experiment.id}: assemble returns {clip}, which is not a clip of this experiment")
        if subject != known[clip][0]:
            raise StoppedError(f"{experiment.id}: assemble gives {clip} the subject {subject}, not {known[clip][0]}")
        if label != known[clip][1]:
            raise StoppedError(f"{experiment.id}: assemble gives {clip} the class {label}, not {known[clip][1]}")


def rows_of_each_clip(
    clips: Sequence[tuple[Clip, int]],
    arrays: Sequence[Arrays],
    assemble: Callable[[Sequence[tuple[Clip, int]], Sequence[Arrays]], Samples],
    classes: int,
) -> dict[str, str]:
    """A digest of each clip's rows when it is assembled by itself, to compare with `rows` of all clips together.

    `assemble` receives no names, emotion or files, and another class: inputs must not depend on them.
    """
    return {
        clip.id: digest
        for (clip, label), clip_arrays in zip(clips, arrays, strict=True)
        for digest in rows(assemble([(_nameless(clip), (label + 1) % classes)], [dict(clip_arrays)])).values()
    }


def _nameless(clip: Clip) -> Clip:
    """A clip without anything that could reveal its class or subject."""
    blank = dict.fromkeys(("subject", "name", "emotion", "action_units", "valence", "self_report"), "")
    return replace(clip, frames=(), numbers=(), shown=(), **blank)  # type: ignore[arg-type]


def rows(samples: Samples) -> dict[str, str]:
    """A digest of each clip's rows: inputs and view."""
    digests = {}
    order = np.argsort(samples.clip, kind="stable")
    names, starts = np.unique(samples.clip[order], return_index=True)
    for name, indices in zip(names.tolist(), np.split(order, starts[1:]), strict=True):
        digest = hashlib.blake2b(samples.view[indices].tobytes())
        for key in sorted(samples.x):
            digest.update(np.ascontiguousarray(samples.x[key][indices]).data)
        digests[name] = digest.hexdigest()
    return digests


def check_unmixed(together: Mapping[str, str], by_itself: Mapping[str, str], experiment: Experiment) -> None:
    """Raise LeakError if a clip's rows depend on more than its arrays (`rows` against `rows_of_each_clip`)."""
    for clip, digest in by_itself.items():
        if together.get(clip) != digest:
            raise LeakError(
                f"{experiment.id}: the samples of {clip} depend on its class or name, or on other clips, including "
                "held-out ones; compute them only from the arrays of the clip, and fit whatever needs several clips "
                "during training"
            )


Predict = Callable[[Samples], Predictions]


def unnamed(predict: Predict) -> Predict:
    """`predict` with clips that have another id, no subject and no class: SMIC's names tell the class."""

    def predicted(test: Samples) -> Predictions:
        clips = dict.fromkeys(test.clip.tolist())
        ids = {clip: hashlib.blake2b(clip.encode(), digest_size=8).hexdigest() for clip in clips}
        clip = np.array([ids[name] for name in test.clip.tolist()])
        answers = predict(replace(test, y=np.zeros_like(test.y), subject=np.full_like(test.subject, ""), clip=clip))
        names = {ids[name]: name for name in clips}
        return {
            names.get(name, name): answers[name] for name in sorted(answers, key=lambda name: names.get(name, name))
        }

    return predicted


def check_prediction_independence(
    answers: Predictions, predict: Predict, test: Samples, experiment: Experiment, fold: str, precision: str = "float32"
) -> None:
    """Raise LeakError if the prediction for a held-out clip changes when it is predicted by itself."""
    clip = str(test.clip[0])
    by_itself = predict(test.only(np.flatnonzero(test.clip == clip)))
    if set(by_itself) != {clip} or not np.allclose(by_itself[clip], answers[clip], atol=_tolerance(precision)):
        raise LeakError(
            f"{experiment.id}, fold {fold}: the prediction for {clip} depends on the other held-out clips predicted "
            "with it; fit whatever needs several clips during training"
        )


@contextmanager
def check_no_state_kept(networks: object, recipe: object, experiment: Experiment, fold: str) -> Iterator[None]:
    """Raise LeakError if a fold changes the state of `networks` or of the modules around the recipe."""
    before = fingerprint(networks, recipe)
    try:
        yield
    finally:  # a failing fold must not pass anything on either
        if kept := changed(before, fingerprint(networks, recipe)):
            raise LeakError(
                f"{experiment.id}, fold {fold}: training changes {kept[0]}, which other folds use, and these test "
                "clips that it was fitted to; keep nothing between folds"
            )


@dataclass(frozen=True)
class Again:
    """A fold trained once more in a process that knows nothing of the run, with an empty folder.

    `apart` are the predictions of its held-out clips one by one, the last clip first; `together` are those of all of
    them, predicted after that. `unlike` are clips whose arrays are not those of the run when prepared again.
    """

    apart: Predictions
    together: Predictions
    unlike: tuple[str, ...]


def check_again(
    answers: Predictions, again: Again, experiment: Experiment, fold: str, precision: str, *, brief: bool
) -> None:
    """Raise LeakError if a fold's predictions or the arrays of its clips depend on what happened before in the run.

    After a `brief` training of one epoch, predictions that are made in the same way must be the `SAME`.
    """
    tolerance = _tolerance(precision)
    for clip in again.unlike:
        raise LeakError(
            f"{experiment.id}: prepared again in a process of its own, {clip} gets other arrays; compute them only "
            "from the clip that is passed in, and keep nothing between clips"
        )
    for clip, answer in answers.items():
        alone, together = (other.get(clip, np.empty(0)) for other in (again.apart, again.together))
        if not (_alike(answer, alone, tolerance) and _alike(answer, together, SAME if brief else tolerance)):
            raise LeakError(
                f"{experiment.id}, fold {fold}: trained and predicted again in a process of its own, {clip} gets "
                "another prediction: something is passed on from fold to fold, or from clip to clip, and other folds "
                "test clips that it was fitted to; keep nothing in memory or files that a fold has not made itself"
            )


def _alike(first: NDArray[np.floating], second: NDArray[np.floating], tolerance: float) -> bool:
    return first.shape == second.shape and np.allclose(first, second, rtol=0, atol=tolerance, equal_nan=True)


def _tolerance(precision: str) -> float:
    return TOLERANCE if precision == "float32" else ROUGH
