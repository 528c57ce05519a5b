"""From a clip to six stacks of region images (section 3.1), and from many clips to samples.

The boxes come from the first frame only and are used for the whole clip, so that movement shows inside them. The text
locates six boxes by landmarks without saying how; the default boxes are those of the authors' public crop script
(MouathAb/AnalyseMiE-CNN_LSTM_SE on GitHub, commit 4623b56, crop_6_ROIs.py), fixed on a canvas on which the face is
centred. The variant `landmark-boxes` follows the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.environment import return_freed_memory
from common.errors import ClipError
from common.types import Arrays, Clip, ClipFrames, Samples
from common.vision.faces import FaceFinder
from common.vision.images import each_frame, read_frame, where
from papers.aouayeb2019.experiments import Inputs, RegionsByClass

Box = tuple[int, int, int, int]

CANVAS = (280, 240)
"""Height and width of the canvas that the face is fitted into."""

REGIONS: dict[str, Box] = {
    "left_eye": (0, 100, 20, 100),
    "right_eye": (140, 240, 20, 100),
    "nose": (60, 180, 80, 160),
    "left_cheek": (0, 60, 120, 180),
    "right_cheek": (180, 240, 120, 180),
    "mouth": (40, 200, 180, 240),
}
"""Columns x1, x2 and rows y1, y2 on the canvas; sizes as in section 4.1.2. Left and right are those of the image."""

TAKES_PART: Mapping[RegionsByClass, Mapping[str, tuple[str, ...]]] = {
    "authors-code": {
        "left_eye": ("negative", "surprise"),
        "right_eye": ("negative", "surprise"),
        "nose": ("negative",),
        "left_cheek": ("positive",),
        "right_cheek": ("positive",),
        "mouth": ("negative", "positive", "surprise"),
    },
    # Action units 6 (positive) and 1, 2, 4, 5, 7 show in the eyes, 9 (negative) in the nose, 6 and 12 (positive) in the
    # cheeks; 12, those of surprise (25, 26) and others of negative (such as 10, 14, 15, 17) in the mouth.
    "facs": {
        "left_eye": ("negative", "positive", "surprise"),
        "right_eye": ("negative", "positive", "surprise"),
        "nose": ("negative",),
        "left_cheek": ("positive",),
        "right_cheek": ("positive",),
        "mouth": ("negative", "positive", "surprise"),
    },
}
"""The classes in which each region takes part; in the others its frames are "not me" (section 3.2).

Figure 3, which shows this, is not in the text. The first table is that of the function `relabel` of the authors'
CNN_SE.py, the second follows the Facial Action Coding System. Other classes take part as `takes_part` says.
"""

SHOWN_IN: Mapping[str, tuple[int, ...]] = {
    "left_eye": (1, 2, 4, 5, 6, 7),
    "right_eye": (1, 2, 4, 5, 6, 7),
    "nose": (9,),
    "left_cheek": (6, 12),
    "right_cheek": (6, 12),
    "mouth": (10, 12, 14, 15, 16, 17, 20, 23, 25, 26),
}
"""The action units that show in each region, as in the second table."""

PROTOTYPES: Mapping[str, tuple[int, ...]] = {
    "happiness": (6, 12),
    "disgust": (9, 15, 16),
    "anger": (4, 5, 7, 23),
    "contempt": (12, 14),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "sadness": (1, 4, 15),
    "repression": (15, 17),
}
"""The action units of emotions: EMFACS (Friesen and Ekman 1983); repression as CASME II labels it (Yan et al. 2014)."""


def takes_part(region: str, name: str, by_class: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a region takes part in a class: as in the table `by_class`, else if it shows the emotion's action units.

    Every region takes part in a class that is neither in the table nor has action units, such as `others`.
    """
    if any(name in classes for classes in by_class.values()):
        return name in by_class[region]
    return name not in PROTOTYPES or bool({*PROTOTYPES[name]} & {*SHOWN_IN[region]})


AROUND: dict[str, tuple[int, ...]] = {
    "left_eye": (*range(17, 22), *range(36, 42)),
    "right_eye": (*range(22, 27), *range(42, 48)),
    "nose": tuple(range(27, 36)),
    "left_cheek": (2, 4, 31, 41),
    "right_cheek": (12, 14, 35, 46),
    "mouth": tuple(range(48, 68)),
}
"""The landmarks that each region encloses in the variant `landmark-boxes`."""

MARGIN = 0.15
"""The margin of those boxes on every side, as a fraction of the distance between the outer eye corners (36, 45)."""


def region_sizes(scale: float) -> dict[str, tuple[int, int]]:
    """(height, width) in pixels per region at a scale of the printed sizes."""
    return {name: (round((y2 - y1) * scale), round((x2 - x1) * scale)) for name, (x1, x2, y1, y2) in REGIONS.items()}


def face_box(points: NDArray[np.float32], height: int, width: int) -> Box:
    """x1, x2, y1, y2 of the face, clipped to the image.

    Columns from brow end to brow end (landmarks 17, 26), rows from the brows (the higher of 18, 25) to the chin (8).
    """
    x1, x2 = round(float(points[17, 0])), round(float(points[26, 0]))
    y1, y2 = round(float(min(points[18, 1], points[25, 1]))), round(float(points[8, 1]))
    return max(x1, 0), min(x2, width), max(y1, 0), min(y2, height)


def landmark_boxes(points: NDArray[np.float32], height: int, width: int) -> dict[str, Box]:
    """x1, x2, y1, y2 of each region around its landmarks with a margin, clipped to the image."""
    margin = MARGIN * float(np.linalg.norm(points[45] - points[36]))
    boxes = {}
    for name, indices in AROUND.items():
        low, high = points[list(indices)].min(axis=0) - margin, points[list(indices)].max(axis=0) + margin
        (x1, y1), (x2, y2) = np.clip(np.rint([low, high]), 0, [width, height]).astype(int).tolist()
        boxes[name] = (x1, x2, y1, y2)
    return boxes


def to_canvas(face: NDArray[np.uint8], size: tuple[int, int] = CANVAS) -> NDArray[np.uint8]:
    """An RGB image (h, w, 3) centred on a transparent black RGBA canvas (*size, 4), by default 280x240 for a face.

    Larger images are shrunk to fit, keeping their aspect ratio; smaller ones are not enlarged.
    """
    height, width = face.shape[:2]
    scale = min(1.0, size[0] / height, size[1] / width)
    if scale < 1:
        width, height = max(1, int(width * scale)), max(1, int(height * scale))
        face = np.asarray(cv2.resize(face, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    canvas = np.zeros((*size, 4), np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    canvas[top : top + height, left : left + width] = cv2.cvtColor(face, cv2.COLOR_RGB2RGBA)
    return canvas


def cut_regions(canvas: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """The six regions of a canvas, each uint8 (height, width, 4)."""
    return {name: canvas[y1:y2, x1:x2] for name, (x1, x2, y1, y2) in REGIONS.items()}


def cut_boxes(picture: NDArray[np.uint8], boxes: Mapping[str, Box]) -> dict[str, NDArray[np.uint8]]:
    """The six regions of an RGB image, cut by their boxes, on canvases of the printed sizes."""
    sizes = region_sizes(1.0)
    return {name: to_canvas(picture[y1:y2, x1:x2], sizes[name]) for name, (x1, x2, y1, y2) in boxes.items()}


def resize(regions: dict[str, NDArray[np.uint8]], scale: float) -> dict[str, NDArray[np.uint8]]:
    """Regions at a scale of the printed sizes."""
    if scale == 1.0:
        return regions
    sizes = region_sizes(scale)
    return {
        name: np.asarray(cv2.resize(region, sizes[name][::-1], interpolation=cv2.INTER_AREA), np.uint8)
        for name, region in regions.items()
    }


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """A clip's regions, each uint8 (frames, height, width, 4).

    Raises ClipError if files cannot be used, if no face is found in the first frame, or if the face lies outside the
    image.
    """
    first = read_frame(clip, 0)
    points = faces.find(first, where(clip, 0)).points
    boxes = landmark_boxes(points, *first.shape[:2]) if inputs.landmark_boxes else {}
    around = list(boxes.values()) or [face_box(points, *first.shape[:2])]
    if any(right <= left or bottom <= top for left, right, top, bottom in around):
        raise ClipError(f"{where(clip, 0)}: the face that dlib finds lies outside the image")
    (left, top), (right, bottom) = np.min(around, axis=0)[[0, 2]].tolist(), np.max(around, axis=0)[[1, 3]].tolist()
    boxes = {name: (x1 - left, x2 - left, y1 - top, y2 - top) for name, (x1, x2, y1, y2) in boxes.items()}
    frames, sizes = len(clip.numbers[:: inputs.frame_step]), region_sizes(inputs.region_scale)
    regions = {name: np.empty((frames, *size, 4), np.uint8) for name, size in sizes.items()}
    part = slice(top, bottom), slice(left, right)
    for index, picture in enumerate(each_frame(clip, inputs.frame_step, part)):
        cut = cut_boxes(picture, boxes) if boxes else cut_regions(to_canvas(picture))
        for name, region in resize(cut, inputs.region_scale).items():
            regions[name][index] = region
    return regions


def shapes(settings: Settings) -> Shapes:
    """The six regions, in RGB and alpha."""
    return {name: (*size, 4) for name, size in region_sizes(settings.inputs.region_scale).items()}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per frame: x is the six regions, y the clip's class, view the frame's place in its clip.

    Removes the regions from `arrays` one by one, so that a corpus is not held in memory twice.
    """
    lengths = [len(regions["nose"]) for regions in arrays]
    x = {}
    for name in REGIONS:
        x[name] = np.concatenate([regions.pop(name) for regions in arrays])
        return_freed_memory()
    return Samples(
        x=x,
        y=np.repeat([label for _, label in clips], lengths).astype(np.int64),
        subject=np.repeat([clip.subject_id for clip, _ in clips], lengths),
        clip=np.repeat([clip.id for clip, _ in clips], lengths),
        view=np.concatenate([np.arange(length) for length in lengths]),
    )
