"""Estimating the apex of a clip, the frame of strongest expression, if it is not annotated.

"midpoint" takes the middle frame. "lbp-divide-and-conquer" is the search of Liong, See, Wong, Le Ngo, Oh and Phan,
"Automatic apex frame spotting in micro-expression database" (ACPR 2015), as section 4.3 of Talluri et al. (2022)
describes it: compute LBP features of each frame and their difference from those of the onset frame; divide the
sequence into two halves and keep the one with the larger sum, until one frame is left. Everything that this leaves open
is our choice and documented below.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import ClipError, UserError
from common.types import Clip, ClipFrames
from common.vision import images
from common.vision.alignment import rectangle
from common.vision.faces import FaceFinder
from common.vision.patterns import BINS, UNIFORM, patterns

AnyClip = TypeVar("AnyClip", bound=Clip | ClipFrames)
METHODS = ("midpoint", "lbp-divide-and-conquer")
SIZE = 128
"""Width and height in pixels of the face from which LBP features are computed."""
MARGIN = 0.05
"""Margin on every side of the face, as a fraction of the extent of the landmarks."""
RADIUS, BLOCKS = 3, 8
"""Local binary patterns: distance of the neighbours in pixels, and blocks per side."""


def estimate(clip: AnyClip, method: str, faces: FaceFinder) -> AnyClip:
    """The clip with an apex: unchanged if it is known, else with the estimate and the name of the method as its source.

    The first frame of the clip counts as its onset. Raises UserError for an unknown method, and ClipError if frames
    cannot be read or the first shows no face (only "lbp-divide-and-conquer" reads them).
    """
    if method not in METHODS:
        raise UserError(f"{method!r} is not a known method for estimating an apex; known: {', '.join(METHODS)}")
    if clip.apex is not None:
        return clip
    index = midpoint(len(clip.numbers)) if method == "midpoint" else spot(face_crops(clip, faces))
    return replace(clip, apex=clip.numbers[index], apex_source=method)


def error(clip: Clip, method: str, faces: FaceFinder) -> int:
    """Estimated minus annotated apex in frames, for a clip with an annotated apex. Raises errors like `estimate`."""
    if clip.apex is None:
        raise ValueError(f"{clip.id}: no annotated apex to compare with")
    estimated = estimate(replace(clip, apex=None), method, faces).apex
    assert estimated is not None
    return estimated - clip.apex


def face_crops(clip: Clip | ClipFrames, faces: FaceFinder) -> NDArray[np.uint8]:
    """The face in every frame of a clip, grey uint8 (n, SIZE, SIZE).

    The landmarks of the first frame, with a margin, bound the same rectangle in all frames, which is resized to a
    square. The crop does not follow the face: shifts by fractions of a pixel blur the image, and on the stand-ins that
    changed the patterns more than the expressions did. Raises ClipError if frames cannot be read or the first shows no
    face.
    """
    first, crops = images.read_frame(clip, 0), []
    box = rectangle(faces.find(first, images.where(clip, 0)).points, first.shape, MARGIN)
    if 0 in first[box].shape:
        raise ClipError(f"{images.where(clip, 0)}: the face that dlib finds is outside the image")
    for picture in images.each_frame(clip, part=box):
        grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
        crops.append(cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    return np.stack(crops)


def midpoint(frames: int) -> int:
    """The middle index of this number of frames; the earlier of two."""
    return (frames - 1) // 2


def spot(frames: NDArray[np.uint8]) -> int:
    """Index of the apex in grey frames (n, height, width) of one face, by LBP and divide and conquer.

    The text subtracts the onset's features from those of "the remaining frames", so the onset is not a candidate,
    except in a clip of one frame.
    """
    if len(frames) == 1:
        return 0
    return 1 + divide_and_conquer(differences(lbp_histograms(frames))[1:])


def lbp_histograms(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Histograms of local binary patterns, (n, 64 blocks * 59 patterns), of grey frames (n, height, width).

    Our choices, the text gives none: uniform patterns (for 8 neighbours 58, and one bin for all others), counted in a
    grid of 8 x 8 blocks that together cover the frame except a border of RADIUS pixels, which lack neighbours; each
    block's histogram sums to one. The radius is 3 because in smooth skin the pixels at radius 1 differ by little more
    than camera noise.
    """
    rows, columns = (np.arange(side - 2 * RADIUS) * BLOCKS // (side - 2 * RADIUS) for side in frames.shape[1:])
    block = (rows[:, None] * BLOCKS + columns) * BINS
    sizes = np.outer(np.bincount(rows, minlength=BLOCKS), np.bincount(columns, minlength=BLOCKS)).ravel()
    histograms = np.empty((len(frames), BLOCKS * BLOCKS * BINS))
    for index, frame in enumerate(frames):
        bins = block + UNIFORM[patterns(frame, RADIUS)]
        histograms[index] = np.bincount(bins.ravel(), minlength=histograms.shape[1])
    return histograms / np.repeat(sizes, BINS)


def differences(histograms: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each row of histograms (n, d) is from the first: (n,), the Euclidean distance; 0 for the first.

    The text says "subtracting"; using the length of the vector of differences as one number is our
    choice. In the paper of 2015, to our knowledge, it is one minus the correlation of the two histograms.
    """
    return np.linalg.norm(histograms - histograms[0], axis=1)


def divide_and_conquer(values: NDArray[np.float64]) -> int:
    """The index that remains when the half with the larger sum is kept repeatedly; values (n,), n at least 1.

    Our choices: if the length is odd, the middle value counts in both halves, so that neither wins by being longer; of
    equal halves the earlier is kept. A limitation of the sums: a curve that stays high, or that rises with a drift of
    the head, pulls the search away from its peak to the broader side.
    """
    first, last = 0, len(values) - 1
    while first < last:
        half = (last - first) // 2 + 1
        if values[last - half + 1 : last + 1].sum() > values[first : first + half].sum():
            first = last - half + 1
        else:
            last = first + half - 1
    return first
