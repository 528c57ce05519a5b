"""Images on a prediction's page: frames with the faces found, the network's inputs, and the parts that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import InputView
from common.predict.person import PersonFinder
from common.types import Clip
from common.vision import images
from common.vision.faces import Face

Picture = NDArray[np.uint8]

HEIGHT = 200
"""Height of a strip, in pixels."""
SMALLEST = 400
"""Height in pixels to which smaller frames are enlarged, so that lines drawn in them stay fine."""
GAP = 4
MARGIN = 0.7
"""Margin around faces, as a fraction of the width of the largest."""
MARK = (213, 94, 0)
FOUND, OTHER = (0, 158, 115), (120, 120, 120)
FAINTEST = 1e-4
"""Smaller drops of a probability are ignored: rounding differs between batches."""


@dataclass(frozen=True)
class Strip:
    """Some images of one input and, last, where covering it lowers the predicted class's probability most."""

    name: str
    picture: Picture
    captions: tuple[str, ...]
    largest: float


def frames(clip: Clip, places: Sequence[int], person: PersonFinder) -> list[tuple[Picture, bool]]:
    """Frames of a clip cropped to all faces, with box and landmarks of the person; False if dlib does not find it."""
    order = sorted(set(places))
    shown = dict(zip(order, images.each_frame(clip.at(order)), strict=True))
    seen = {place: person.every(frame) for place, frame in shown.items()}
    own = {place: person.own(faces) for place, faces in seen.items()}
    part = _around([face for in_frame in seen.values() for face in in_frame], shown[order[0]].shape)
    return [(_marked(shown[place][part], seen[place], own[place], part), own[place] is not None) for place in places]


def _around(faces: Sequence[Face], shape: tuple[int, ...]) -> tuple[slice, slice]:
    if not faces:
        return slice(0, shape[0]), slice(0, shape[1])
    boxes = np.array([face.box for face in faces])
    margin = MARGIN * float((boxes[:, 2] - boxes[:, 0]).max())
    left, top = (boxes[:, :2].min(axis=0) - margin).astype(int).tolist()
    right, bottom = (boxes[:, 2:].max(axis=0) + margin).astype(int).tolist()
    return slice(max(top, 0), min(bottom, shape[0])), slice(max(left, 0), min(right, shape[1]))


def _marked(picture: Picture, faces: Sequence[Face], own: Face | None, part: tuple[slice, slice]) -> Picture:
    """Part of a frame, enlarged if it is small, with its faces, `own` with landmarks."""
    scale = max(SMALLEST / picture.shape[0], 1.0)
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    drawn = np.array(cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_CUBIC), np.uint8)
    corner = np.array([part[1].start, part[0].start])
    thin = max(size[1] // 200, 1)
    for face in faces:
        start, end = np.rint((np.array(face.box).reshape(2, 2) - corner) * scale).astype(int).tolist()
        cv2.rectangle(drawn, start, end, FOUND if face is own else OTHER, thin)
        for x, y in np.rint((face.points - corner) * scale).astype(int).tolist() if face is own else ():
            cv2.circle(drawn, (x, y), thin, (255, 255, 255), -1, cv2.LINE_AA)
    return drawn


def strips(views: Mapping[str, InputView], falls: Mapping[str, NDArray[np.float32]], most: int) -> list[Strip]:
    """A strip for each input: at most `most` evenly spaced images, then the middle one with its drops in probability.

    All inputs share one scale: full colour is the largest drop in any of them.
    """
    largest = max(float(values.max()) for values in falls.values())
    result = []
    for name, view in views.items():
        count = len(view.pictures)
        places = images.evenly(count, most)
        middle = view.pictures[count // 2]
        cells = [_scaled(view.pictures[place]) for place in places]
        cells.append(_tinted(_scaled(middle), falls[name], largest))
        captions = (*(view.captions[place] for place in places), "what the prediction depends on")
        result.append(Strip(name, images.in_a_row(cells, GAP), captions, float(falls[name].max())))
    return result


def _scaled(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    size = max(round(width * HEIGHT / height), 1), HEIGHT
    how = cv2.INTER_AREA if height > HEIGHT else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=how), np.uint8)


def _tinted(picture: Picture, fall: NDArray[np.float32], largest: float) -> Picture:
    """The image in grey, coloured more strongly where covering it lowers the probability more."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if largest < FAINTEST:
        return np.asarray(grey, np.uint8)
    share = cv2.resize(np.clip(fall / largest, 0, 1), picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    strength = 0.8 * np.clip(share, 0, 1)[..., None]
    return np.rint(grey * (1 - strength) + np.array(MARK) * strength).astype(np.uint8)
