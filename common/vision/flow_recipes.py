"""Recipes by which public code makes small images of the optical flow from onset to apex, the input of many networks.

An image is uint8 (28, 28, 3), in the order of OpenCV (blue, green, red). All recipes start from the same two faces, so
that they differ only in what each record says; how a source crops faces is named in `differs`. No source clips the flow
before it is stretched to 0..255, and all stretch each image by itself, so that the size of a motion is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, listed, quoted
from common.types import Arrays, Clip, ClipFrames
from common.vision import apex
from common.vision.alignment import aligned_picture, alignment
from common.vision.faces import FaceFinder
from common.vision.flow import flow, strain
from common.vision.images import read_frame, where

Image = NDArray[np.uint8]
Channel = Literal["right", "down", "strain", "length"]
SIZE = 28
FACE = (170, 140)
"""Height and width in pixels of the faces between which flow is computed: Table II of the paper on STSTNet."""
TVL1 = (
    "TV-L1 is that of scikit-image instead of OpenCV's contributed module, which has another pyramid and filters the "
    "flow: of 10 stand-ins with real motion, the components averaged to 28 x 28 correlate at 0.89 to 0.99 (median 0.97)"
)
CROP = "faces are aligned by dlib's landmarks of the onset frame"


@dataclass(frozen=True)
class Recipe:
    """How an image is made from the faces at onset and apex.

    `source` is repository, file and commit, `differs` what is done otherwise here. `method` computes the flow: "tvl1",
    "dis", or "farneback" with a pyramid of 3 halvings, windows of 15 pixels, 3 iterations, and polynomials of 5 pixels
    and a sigma of 1.2. `channels` are what blue, green and red show; empty for colours: the hue is the direction of
    the flow, the value its length. `strain` says how derivatives are taken: "central", "forward" (to the next pixel),
    or "exchanged", where rows count as x and columns as y and the shear has half its weight. `pixels` is the size at
    which the flow is computed. With `stretched` "large" the channels are stretched before they are made smaller.
    """

    name: str
    source: str
    differs: str
    method: Literal["tvl1", "dis", "farneback"]
    channels: tuple[Channel, ...] = ("strain", "down", "right")
    strain: Literal["central", "forward", "exchanged"] = "central"
    pixels: tuple[int, int] = FACE
    stretched: Literal["small", "large"] = "small"
    shrunk: Literal["area", "linear"] = "area"


RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="skd-tstsan",
            source="GuanghaoZhu663/SKD-TSTSAN, optflow_for_classify.py, f48541820fa409e0aeb1efddd102aedf9cc43d94",
            differs=f"{TVL1}; {CROP} instead of cropped by RetinaFace; its code writes images of 48 x 48 pixels, and "
            "horizontal and vertical flow as two files. The order of channels is the one that the author of CausalNet "
            "gives, whose faces are cropped as in this code (tony19980810/CausalNet, issue 4)",
            method="tvl1",
            strain="forward",
            shrunk="linear",
        ),
        Recipe(
            name="ststnet-thread",
            source="christy1206/STSTNet, issue 8, code by a user of 2023-10-20, to which HTNet's issue 8 refers",
            differs=f"{TVL1}; {CROP}, where the thread reads given crops; the thread does not say how the image is "
            "made smaller",
            method="tvl1",
            strain="exchanged",
            stretched="large",
        ),
        Recipe(
            name="htnet",
            source="wangzhifengharrison/HTNet, HTNet_for_three_datasets_confusion_matrix.py, "
            "1ea5293f3008f2ef63aacc4153668a1abd5921f3",
            differs=f"{CROP}, where MTCNN crops onset and apex each by itself; its code does this for CAS(ME)^3, while "
            "its maps of the composite are those of the authors of STSTNet",
            method="farneback",
            channels=("right", "down", "length"),
            pixels=(SIZE, SIZE),
        ),
        Recipe(
            name="samm-optflow-28",
            source="joelibaceta/samm-optflow-28, preprocess_optical_flows.py, 26562a4f5710e87c8edc91e41d91edbb4f2c888b",
            differs=f"{CROP} instead of cropped by MTCNN and template matching",
            method="farneback",
            channels=(),
        ),
        Recipe(
            name="dis",
            source="mer-suite, variant dis of liong2019; no public code for micro-expressions was found that uses it",
            differs="each channel is stretched as in the public maps, so that zero is lost",
            method="dis",
        ),
    )
}


def named(name: str) -> Recipe:
    """The recipe of a name; UserError if there is none."""
    if name not in RECIPES:
        raise UserError(f"unknown recipe {quoted(name)}; known: {listed([*RECIPES])}")
    return RECIPES[name]


def of_clip(recipe: Recipe, apex_method: str, clip: ClipFrames, faces: FaceFinder) -> Arrays:
    """The "image" of a clip, and "apex" (1,), the number of its apex frame, from 0 at the first frame of the clip.

    An apex that is not annotated is estimated by `apex_method`, one of `apex.METHODS`. Raises ClipError if files cannot
    be used or the clip's first frame shows no face.
    """
    onset, peak, place = pair(clip, apex_method, faces)
    return {"image": image(recipe, onset, peak), "apex": np.array([clip.numbers[place]])}


def pair(clip: Clip | ClipFrames, apex_method: str, faces: FaceFinder) -> tuple[Image, Image, int]:
    """The face in the first frame and at the apex, grey uint8 of the size `FACE`, and the index of the apex.

    Both are aligned by the landmarks of the first frame, so that the head's movement stays. If the frame of the apex is
    missing, the nearest one is read.
    """
    height, width = FACE
    middle = slice((height - width) // 2, (height + width) // 2)
    first = read_frame(clip, 0)
    to_face = alignment(faces.find(first, where(clip, 0)).points, height)
    known = apex.estimate(clip, apex_method, faces).apex
    place = int(np.abs(np.array(clip.numbers) - known).argmin())
    grey = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in (first, read_frame(clip, place))]
    onset, peak = (np.ascontiguousarray(aligned_picture(picture, to_face, height)[:, middle]) for picture in grey)
    return onset, peak, place


def image(recipe: Recipe, onset: Image, peak: Image) -> Image:
    """The image, uint8 (28, 28, 3) in OpenCV's order, of two grey faces, uint8 of one size.

    Two equal faces give 0, except with "farneback", whose rounding errors are stretched like any flow.
    """
    height, width = recipe.pixels
    if onset.shape != recipe.pixels:
        onset, peak = (
            np.asarray(cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            for face in (onset, peak)
        )
    moved = flow(onset, peak, recipe.method) if recipe.method != "farneback" else _farneback(onset, peak)
    if not recipe.channels:
        return np.asarray(cv2.resize(_coloured(moved), (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)
    shown = np.dstack([_channel(recipe, channel, moved) for channel in recipe.channels]).astype(np.float32)
    shown = stretched(shown) if recipe.stretched == "large" else shown
    how = cv2.INTER_AREA if recipe.shrunk == "area" else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(shown, (SIZE, SIZE), interpolation=how), np.float32)
    return (small if recipe.stretched == "large" else stretched(small)).astype(np.uint8)


def stretched(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each channel of (height, width, n) from its lowest value at 0 to its highest at 255; a constant one becomes 0."""
    low, high = channels.min(axis=(0, 1)), channels.max(axis=(0, 1))
    return np.asarray((channels - low) / np.where(high > low, high - low, 1) * 255, np.float32)


def _channel(recipe: Recipe, channel: Channel, moved: NDArray[np.float32]) -> NDArray[np.floating]:
    if channel == "length":
        return np.linalg.norm(moved, axis=-1)
    if channel != "strain":
        return moved[..., 0 if channel == "right" else 1]
    right, down = (moved[..., axis].astype(np.float64) for axis in (0, 1))
    if recipe.strain == "forward":
        (dx_right, dy_right), (dx_down, dy_down) = (
            (part[:-1, 1:] - part[:-1, :-1], part[1:, :-1] - part[:-1, :-1]) for part in (right, down)
        )
        inner = np.sqrt(dx_right**2 + dy_down**2 + (dy_right + dx_down) ** 2 / 2)
        return np.pad(inner, ((0, 1), (0, 1)), "edge")
    if recipe.strain == "exchanged":
        (down_of_right, right_of_right), (down_of_down, right_of_down) = np.gradient(right), np.gradient(down)
        shear = right_of_right + down_of_down
        return np.asarray(np.sqrt(down_of_right**2 + right_of_down**2 + shear**2 / 4))
    return strain(moved)


def _farneback(onset: Image, peak: Image) -> NDArray[np.float32]:
    """The flow of Farnebäck, "Two-frame motion estimation based on polynomial expansion" (SCIA 2003), by OpenCV."""
    nothing = np.zeros((*onset.shape, 2), np.float32)
    return np.asarray(cv2.calcOpticalFlowFarneback(onset, peak, nothing, 0.5, 3, 15, 3, 5, 1.2, 0), np.float32)


def _coloured(moved: NDArray[np.float32]) -> Image:
    """A flow as colours: the direction as hue, the length, stretched, as value. uint8 (height, width, 3) as OpenCV."""
    length, angle = cv2.cartToPolar(moved[..., 0], moved[..., 1], angleInDegrees=True)
    value = stretched(np.asarray(length, np.float32)[..., None])[..., 0]
    colours = np.dstack([np.asarray(angle) / 2, np.full_like(value, 255), value]).astype(np.uint8)
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_HSV2BGR), np.uint8)
