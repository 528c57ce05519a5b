"""What a user must know about a clip before using its prediction: refusals, and remarks on the prediction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.errors import ClipError
from common.predict import suitability
from common.predict.suitability import Sight
from common.predict.user_clips import Source
from common.vision import images
from common.vision.faces import VIEWS, FaceFinder

LONGEST, SHORTEST = 0.5, 1 / 25
"""Maximum and minimum duration of a micro-expression in seconds, according to the papers."""
SMALLEST = 50.0
"""Pixels between the eyes below which a face counts as small."""
TILTED = 20.0
"""Degrees above which a head counts as tilted."""
TURNED, SOMEWHAT = 0.25, 0.1
"""Landmark asymmetry above which a head counts as turned: by itself, and if the detector also reports a turned face."""
COVERED = 0.025
"""Spread of a region's landmarks above which it counts as covered; see `_covered`."""
MOVED = 0.25
"""How far a face may move, in units of the distance between its eyes."""
UNSURE, CLEARLY = 1.0, 0.0
"""Detector score below which rotated faces are searched for, and by how much their score must exceed that of upright
ones, if there are any."""
LIKE = 0.6
"""Fraction of the largest face's area above which a second face is of similar size."""
SLOW = 0.6
"""Fraction of the lowest frame rate in training below which the frame rate of a clip counts as low."""

_FFMPEG = {90: "transpose=1", 180: "hflip,vflip", 270: "transpose=2"}


def refuse(source: Source, sights: Sequence[Sight], faces: FaceFinder) -> None:
    """Raise ClipError if no usable face is found: none in any frame, none upright, or none in the first frame."""
    where, scores = source.path, [sight.faces[0].score for sight in sights if sight.faces]
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
    if not sights[0].faces:
        seen = [sight for sight in sights if sight.faces]
        raise ClipError(
            f"{where}: dlib finds no face in the first frame, which all other steps need, but finds one in "
            f"{_frames(seen, sights)}; cut the clip so that it starts with a visible face"
        )


def _turn(source: Source, sights: Sequence[Sight], faces: FaceFinder, above: float) -> int | None:
    places = sorted({sights[0].place, sights[len(sights) // 2].place, sights[-1].place})
    return suitability.upright_after([*images.each_frame(source.clip.at(places))], faces, above)


def remarks(source: Source, sights: Sequence[Sight], min_rate: float) -> list[str]:
    """Remarks on an accepted clip; the network was trained at `min_rate` frames per second or more."""
    seen = [sight for sight in sights if sight.faces]
    faces = [sight.faces[0] for sight in seen]
    lines = [*source.remarks, *_several(seen, sights)]
    if hidden := [sight for sight in sights if not sight.faces]:
        lines.append(
            f"No face is found in {_frames(hidden, sights)} of {len(sights)} examined: it may be hidden, turned "
            "away or blurred."
        )
    lines += _pose(seen, sights)
    lines += _covered([sight for sight in seen if not _is_turned(sight) and not _is_tilted(sight)], sights)
    if cut := [sight for sight in seen if suitability.outside(sight.faces[0].points, source.size)]:
        lines.append(f"Part of the face is outside the image in {_frames(cut, sights)}.")
    distance = float(np.median([suitability.eye_distance(face.points) for face in faces]))
    if distance < SMALLEST:
        lines.append(f"The face is small: {distance:.0f} pixels between the eyes, fewer than {SMALLEST:.0f}.")
    way = suitability.travel([face.points for face in faces])
    if way > MOVED:
        lines.append(
            f"The head moves a lot, by {way:.2f} times the distance between the eyes: the network may respond to this "
            "movement, or to a change of person."
        )
    return lines + _time(source, min_rate)


def _several(seen: Sequence[Sight], sights: Sequence[Sight]) -> list[str]:
    several = [sight for sight in seen if len(sight.faces) > 1]
    if not several:
        return []
    most = max(len(sight.faces) for sight in several)
    line = f"{'Up to ' if most > 2 else ''}{most} faces in {_frames(several, sights)}; the largest is used."
    if any(sight.faces[1].area >= LIKE * sight.faces[0].area for sight in several):
        line += " The two largest are of similar size: the prediction may be for the wrong person."
    return [line]


def _pose(seen: Sequence[Sight], sights: Sequence[Sight]) -> list[str]:
    lines = []
    if tilted := [sight for sight in seen if _is_tilted(sight)]:
        degrees = max(abs(suitability.tilt(sight.faces[0].points)) for sight in tilted)
        lines.append(f"The head is tilted by up to {degrees:.0f} degrees in {_frames(tilted, sights)}.")
    if turned := [sight for sight in seen if _is_turned(sight)]:
        lines.append(f"The head is turned to the side in {_frames(turned, sights)}.")
    return lines


def _is_large(sight: Sight) -> bool:
    return suitability.eye_distance(sight.faces[0].points) >= SMALLEST


def _is_tilted(sight: Sight) -> bool:
    return abs(suitability.tilt(sight.faces[0].points)) > TILTED


def _is_turned(sight: Sight) -> bool:
    face = sight.faces[0]
    return abs(suitability.asymmetry(face.points)) > (SOMEWHAT if face.view == VIEWS[1] else TURNED)


def _covered(seen: Sequence[Sight], sights: Sequence[Sight]) -> list[str]:
    """A remark on regions that seem covered, judging by the spread of their landmarks.

    On 6 stand-in faces with eyes 68 to 128 pixels apart, the spread was at most 0.009 in any of these regions, as on a
    photograph with eyes 87 pixels apart. With one eye, both eyes, the mouth, the lower or the left half covered, plain
    or patterned, all 138 faces that dlib still found had 0.028 or more in a covered region; 6 were no longer found.
    Small faces get no remark: with eyes 30 pixels apart, landmarks tremble by themselves. On 176 frames of 20 films of
    ordinary people, including those where the detector was unsure, 21 of 164 open and 6 of 12 covered faces got one.
    """
    by_region = {
        region: [sight for sight in seen if sight.spread[region] > COVERED and _is_large(sight)]
        for region in suitability.REGIONS
    }
    regions = [region for region, covered in by_region.items() if covered]
    if not regions:
        return []
    frames = [sight for sight in seen if any(sight in covered for covered in by_region.values())]
    parts = regions[0] if len(regions) == 1 else f"{', '.join(regions[:-1])} and {regions[-1]}"
    return [f"Something seems to cover {parts} in {_frames(frames, sights)}, or the landmarks there are unreliable."]


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


def _frames(sights: Sequence[Sight], everything: Sequence[Sight]) -> str:
    """Frames by their number, counted from 1."""
    if len(sights) == len(everything):
        return f"all {len(sights)} frames examined"
    numbers = [str(sight.place + 1) for sight in sights]
    return f"frame {numbers[0]}" if len(numbers) == 1 else f"frames {', '.join(numbers[:-1])} and {numbers[-1]}"
