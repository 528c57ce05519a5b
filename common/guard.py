"""What keeps test clips out of training in a leak-free experiment. A violation stops the run.

A recipe is handed the training rows of a fold alone. What could still leak without ill will is checked here: that the
folds are apart, that preparing a clip takes nothing from others, that a held-out clip is answered by itself (tried on
one clip of a run), and that the object which folds share gains nothing while a fold is trained and tested. Learners
start each fold from their initial state by themselves; who hides a statistic inside one is not found out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from common.errors import StoppedError
from common.protocols import BY_SUBJECT
from common.types import Answers, Arrays, Clip, Experiment, Fold, Samples

TOLERANCE = 1e-3
ROUGH = 2e-2
"""How far probabilities of one clip may be apart, answered alone or among others: other batches round otherwise.

The second is for networks that compute in 16 bits.
"""


class LeakError(StoppedError):
    """Something of the held-out clips would reach training."""


def apart(fold: Fold, samples: Samples, experiment: Experiment, contents: Mapping[str, str]) -> None:
    """Raise LeakError where a clip is on both sides of a fold.

    In a leak-free experiment, and by a protocol that keeps subjects apart, also where a subject is, or the same files
    under two names. `contents` is a digest of each clip's files.
    """
    where = f"{experiment.id}, fold {fold.name}"
    train, test = set(samples.clip[fold.train].tolist()), set(samples.clip[fold.test].tolist())
    if both := sorted(train & test):
        raise LeakError(f"{where}: {both[0]} is in training and in test")
    if not (experiment.leak_free or experiment.protocol in BY_SUBJECT):
        return
    if both := sorted(set(samples.subject[fold.train].tolist()) & set(samples.subject[fold.test].tolist())):
        raise LeakError(f"{where}: subject {both[0]} is in training and in test")
    known = {contents[clip]: clip for clip in sorted(train) if clip in contents}
    for clip in sorted(test):
        if (copy := known.get(contents.get(clip, ""))) is not None:
            raise LeakError(
                f"{where}: the files of {clip}, which is tested, are those of {copy}, which is trained on; one of the "
                "two is a copy: take it out of the corpus"
            )


def alone(
    clips: Sequence[tuple[Clip, int]],
    arrays: Sequence[Arrays],
    assemble: Callable[[Sequence[tuple[Clip, int]], Sequence[Arrays]], Samples],
) -> dict[str, str]:
    """A digest of each clip's rows when it is assembled by itself, to be held against `rows` of all clips together."""
    return {
        pair[0].id: digest
        for pair, one in zip(clips, arrays, strict=True)
        for digest in rows(assemble([pair], [dict(one)])).values()
    }


def rows(samples: Samples) -> dict[str, str]:
    """A digest of each clip's rows: inputs, class and view."""
    found = {}
    order = np.argsort(samples.clip, kind="stable")
    names, starts = np.unique(samples.clip[order], return_index=True)
    for name, mine in zip(names.tolist(), np.split(order, starts[1:]), strict=True):
        digest = hashlib.blake2b(samples.y[mine].tobytes() + samples.view[mine].tobytes())
        for key in sorted(samples.x):
            digest.update(np.ascontiguousarray(samples.x[key][mine]).data)
        found[name] = digest.hexdigest()
    return found


def unmixed(together: Mapping[str, str], by_itself: Mapping[str, str], experiment: Experiment) -> None:
    """Raise LeakError where a clip's rows depend on which other clips there are (`rows` against `alone`)."""
    for clip, digest in by_itself.items():
        if together.get(clip) != digest:
            raise LeakError(
                f"{experiment.id}: the samples of {clip} depend on the other clips, those held out among them; what is "
                "fitted to clips belongs into training"
            )


def unswayed(
    answers: Answers,
    predict: Callable[[Samples], Answers],
    test: Samples,
    experiment: Experiment,
    fold: str,
    precision: str = "float32",
) -> None:
    """Raise LeakError where a held-out clip is answered otherwise when it is asked for by itself."""
    clip = str(test.clip[0])
    by_itself = predict(test.only(np.flatnonzero(test.clip == clip)))
    apart = TOLERANCE if precision == "float32" else ROUGH
    if set(by_itself) != {clip} or not np.allclose(by_itself[clip], answers[clip], atol=apart):
        raise LeakError(
            f"{experiment.id}, fold {fold}: the answer for {clip} depends on which other held-out clips are asked for; "
            "what is fitted to clips belongs into training"
        )


@contextmanager
def forgetful(networks: object, experiment: Experiment, fold: str) -> Iterator[None]:
    """Raise LeakError where a fold leaves something on `networks`, which all folds share, that was not there."""
    before = dict(vars(networks))
    try:
        yield
    finally:
        after = dict(vars(networks))
        kept = [name for name in after if name not in before or after[name] is not before[name]]
        for name in kept:  # a fold that fails must not leave it to the next one either
            vars(networks).pop(name)
            if name in before:
                vars(networks)[name] = before[name]
    if kept:
        raise LeakError(
            f"{experiment.id}, fold {fold}: training leaves {kept[0]!r} on the networks, and other folds test clips "
            "that it was fitted to"
        )
