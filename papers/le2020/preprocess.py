"""From a clip to the dynamic image of its magnified face (sections III.A and B), and to its regions (III.C).

Faces are resized to one size before they are magnified, so that the magnification is the same in all corpora. All
experiments with the same pooling share the same arrays: the dynamic image of the whole face and its landmarks. The
regions are cut out when samples are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.errors import ClipError
from common.training.weights import IMAGENET
from common.types import Arrays, Clip, ClipFrames, Samples, one_row_each
from common.vision import rank_pooling
from common.vision.alignment import aligned_picture, alignment
from common.vision.faces import FaceFinder
from common.vision.images import each_frame, read_frame, squared, where
from common.vision.magnification import Magnification, magnify
from papers.le2020.experiments import NETWORKS, Inputs, Network, starts_random

CROP = 320
"""Width and height of a face that is cut out here, about the size of CASME II's released crops."""
CROPPED = 0.5
"""A frame whose landmarks span a larger fraction of its width is a crop, and is used unchanged."""
BROWS, NOSE, EYES, MOUTH = slice(17, 27), slice(27, 36), (slice(36, 42), slice(42, 48)), slice(48, 68)
OUTER_CORNERS = 36, 45

Box = tuple[int, int, int, int]


class Face(NamedTuple):
    """The face in a clip: RGB uint8 frames (n, face_size, face_size, 3), and landmarks (68, 2) of the first frame.

    `cut` says whether the face was cut out here.
    """

    frames: NDArray[np.uint8]
    points: NDArray[np.float64]
    cut: bool


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """The dynamic image of a clip: "dynamic" (size, size, 3) uint8, "points" (68, 2) its landmarks, "cut" (1,).

    "cut" is 1 if the face was cut out here. Raises ClipError if files cannot be used, if the clip's first frame shows
    no face, or if its frame rate is too low for the magnified frequency band.
    """
    face = face_of(clip, inputs, faces)
    picture = dynamic_image(magnified(face.frames, clip, inputs), inputs.exact)
    points = scaled(face.points, inputs.face_size, inputs.face_size, inputs.size)
    return {"dynamic": squared(picture, inputs.size), "points": points, "cut": np.array([int(face.cut)])}


def face_of(clip: Clip | ClipFrames, inputs: Inputs, faces: FaceFinder) -> Face:
    """The frames of a clip, with the landmarks of the first; a face in a larger image is cut out of all frames alike.

    All frames are resized to `face_size`. Raises ClipError in the same cases as `images.each_frame`, and if the first
    frame shows no face.
    """
    first = read_frame(clip, 0)
    points = faces.find(first, where(clip, 0)).points.astype(np.float64)
    height, width = first.shape[:2]
    to_face = None
    if np.ptp(points[:, 0]) <= CROPPED * width:
        to_face, height, width = alignment(points.astype(np.float32), CROP), CROP, CROP
        points = points @ to_face[:, :2].T + to_face[:, 2]
    frames = np.empty((len(clip.numbers), inputs.face_size, inputs.face_size, 3), np.uint8)
    for out, frame in zip(frames, each_frame(clip), strict=True):
        crop = frame if to_face is None else aligned_picture(frame, to_face, CROP)
        out[:] = squared(crop, inputs.face_size)
    return Face(frames, scaled(points, height, width, inputs.face_size), to_face is not None)


def magnified(frames: NDArray[np.uint8], clip: Clip | ClipFrames, inputs: Inputs) -> NDArray[np.uint8]:
    """The frames with their motion magnified. Raises ClipError if the clip's frame rate is too low for the band."""
    motion = Magnification(inputs.alpha, inputs.wavelength, inputs.low_hz, inputs.high_hz)
    try:
        return magnify(frames, clip.fps, motion)
    except ValueError as error:
        raise ClipError(str(error)) from error


def dynamic_image(frames: NDArray[np.uint8], ranked: bool) -> NDArray[np.uint8]:
    """The dynamic image of RGB frames (n, h, w, 3), uint8; if `ranked`, computed by the ranking machine itself."""
    return rank_pooling.as_image(rank_pooling.exact(frames) if ranked else rank_pooling.approximate(frames))


def scaled(points: NDArray[np.float64], height: int, width: int, size: int) -> NDArray[np.float64]:
    """Landmarks (68, 2) of an image in the coordinates of the same image at size x size pixels."""
    return (points + 0.5) * (size / np.array([width, height])) - 0.5


def boxes(points: NDArray[np.floating], height: int, width: int) -> dict[str, Box]:
    """The three boxes of figure 2 as (left, right, top, bottom) in pixels within an image, from landmarks (68, 2).

    Margins are fractions of the distance between the outer corners of the eyes, which no expression changes: a tenth,
    and twice that at the corners of the mouth, which may move outwards. There are no landmarks above the brows: the
    forehead is assumed to be two fifths of that distance high. The first box ends above the eyes; the last one begins
    below the nose.
    """
    span = float(np.hypot(*(points[OUTER_CORNERS[1]] - points[OUTER_CORNERS[0]])))
    margin = 0.1 * span
    eyes = np.concatenate([points[eye] for eye in EYES])
    brows, nose, mouth = _around(points[BROWS]), _around(points[NOSE]), _around(points[MOUTH])
    upper = min(brows[3] + margin, max(float(eyes[:, 1].min()), brows[3]))
    beside = nose[3] + margin / 2
    raw_boxes = {
        "forehead and eyebrows": (brows[0] - margin, brows[1] + margin, brows[2] - 0.4 * span, upper),
        "nose": (nose[0] - margin, nose[1] + margin, upper, beside),
        "mouth": (mouth[0] - 2 * margin, mouth[1] + 2 * margin, max(mouth[2] - margin, beside), mouth[3] + margin),
    }
    limits = (width, width, height, height)
    return {
        name: tuple(int(np.clip(np.rint(edge), 0, limit)) for edge, limit in zip(box, limits, strict=True))  # type: ignore[misc]
        for name, box in raw_boxes.items()
    }


def regions(points: NDArray[np.floating], height: int, width: int) -> NDArray[np.bool_]:
    """Mask of the pixels that are kept, (height, width): the three boxes without the eyes and a margin around them."""
    kept = np.zeros((height, width), np.uint8)
    for left, right, top, bottom in boxes(points, height, width).values():
        kept[top:bottom, left:right] = 1
    span = float(np.hypot(*(points[OUTER_CORNERS[1]] - points[OUTER_CORNERS[0]])))
    for eye in EYES:
        outline = cv2.convexHull(np.rint(points[eye]).astype(np.int32))
        cv2.fillConvexPoly(kept, outline, 0)
        cv2.polylines(kept, [outline], True, 0, thickness=max(round(0.1 * span), 1))
    return kept.astype(bool)


def shapes(settings: Settings) -> Shapes:
    """The dynamic image."""
    return {"face": (settings.inputs.size, settings.inputs.size, 3)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per clip: "face" (size, size, 3) its dynamic image, black outside the regions; view 0.

    With `whole_face` nothing is made black. Notes say which weights the network starts from, and count the faces that
    were cut out here.
    """
    pictures = np.stack([clip_arrays["dynamic"] for clip_arrays in arrays])
    if not settings.training.whole_face:
        size = settings.inputs.size
        kept = [regions(clip_arrays["points"], size, size) for clip_arrays in arrays]
        pictures *= np.stack(kept)[..., None]
    return one_row_each(clips, {"face": pictures}, (_start(settings.network), *_cut(clips, arrays)))


def _start(network: Network) -> str:
    architecture, weights = NETWORKS[network.kind], network.weights
    name = architecture.title
    if starts_random(network):
        lacking = ": keras.applications has no ImageNet weights for it; name a file" * (weights.choice == IMAGENET)
        return f"{name} starts from random weights{lacking}"
    if weights.choice == IMAGENET:
        return f"{name} starts from the ImageNet weights of keras.applications, its last layer from random ones"
    path, digest = weights.file(architecture.file, architecture.endings)
    return f"{name} starts from {path.name}, SHA-256 {digest}, its last layer from random weights"


def _cut(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays]) -> tuple[str, ...]:
    """Notes, one per corpus, so that experiments on the same corpora have the same notes."""
    lines = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        cut_flags = [
            int(clip_arrays["cut"][0])
            for (clip, _), clip_arrays in zip(clips, arrays, strict=True)
            if clip.corpus == corpus
        ]
        if any(cut_flags):
            lines.append(
                f"{corpus}: the face of {sum(cut_flags)} of {len(cut_flags)} clips is cut out by its landmarks"
            )
    return tuple(lines)


def _around(points: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Left, right, top and bottom of points."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return float(left), float(right), float(top), float(bottom)
