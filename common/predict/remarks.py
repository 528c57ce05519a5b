"""What a user must know about a clip before using its prediction: refusals, and remarks on the prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from common.errors import ClipError
from common.predict import stillness, suitability
from common.predict.suitability import Sight
from common.predict.user_clips import Source
from common.vision import images
from common.vision.faces import VIEWS, Face, FaceFinder

LONGEST, SHORTEST = 0.5, 1 / 25
"""Maximum and minimum duration of a micro-expression in seconds, according to the papers."""
SMALLEST = 50.0
"""Pixels between the eyes below which a face counts as small."""
TILTED = 20.0
"""Degrees above which a head counts as tilted."""
TURNED, SOMEWHAT = 0.25, 0.1
"""Landmark asymmetry above which a head counts as turned: by itself, and if the detector also reports a turned face."""
MOVED = 0.25
"""How far a face may move, in units of the distance between its eyes."""
UNSURE, CLEARLY = 1.0, 0.0
"""Detector score below which rotated faces are searched for, and by how much their score must exceed that of upright
ones, if there are any."""
LIKE = 0.6
"""Fraction of the person's face area above which another face is of similar size."""
SLOW = 0.6
"""Fraction of the lowest frame rate in training below which the frame rate of a clip counts as low."""

_FFMPEG = {90: "transpose=1", 180: "hflip,vflip", 270: "transpose=2"}


def refuse(source: Source, sights: Sequence[Sight], faces: FaceFinder) -> None:
    """Raise ClipError if no usable face is found: none in any frame, none upright, or none in the first frame."""
    where, scores = source.path, [sight.face.score for sight in sights if sight.face]
    unsure = not scores or np.mean(scores) < UNSURE
    if unsure and (degrees := _turn(source, sights, faces, above=float(np.mean(scores or 0)) + CLEARLY)):
        how = f", for example with ffmpeg -i IN -vf {_FFMPEG[degrees]} OUT" if source.is_video else ""
        raise ClipError(
            f"{where}: its faces are not upright: dlib finds them when the images are rotated by {degrees} degrees "
            f"clockwise; rotate them{how}"
        )
    if not scores:
        raise ClipError(
            f"{where}: dlib finds no face in any of the {len(sights)} frames examined; use a clip that shows a face"
        )
    if not sights[0].face:
        seen = [sight for sight in sights if sight.face]
        raise ClipError(
            f"{where}: dlib finds no face in the first frame, which all other steps need, but finds one in "
            f"{_frames([sight.place for sight in seen], sights)}; cut the clip so that it starts with a visible face"
        )


def _turn(source: Source, sights: Sequence[Sight], faces: FaceFinder, above: float) -> int | None:
    places = sorted({sights[0].place, sights[len(sights) // 2].place, sights[-1].place})
    return suitability.upright_after([*images.each_frame(source.clip.at(places))], faces, above)


def remarks(source: Source, sights: Sequence[Sight], min_rate: float) -> list[str]:
    """Remarks on an accepted clip; the network was trained at `min_rate` frames per second or more."""
    seen = {sight.place: sight.face for sight in sights if sight.face}
    distance = float(np.median([suitability.eye_distance(face.points) for face in seen.values()]))
    lines = [*_still(sights, distance), *source.remarks, *_others(sights)]
    if hidden := [sight.place for sight in sights if not sight.face]:
        whose = "No face is" if not any(sight.others for sight in sights) else "The face of this person is not"
        lines.append(
            f"{whose} found in {_frames(hidden, sights)} of {len(sights)} examined: it may be hidden, turned away or "
            "blurred."
        )
    lines += _pose(seen, sights)
    if cut := [place for place, face in seen.items() if suitability.outside(face.points, source.size)]:
        lines.append(f"Part of the face is outside the image in {_frames(cut, sights)}.")
    if distance < SMALLEST:
        lines.append(f"The face is small: {distance:.0f} pixels between the eyes, fewer than {SMALLEST:.0f}.")
    way = suitability.travel([face.points for face in seen.values()])
    if way > MOVED:
        lines.append(
            f"The head moves a lot, by {way:.2f} times the distance between the eyes: the network may respond to this "
            "movement."
        )
    return lines + _time(source, min_rate)


def _still(sights: Sequence[Sight], distance: float) -> list[str]:
    """A remark if nothing moves in the face in any of the frames; docs/pages/predict.md has the measured rates."""
    most, limit = max(sight.change for sight in sights), stillness.limit(distance)
    if most >= limit:
        return []
    return [
        "Nothing seems to move in this face: apart from the movement of the head, the examined frames differ from the "
        f"first by at most {most:.1f} grey levels (the limit is {limit:.1f}), as in a photograph shown again and "
        "again. The network predicts a class for any images: do not use this prediction."
    ]


def _others(sights: Sequence[Sight]) -> list[str]:
    """A remark on other people in the images: how many, where and in which frames, and which person is used."""
    numbers = sorted({number for sight in sights for number in sight.others})
    if not numbers:
        return []
    found = []
    for number in numbers:
        there = [sight for sight in sights if number in sight.others]
        found.append(f"{_side(number, there)} in {_frames([sight.place for sight in there], sights)}")
    count = "1 other face" if len(numbers) == 1 else f"{len(numbers)} other faces"
    line = (
        f"{count} in view, {', '.join(found)}: not used. The person with the largest face in the first frame is used "
        "throughout."
    )
    if any(face.area >= LIKE * sight.face.area for sight in sights for face in sight.others.values() if sight.face):
        line += " The faces are of similar size: check in the images that this is the right person."
    return [line]


def _side(number: int, there: Sequence[Sight]) -> str:
    """Where a face is relative to the person, in the image."""
    pairs = [(sight.others[number].box, sight.face.box) for sight in there if sight.face]
    if not pairs:
        return "alone"
    boxes = np.array(pairs, np.float64)
    across, down = (boxes[:, 0, :2] + boxes[:, 0, 2:] - boxes[:, 1, :2] - boxes[:, 1, 2:]).mean(axis=0)
    if abs(across) >= abs(down):
        return "to the left" if across < 0 else "to the right"
    return "above" if down < 0 else "below"


def _pose(seen: Mapping[int, Face], sights: Sequence[Sight]) -> list[str]:
    lines = []
    if tilted := [place for place, face in seen.items() if abs(suitability.tilt(face.points)) > TILTED]:
        degrees = max(abs(suitability.tilt(seen[place].points)) for place in tilted)
        lines.append(f"The head is tilted by up to {degrees:.0f} degrees in {_frames(tilted, sights)}.")
    if turned := [place for place, face in seen.items() if _is_turned(face)]:
        lines.append(f"The head is turned to the side in {_frames(turned, sights)}.")
    return lines


def _is_turned(face: Face) -> bool:
    return abs(suitability.asymmetry(face.points)) > (SOMEWHAT if face.view == VIEWS[1] else TURNED)


def _time(source: Source, min_rate: float) -> list[str]:
    clip, lines = source.clip, []
    seconds = len(clip.frames) / clip.fps
    if seconds > LONGEST:
        lines.append(
            f"The clip lasts {seconds:.2f} s, but a micro-expression lasts at most half a second. The whole clip is "
            "treated as one expression, from onset to offset: cut out the expression."
        )
    elif seconds < SHORTEST:
        lines.append(f"The clip lasts {seconds:.3f} s, but a micro-expression lasts at least a 25th of a second.")
    if clip.fps < SLOW * min_rate:
        lines.append(
            f"The frame rate is low, {clip.fps:g} frames per second: the network was trained at {min_rate:g} or "
            "more, where a micro-expression has many more frames."
        )
    return lines


def _frames(places: Sequence[int], everything: Sequence[Sight]) -> str:
    """Frames by their number, counted from 1."""
    if len(places) == len(everything):
        return f"all {len(places)} frames examined"
    numbers = [str(place + 1) for place in places]
    return f"frame {numbers[0]}" if len(numbers) == 1 else f"frames {', '.join(numbers[:-1])} and {numbers[-1]}"
