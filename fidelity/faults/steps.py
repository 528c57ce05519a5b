"""Planted faults in the data steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fidelity.faults.changes import Patched
from fidelity.faults.networks import AOUAYEB, KUMAR, REDDY, SHARED, TALLURI, Mutation


def _ghost(original: Any) -> Any:
    """Weights of a common port, (2 i - T) / i, which do not add up to 0."""

    def coefficients(count: int) -> Any:
        times = np.arange(1, count + 1)
        return np.cumsum(((2 * times - count) / times)[::-1])[::-1].copy()

    return coefficients


def _first_argument(change: Any) -> Any:
    return lambda original: lambda first, *others, **named: original(change(first), *others, **named)


def _result(change: Any) -> Any:
    return lambda original: lambda *arguments, **named: change(original(*arguments, **named))


def _mirrored(to_face: Any) -> Any:
    return np.array([[-1, 0], [0, 1]]) @ to_face + np.array([[0, 0, 63], [0, 0, 0]])


def _bits_reversed(maps: Any) -> Any:
    return np.packbits(np.unpackbits(maps[..., None], axis=-1)[..., ::-1], axis=-1)[..., 0]


def _lower_half(original: Any) -> Any:
    return lambda values: original(-values)


def _zeros_last(original: Any) -> Any:
    return lambda samples, features, network: original(samples, features, replace(network, padding="last"))


def _softmax_scores(original: Any) -> Any:
    return lambda model, inputs, classes: original(model, inputs, classes, scores="emotion")


VISION = "common.vision"
MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "weights (2 i - T) / i",
        "rank pooling coefficients",
        Patched(f"{VISION}.rank_pooling:coefficients", _ghost),
        "rank pooling coefficients",
    ),
    Mutation(
        "frames in reverse order",
        "dynamic image",
        Patched(f"{VISION}.rank_pooling:approximate", _first_argument(lambda frames: frames[::-1])),
        "dynamic image",
    ),
    Mutation(
        "blue, green, red",
        "dynamic image",
        Patched(f"{VISION}.rank_pooling:approximate", _first_argument(lambda frames: frames[..., ::-1])),
        "dynamic image",
    ),
    Mutation(
        "no signed square root",
        "exact rank pooling",
        Patched(f"{VISION}.rank_pooling:features", _result(lambda v: v * np.abs(v))),
        "exact rank pooling",
    ),
    Mutation(
        "exaggeration 1 instead of 2",
        "magnification factors",
        Patched(f"{VISION}.magnification:EXAGGERATION", lambda factor: 1.0),
        "magnification factors",
    ),
    Mutation(
        "wavelength counted from the finest level",
        "magnification factors",
        Patched(f"{VISION}.magnification:amplification", _result(lambda gains: gains[::-1])),
        "magnification factors",
    ),
    Mutation(
        "factor alpha - 1",
        "magnified motion",
        Patched(f"{VISION}.magnification:amplification", _result(lambda gains: tuple(max(g - 1, 0) for g in gains))),
        "magnified motion",
    ),
    Mutation(
        "factors one level too fine",
        "magnified motion",
        Patched(f"{VISION}.magnification:amplification", _result(lambda gains: (0.0, *gains[2:], 0.0))),
        "magnified motion",
    ),
    Mutation(
        "band edges divided by the frame rate",
        "band-pass filter",
        Patched(
            f"{VISION}.magnification:band_passed",
            lambda original: lambda values, fps, how: original(values, 2 * fps, how),
        ),
        "band-pass filter",
    ),
    Mutation(
        "bits in reverse order",
        "texture maps",
        Patched(f"{KUMAR}.texture:texture_maps", _result(_bits_reversed)),
        "texture maps",
    ),
    Mutation(
        "diagonal neighbours on whole pixels",
        "texture maps",
        Patched(f"{VISION}.patterns:DIAGONAL", lambda distance: 0.999),
        "texture maps",
    ),
    Mutation(
        "window one frame late",
        "texture intensities",
        Patched(f"{KUMAR}.texture:windows", _result(lambda w: [(min(a + 1, b - 1), b) for a, b in w])),
        "texture intensities",
    ),
    Mutation(
        "5 x 5 blocks", "texture intensities", Patched(f"{KUMAR}.texture:GRID", lambda grid: 5), "texture intensities"
    ),
    Mutation(
        "frames above 0.9 stay",
        "kept frames",
        Patched(f"{KUMAR}.texture:THRESHOLD", lambda threshold: 0.9),
        "kept frames",
    ),
    Mutation(
        "transform in the other direction",
        "registration",
        Patched(f"{KUMAR}.avatar:affine", lambda original: lambda points, reference: original(reference, points)),
        "registration",
    ),
    Mutation(
        "frames are not registered",
        "avatar image",
        Patched(f"{KUMAR}.avatar:register", lambda original: lambda frame, *points: frame),
        "avatar image",
    ),
    Mutation(
        "face mirrored", "aligned face", Patched(f"{VISION}.alignment:alignment", _result(_mirrored)), "aligned face"
    ),
    Mutation(
        "radius 1 instead of 3",
        "differences from the onset",
        Patched(f"{VISION}.apex:RADIUS", lambda radius: 1),
        "differences from the onset",
    ),
    Mutation(
        "one frame late",
        "apex search",
        Patched(f"{VISION}.apex:divide_and_conquer", _result(lambda index: index + 1)),
        "apex search",
    ),
    Mutation(
        "the half with the smaller sum",
        "apex search",
        Patched(f"{VISION}.apex:divide_and_conquer", _lower_half),
        "apex search",
    ),
    Mutation(
        "one frame late",
        "apex sequence",
        Patched(
            f"{TALLURI}.preprocess:sequence", lambda original: lambda n, place, *others: original(n, place + 1, *others)
        ),
        "apex sequence",
    ),
    Mutation(
        "frames from the clip's start",
        "apex sequence",
        Patched(
            f"{TALLURI}.preprocess:sequence",
            lambda original: lambda n, place, length, centre: original(n, place, length, False),
        ),
        "apex sequence",
    ),
    Mutation(
        "one frame late",
        "frames of a recording",
        Patched(f"{REDDY}.preprocess:window", _result(lambda clip: clip.at([n + 1 for n in clip.numbers]))),
        "frames of a recording",
    ),
    Mutation(
        "red and blue not exchanged",
        "eyes, mouth and grey levels",
        Patched(f"{REDDY}.preprocess:cut", _first_argument(lambda frame: np.ascontiguousarray(frame[..., ::-1]))),
        "eyes, mouth and grey levels",
    ),
    Mutation(
        "eyes down to the mouth",
        "eyes, mouth and grey levels",
        Patched(f"{REDDY}.preprocess:BOXES", lambda boxes: boxes | {"eyes": boxes["eyes"]._replace(bottom=2)}),
        "eyes, mouth and grey levels",
    ),
    Mutation(
        "mean not subtracted",
        "scaling",
        Patched(
            f"{REDDY}.recipe:fit_scaling", _result(lambda s: s._replace(mean=dict.fromkeys(s.mean, np.float32(0))))
        ),
        "scaling",
    ),
    Mutation(
        "zeros at the end",
        "sequences of features",
        Patched(f"{AOUAYEB}.recipe:padded_sequences", _zeros_last),
        "sequences of features",
    ),
    Mutation(
        "gradient of the probability", "saliency", Patched(f"{SHARED}.saliency:saliency", _softmax_scores), "saliency"
    ),
)
