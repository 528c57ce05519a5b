"""The suite's data steps against independent ones (`fidelity/steps`), on small synthetic clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from common.training import saliency as salient
from common.types import ClipFrames
from common.vision import alignment, apex, magnification, rank_pooling
from fidelity.steps import alignment as their_alignment
from fidelity.steps import apex as their_apex
from fidelity.steps import magnification as their_magnification
from fidelity.steps import rank_pooling as their_pooling
from fidelity.steps import saliency as their_saliency
from fidelity.steps import texture as their_texture
from papers.kumar2019 import avatar, texture
from papers.reddy2019 import preprocess as reddy
from papers.reddy2019.experiments import Inputs
from papers.talluri2022 import preprocess as talluri

FPS, WINDOW, CUTOFF = 100.0, 7, 4.0
MOTION = magnification.Magnification(10.0, 16.0, 2.0, 20.0, "ideal")


@dataclass(frozen=True)
class Step:
    """A step of the papers: the largest deviation of the suite from the second definition, and what it may be.

    `deviation` is in the `unit` of the step's result.
    """

    name: str
    papers: str
    deviation: Callable[[], float]
    tolerance: float
    unit: str
    by_hand: str = ""


def clip(size: int = 48, frames: int = 20) -> NDArray[np.uint8]:
    """A synthetic RGB clip (frames, size, size, 3): a smooth pattern of which a part moves."""
    y, x = np.mgrid[:size, :size] / size
    pictures = []
    for time in range(frames):
        shift = 0.02 * np.sin(2 * np.pi * time / 10) * np.exp(-((x - 0.5) ** 2 + (y - 0.6) ** 2) / 0.05)
        waves = [np.sin(2 * np.pi * (a * (x + shift) + b * (y - shift))) for a, b in ((2, 1), (1, 3), (3, 2))]
        pictures.append(np.stack(waves, axis=-1) * 70 + 128)
    return np.rint(np.stack(pictures)).astype(np.uint8)


def grey(size: int = 48, frames: int = 20) -> NDArray[np.uint8]:
    """The first colour of the clip."""
    return np.ascontiguousarray(clip(size, frames)[..., 0])


def textured(size: int = 48, frames: int = 20) -> NDArray[np.uint8]:
    """The first colour with noise, so that neighbouring pixels differ in all directions."""
    noise = np.random.default_rng(0).integers(-9, 10, (frames, size, size))
    return (grey(size, frames) + noise).clip(0, 255).astype(np.uint8)


def landmarks(size: int = 48, seed: int = 0) -> NDArray[Any]:
    """68 points in the shape of a face: jaw, brows, nose, eyes and mouth, as x and y."""
    rng = np.random.default_rng(seed)
    jaw = [(np.cos(a) * 0.4 + 0.5, np.sin(a) * 0.45 + 0.45) for a in np.linspace(np.pi, 0, 17)]
    brows = [(x, 0.3) for x in (*np.linspace(0.2, 0.42, 5), *np.linspace(0.58, 0.8, 5))]
    nose = [(0.5, y) for y in np.linspace(0.36, 0.52, 4)] + [(x, 0.56) for x in np.linspace(0.43, 0.57, 5)]
    eyes = [(c + 0.07 * np.cos(a), 0.38 + 0.025 * np.sin(a)) for c in (0.32, 0.68) for a in np.arange(6) * np.pi / 3]
    mouth = [(0.5 + 0.15 * np.cos(a), 0.7 + 0.06 * np.sin(a)) for a in np.arange(20) * np.pi / 10]
    points = np.array([*jaw, *brows, *nose, *eyes, *mouth]) * size
    return (points + rng.normal(0, 0.004 * size, points.shape)).astype(np.float32)


def largest(own: Any, theirs: Any) -> float:
    """The largest absolute difference; infinite for other shapes or numbers that are not finite."""
    first, second = np.asarray(own, np.float64), np.asarray(theirs, np.float64)
    if first.shape != second.shape or not np.isfinite(first).all():
        return float("inf")
    return float(np.abs(first - second).max(initial=0))


def relative(own: Any, theirs: Any) -> float:
    """The largest difference relative to the largest number."""
    return largest(own, theirs) / max(float(np.abs(np.asarray(theirs, np.float64)).max()), 1e-30)


def _coefficients() -> float:
    return max(largest(rank_pooling.coefficients(n), their_pooling.coefficients(n)) for n in (2, 3, 20, 97))


def _dynamic_image() -> float:
    own = rank_pooling.as_image(rank_pooling.approximate(clip()))
    return largest(own, their_pooling.as_image(their_pooling.approximate(clip())))


def _ranked_image() -> float:
    return relative(rank_pooling.exact(clip(24)), their_pooling.exact(clip(24)))


def _factors() -> float:
    def apart(size: int, alpha: float) -> float:
        how = magnification.Magnification(alpha, 16.0, 0.5, 10.0)
        levels = their_magnification.number_of_levels(size, size)
        theirs = their_magnification.factors(size, size, levels, alpha, 16.0, 2.0, False)
        return largest(magnification.amplification(size, size, how), theirs)

    return max(apart(size, alpha) for size in (48, 112, 224) for alpha in (5.0, 10.0, 15.0))


def _magnified() -> float:
    own = magnification.magnify(clip(), FPS, MOTION)
    theirs = their_magnification.magnify(
        clip() / 255, FPS, MOTION.alpha, MOTION.low_hz, MOTION.high_hz, MOTION.wavelength, 0.0, "ideal"
    )
    return largest(own, 255 * theirs)


def _filtered() -> float:
    values = np.random.default_rng(0).random((40, 6))
    how = magnification.Magnification(10.0, 16.0, 0.5, 10.0)
    return largest(magnification.band_passed(values, FPS, how), _first_order(values - values[0], FPS, 0.5, 10.0))


def _first_order(values: NDArray[np.float64], fps: float, low: float, high: float) -> NDArray[np.float64]:
    """A Butterworth band-pass of first order, B s / (s^2 + B s + W^2), by the bilinear transform, as a recursion."""
    w1, w2 = (2 * fps * np.tan(np.pi * edge / fps) for edge in (low, high))
    band, centre, k = w2 - w1, w1 * w2, 2 * fps
    scale = k * k + band * k + centre
    recursion = (2 * centre - 2 * k * k) / scale, (k * k - band * k + centre) / scale
    result = np.zeros_like(values)
    for time in range(len(values)):
        before = [values[time - 2] if time > 1 else 0, *(result[time - lag] if time >= lag else 0 for lag in (1, 2))]
        result[time] = (
            band * k / scale * (values[time] - before[0]) - recursion[0] * before[1] - recursion[1] * before[2]
        )
    return result


def _patterns() -> float:
    return largest(
        texture.texture_maps(textured()), [their_texture.local_binary_patterns(frame) for frame in textured()]
    )


def _intensities() -> float:
    maps = texture.texture_maps(textured())
    pairs: dict[str, Literal["cut", "shift"]] = {"cut": "cut", "moved": "shift"}
    return max(
        relative(
            texture.activity(maps, WINDOW, CUTOFF, own)[0],
            their_texture.intensities(maps, WINDOW, (6, 6), CUTOFF, ends),
        )
        for own, ends in pairs.items()
    )


def _kept() -> float:
    own = texture.select(textured(), WINDOW, CUTOFF, "cut", mean=False).kept
    maps = [their_texture.local_binary_patterns(frame) for frame in textured()]
    theirs = their_texture.kept_frames(their_texture.intensities(np.stack(maps), WINDOW, (6, 6), CUTOFF))
    return float(len(set(own.tolist()) ^ set(np.flatnonzero(theirs).tolist())))


def _affine() -> float:
    moved, reference = landmarks(seed=1), landmarks()
    return largest(avatar.affine(moved, reference), their_alignment.affine(moved, reference))


def _avatar() -> float:
    found = np.stack([landmarks(seed=1 + number) for number in range(6)])
    own = avatar.avatar(clip()[:6], found, landmarks())
    registered = their_alignment.registered(clip()[:6], found, landmarks(), outside="nearest")
    return float(np.abs(own - their_alignment.emotion_avatar_image(registered)).mean())


def _aligned() -> float:
    """The suite's map, as dlib computes it, must be the similarity that takes the landmarks where it takes them."""
    points = landmarks(96)
    to_face = alignment.alignment(points, 64)
    goal = points @ to_face[:, :2].T + to_face[:, 2]
    own = alignment.aligned_picture(grey(96, 1)[0], to_face, 64)
    theirs = their_alignment.warp(grey(96, 1)[0], their_alignment.similarity(points, goal), 64, 64, "nearest")
    return float(np.abs(own - theirs).mean())


def _differences() -> float:
    """Distances do not depend on the order of patterns; patterns with over two changes share a bin in the suite."""
    frames = textured(54, 6)  # 48 pixels within the border, which 8 blocks divide
    codes = np.arange(256)
    bits = (codes[:, None] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    counts = np.stack([their_apex.block_histograms(frame, (8, 8), 8, 3.0) for frame in frames])
    counts = np.concatenate([counts[..., uniform], counts[..., ~uniform].sum(axis=-1, keepdims=True)], axis=-1)
    theirs = np.linalg.norm((counts - counts[0]).reshape(len(frames), -1), axis=1)
    return relative(apex.differences(apex.lbp_histograms(frames)), theirs)


def _apex() -> float:
    """How many of 50 curves of 17 frames, 16 without the onset, have another apex."""
    curves = np.random.default_rng(0).random((50, 17))
    own = [1 + apex.divide_and_conquer(curve[1:]) for curve in curves]
    return float(sum(a != their_apex.divide_and_conquer(curve) for a, curve in zip(own, curves, strict=True)))


def _sequence() -> float:
    places = [(60, 30, 36), (20, 3, 26), (33, 32, 30), (5, 2, 36)]
    return max(largest(talluri.sequence(*place, True), their_apex.apex_sequence(*place)) for place in places)


def _recording(frames: int) -> ClipFrames:
    from types import SimpleNamespace
    from typing import cast

    def of(numbers: Any) -> SimpleNamespace:
        return SimpleNamespace(numbers=[*numbers], at=of)

    return cast(ClipFrames, of(range(frames)))


def _frames_read() -> float:
    """Frames 72 to 167 of a recording, counted from 0 (public code); 96 frames (table I)."""
    return largest(reddy.window(_recording(200), Inputs()).numbers, np.arange(72, 168))


def _parts() -> float:
    """Eyes from the row of landmark 19 to that of 1, columns of 1 to 15; mouth: rows 2 to 6, columns 2 to 14."""
    points = landmarks(96).copy()
    points[[19, 1], 1], points[[2, 6], 1] = (20, 52), (54, 86)  # heights and widths that are multiples of 16
    points[[1, 15], 0], points[[2, 14], 0] = (16, 80), (24, 72)
    frame = clip(96, 1)[0]
    own = reddy.cut(frame, points, Inputs(face_size=48, region_size=16, reading="whole frames, red and blue exchanged"))
    swapped = frame[..., ::-1].astype(np.float64) @ [0.299, 0.587, 0.114]
    theirs = {
        "face": _means(swapped, 48),
        "eyes": _means(swapped[20:52, 16:80], 16),
        "mouth": _means(swapped[54:86, 24:72], 16),
    }
    return max(largest(own[name], values) for name, values in theirs.items())


def _means(picture: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """An image whose sides are multiples of `size`, by means over areas."""
    height, width = (side // size for side in picture.shape)
    return picture.reshape(size, height, size, width).mean(axis=(1, 3))


def _scaling() -> float:
    """The mean is subtracted, then the largest value divides (public code)."""
    from types import SimpleNamespace

    from papers.reddy2019 import recipe

    samples: Any = SimpleNamespace(x={"face": grey()[None, ..., None]})
    values = samples.x["face"].astype(np.float64)
    values -= values.mean()
    return largest(recipe.fit_scaling([samples]).applied(samples)["face"], values / values.max())


def _sequences() -> float:
    """Zeros, then the clip (public code), up to 9 steps; of a longer clip the first frames."""
    from types import SimpleNamespace

    from papers.aouayeb2019 import recipe
    from papers.aouayeb2019.experiments import Network
    from papers.aouayeb2019.preprocess import REGIONS

    clips = [np.random.default_rng(length).random((length, 20), np.float32) for length in (3, 12, 9)]
    samples: Any = SimpleNamespace(
        clip=np.repeat(["a", "b", "c"], [*map(len, clips)]),
        view=np.concatenate([np.arange(len(features)) for features in clips]),
        y=np.zeros(sum(map(len, clips)), np.int64),
    )
    regions = dict.fromkeys(REGIONS, np.concatenate(clips))
    *_, own = recipe.padded_sequences(samples, regions, Network(sequence_length=9))
    theirs = [[*[np.zeros(20)] * (9 - len(features)), *features[:9]] for features in clips]
    return max(largest(values, theirs) for values in own.values())


def _salient() -> float:
    """The fraction of pixels marked in only one of both maps, for MicroExpSTCNN and its port."""
    import tensorflow as tf

    from fidelity import compare
    from fidelity.networks import NETWORKS

    network = next(entry for entry in NETWORKS if entry.name == "MicroExpSTCNN")
    built = compare.build(network, network.small, compare.FULL)
    x = compare.inputs(built, network.small, compare.FULL)
    classes = np.array([2, 0])
    own = salient.strongest(salient.saliency(built.learner.model, x, classes))["face"]
    port = network.port(network.small)
    port.take(built.weights)
    model = port.parts[0].model
    scores = type(model)(model.input, model.get_layer("Dense-2").output)

    def gradients(row: int) -> Callable[[NDArray[Any]], NDArray[Any]]:
        def of(video: NDArray[Any]) -> NDArray[Any]:
            entry = tf.convert_to_tensor(video[None])
            with tf.GradientTape() as tape:
                tape.watch(entry)
                score = scores(entry, training=False)[0, classes[row]]
            return np.asarray(tape.gradient(score, entry))[0]

        return of

    maps = [their_saliency.saliency(x["face"][row], gradients(row), "positive") for row in range(2)]
    theirs = [their_saliency.binarised(values, "quantile", 0.9) for values in maps]
    return float(np.mean(own != np.stack(theirs)))


STEPS: tuple[Step, ...] = (
    Step("rank pooling coefficients", "le2020", _coefficients, 1e-9, ""),
    Step("dynamic image", "le2020", _dynamic_image, 0.51, "grey levels"),
    Step("exact rank pooling", "le2020", _ranked_image, 1e-3, "of the largest value"),
    Step("magnification factors", "kumar2019, le2020", _factors, 1e-9, ""),
    Step("magnified motion", "kumar2019, le2020", _magnified, 0.75, "grey levels", "ideal filter, brightness only"),
    Step(
        "band-pass filter",
        "kumar2019, le2020",
        _filtered,
        1e-9,
        "",
        "a Butterworth band-pass, not the difference of two low-passes",
    ),
    Step("texture maps", "kumar2019", _patterns, 0.0, "codes", "plain codes without the outermost pixels"),
    Step("texture intensities", "kumar2019", _intensities, 1e-9, "of the largest value"),
    Step("kept frames", "kumar2019", _kept, 0.0, "frames", "the plain sum of equation 9"),
    Step("registration", "kumar2019", _affine, 1e-6, "", "least squares over all landmarks"),
    Step("avatar image", "kumar2019", _avatar, 0.5, "grey levels on average", "edges are repeated"),
    Step("aligned face", "reddy2019, talluri2022, le2020", _aligned, 0.5, "grey levels on average", "dlib's mean face"),
    Step("differences from the onset", "talluri2022", _differences, 1e-9, "of the largest value", "Euclidean distance"),
    Step("apex search", "talluri2022", _apex, 0.0, "of 50 curves", "lengths that halve evenly"),
    Step("apex sequence", "talluri2022", _sequence, 0.0, "frames"),
    Step("frames of a recording", "reddy2019", _frames_read, 0.0, "frames"),
    Step("eyes, mouth and grey levels", "reddy2019", _parts, 1.01, "grey levels"),
    Step("scaling", "reddy2019", _scaling, 1e-5, ""),
    Step("sequences of features", "aouayeb2019", _sequences, 0.0, "", "zeros first, as in the public code"),
    Step("saliency", "reddy2019", _salient, 0.001, "of all pixels", "the largest tenth, if positive"),
)
