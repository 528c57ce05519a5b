"""Controls: the same experiment changed in one way, to test what a score depends on.

Without motion, and with labels permuted within subjects, a recogniser of motion falls to chance: in the first case it
only sees stills, in the second it can only learn how often each subject shows each class. Any score that remains
without motion depends on identity, lighting, the corpus or an onset that shows the expression.

Frames in random order are not such a test, because the expressive frames are still included. A single frame is then a
different one, which may show more than the onset; of two frames one is often more expressive than the other; a sequence
contains the same images; a dynamic image adds them with other weights. The drop of a score shows how much it depends on
their order. Frames are shuffled over the whole clip, before a network's part of it is cut out.

From metadata, such as the length of a clip, a classifier that sees no motion can only guess classes if they are linked
to them in the corpora. A network may use the same link. `common.protocols.metadata` is this classifier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from common.seeds import seed_of
from common.types import Clip, Experiment

NO_MOTION, SHUFFLED, PERMUTED, METADATA = "no-motion", "shuffled-frames", "permuted-labels", "metadata"
CONTROLS = {
    NO_MOTION: "the first frame repeated",
    SHUFFLED: "frames in random order",
    PERMUTED: "labels permuted within each subject",
    METADATA: "a classifier of the clips' metadata, without motion",
}


def controls(experiment: Experiment) -> tuple[Experiment, ...]:
    """The controls of an experiment. The classifier of metadata searches no settings.

    The motion in a map cannot be taken out or shuffled, and a network that is not trained cannot learn other labels.
    """
    stills = (NO_MOTION, SHUFFLED) if experiment.collected_from else ()
    left_out = (*stills, PERMUTED) if experiment.pretrained else stills
    return tuple(
        replace(
            experiment,
            title=f"{experiment.title} (control: {description})",
            control=name,
            note="",
            on_request=True,
            common_ground=False,
            space={} if name == METADATA else experiment.space,
        )
        for name, description in CONTROLS.items()
        if name not in left_out
    )


def perturb(clips: Sequence[tuple[Clip, int]], control: str, seed: int) -> tuple[tuple[Clip, int], ...]:
    """The clips and their classes as a control shows them; unchanged if `control` is empty or `metadata`.

    Frames are shuffled within a clip. Labels are permuted among the clips of a subject, so the number of clips per
    subject and class does not change. Raises ValueError for an unknown control.
    """
    if control in ("", METADATA):
        return tuple(clips)
    if control == NO_MOTION:
        return tuple((_showing(clip, [0] * len(clip.frames)), label) for clip, label in clips)
    if control == SHUFFLED:
        return tuple((_showing(clip, _order(clip, seed)), label) for clip, label in clips)
    if control == PERMUTED:
        return _permuted(clips, seed)
    raise ValueError(f"unknown control {control!r}; known: {', '.join(CONTROLS)}")


def relabellings(
    subject: NDArray[np.str_], clip: NDArray[np.str_], truth: NDArray[np.int64], count: int, seed: int
) -> NDArray[np.int64]:
    """The classes (n,) of clips, permuted `count` times among the clips of a subject: (count, n).

    subject, clip, truth (n,), one row per clip. Those of a subject depend on its clips and on the seed alone, so that
    folds which train on it agree on them, and they can be computed again from the stored results.
    """
    labels = np.empty((count, len(truth)), np.int64)
    for person in np.unique(subject):
        rows = np.flatnonzero(subject == person)
        rows = rows[np.argsort(clip[rows])]
        random = np.random.default_rng(seed_of("relabelled", str(person), seed))
        labels[:, rows] = random.permuted(np.tile(truth[rows], (count, 1)), axis=1)
    return labels


def _showing(clip: Clip, places: Sequence[int]) -> Clip:
    pictures = clip.pictures
    return replace(clip, shown=tuple(pictures[place] for place in places))


def _order(clip: Clip, seed: int) -> list[int]:
    order = np.random.default_rng(seed_of(SHUFFLED, clip.id, seed)).permutation(len(clip.frames))
    return [int(place) for place in order]


def _permuted(clips: Sequence[tuple[Clip, int]], seed: int) -> tuple[tuple[Clip, int], ...]:
    labels = np.array([label for _, label in clips])
    people = np.array([clip.subject_id for clip, _ in clips])
    for person in np.unique(people):
        indices = np.flatnonzero(people == person)
        order = np.random.default_rng(seed_of(PERMUTED, person, seed)).permutation(len(indices))
        labels[indices] = labels[indices[order]]
    return tuple((clip, label) for (clip, _), label in zip(clips, labels.tolist(), strict=True))
