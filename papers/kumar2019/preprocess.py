"""From a clip to its Emotion Avatar Images: sections 3.1 to 3.4, one image per magnification.

The face is cut out of all frames by the landmarks of the first frame. The frames are magnified; those of low texture
(`texture`) are left out, and the others are registered and averaged (`avatar`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.errors import ClipError
from common.training.weights import IMAGENET, NONE, SAFETENSORS
from common.types import Arrays, Clip, ClipFrames, Samples
from common.vision.alignment import rectangle
from common.vision.faces import Face, FaceFinder
from common.vision.images import each_frame, read_frame, squared, where
from common.vision.magnification import Magnification, magnify
from papers.kumar2019.avatar import avatar
from papers.kumar2019.experiments import FILE, Inputs, Network
from papers.kumar2019.texture import Texture, select

MARGIN = 0.25
"""The margin around the landmarks on every side, as a fraction of their extent."""


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """A clip's images: "avatars" RGB uint8 (4, size, size, 3) in the order of `alphas`, and counts of their frames.

    "frames" (1,) is the number of the clip's frames, "kept" (4,) the number of frames averaged in each image; "lost"
    (4,) is 1 if the annotated apex is not among them. Raises ClipError if files cannot be used, if the clip's first
    frame shows no face, or if the frame rate is too low for the frequency band.
    """
    frames, face = face_frames(clip, inputs, faces)
    plain = chosen(frames, inputs)
    images, kept, lost = [], [], []
    apex = clip.numbers.index(clip.apex) if clip.apex in clip.numbers else None
    for alpha in inputs.alphas:
        moved = magnified(clip, frames, alpha, inputs)
        stay = chosen(moved, inputs) if alpha and inputs.magnified_texture else plain
        images.append(squared(avatar_of(moved, stay, face, faces), inputs.size))
        kept.append(len(stay))
        lost.append(int(apex is not None and apex not in stay))
    counts = {"frames": np.array([len(frames)]), "kept": np.array(kept), "lost": np.array(lost)}
    return {"avatars": np.stack(images)} | counts


def face_frames(clip: Clip | ClipFrames, inputs: Inputs, faces: FaceFinder) -> tuple[NDArray[np.uint8], Face]:
    """The face in all frames, RGB uint8 (n, face_size, face_size, 3), and where it was found in the first frame.

    All frames are cut by one rectangle: the extent of the first frame's landmarks with a margin, within the image.
    This keeps nearly all of a released crop. The rectangle does not follow the face: registration is a later step.
    """
    first = read_frame(clip, 0)
    face = faces.find(first, where(clip, 0))
    box = rectangle(face.points, first.shape, MARGIN)
    if 0 in first[box].shape:
        raise ClipError(f"{where(clip, 0)}: the face that dlib finds lies outside the image")
    crops = [squared(picture, inputs.face_size) for picture in each_frame(clip, part=box)]
    return np.stack(crops), _moved(face, box, inputs.face_size)


def magnified(clip: Clip | ClipFrames, frames: NDArray[np.uint8], alpha: int, inputs: Inputs) -> NDArray[np.uint8]:
    """The frames (n, h, w, 3), with motion magnified at the clip's frame rate (section 3.1); unchanged if alpha is 0.

    Raises ClipError if the frame rate is too low for the frequency band.
    """
    if not alpha:
        return frames
    how = Magnification(alpha, inputs.wavelength, inputs.low_hz, inputs.high_hz, inputs.motion_filter)
    try:
        return magnify(frames, clip.fps, how)
    except ValueError as error:
        raise ClipError(str(error)) from None


def textured(frames: NDArray[np.uint8], inputs: Inputs) -> Texture:
    """How much movement each frame of a clip has, and which frames stay (section 3.2)."""
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
    return select(
        np.asarray(grey, np.uint8), inputs.window, inputs.cutoff, inputs.window_ends, mean=inputs.mean_texture
    )


def chosen(frames: NDArray[np.uint8], inputs: Inputs) -> NDArray[np.int64]:
    """The indices, ascending, of the frames (n, h, w, 3) that stay."""
    return textured(frames, inputs).kept if inputs.removal else np.arange(len(frames))


def avatar_of(frames: NDArray[np.uint8], kept: NDArray[np.int64], face: Face, faces: FaceFinder) -> NDArray[np.uint8]:
    """The Emotion Avatar Image of the kept frames, registered to the clip's first frame (sections 3.3 and 3.4)."""
    shown = frames[kept]
    points = [faces.follow(shown[0], face)]
    for before, frame in pairwise(shown):  # landmarks are fitted once while the face is still
        points.append(points[-1] if np.array_equal(frame, before) else faces.follow(frame, face))
    try:
        return avatar(shown, np.stack(points), faces.follow(frames[0], face))
    except ValueError as error:
        raise ClipError(str(error)) from None


def shapes(settings: Settings) -> Shapes:
    """One image."""
    return {"avatar": (settings.inputs.size, settings.inputs.size, 3)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with four rows per clip: x is the image, y the clip's class, view the magnification.

    Notes say which weights the network starts from, if they were chosen, and count the frames that stay and the clips
    that keep all frames.
    """
    alphas, tested = settings.inputs.alphas, settings.training.tested_alpha
    copies = len(alphas)
    corpora = dict.fromkeys(clip.corpus for clip, _ in clips)
    return Samples(
        x={"avatar": np.concatenate([clip_arrays["avatars"] for clip_arrays in arrays])},
        y=np.repeat([label for _, label in clips], copies).astype(np.int64),
        subject=np.repeat([clip.subject_id for clip, _ in clips], copies),
        clip=np.repeat([clip.id for clip, _ in clips], copies),
        view=np.tile(np.array(alphas, np.int64), len(clips)),
        notes=(
            *_start(settings.network),
            *(_note(name, clips, arrays, alphas.index(tested), tested) for name in corpora),
        ),
    )


def _start(network: Network) -> tuple[str, ...]:
    weights = network.weights
    if weights.choice == NONE:
        return ()
    if weights.choice == IMAGENET:
        lacking = "keras.applications has no ImageNet weights for it; name a file"
        return (f"ResNet34 starts from random weights: {lacking}",)
    path, digest = weights.file(FILE, SAFETENSORS)
    return (f"ResNet34 starts from {path.name}, SHA-256 {digest}, its last layer from random weights",)


def _note(corpus: str, clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], place: int, alpha: int) -> str:
    corpus_arrays = [clip_arrays for (clip, _), clip_arrays in zip(clips, arrays, strict=True) if clip.corpus == corpus]
    frames = np.array([clip_arrays["frames"][0] for clip_arrays in corpus_arrays])
    kept = np.array([clip_arrays["kept"][place] for clip_arrays in corpus_arrays])
    lost = sum(int(clip_arrays["lost"][place]) for clip_arrays in corpus_arrays)
    return (
        f"{corpus}, magnified {alpha} times: {int(kept.sum())} of {int(frames.sum())} frames stay; "
        f"{int((kept == frames).sum())} of {len(corpus_arrays)} keep every frame; {lost} lose the annotated apex"
    )


def _moved(face: Face, box: tuple[slice, slice], size: int) -> Face:
    """A face in the coordinates of the crop cut by `box` and resized to size x size."""
    shift = np.array([box[1].start, box[0].start])
    scale = size / np.array([box[1].stop - box[1].start, box[0].stop - box[0].start])
    left, top, right, bottom = np.rint((np.array(face.box).reshape(2, 2) - shift) * scale).astype(int).ravel().tolist()
    points = ((face.points - shift + 0.5) * scale - 0.5).astype(np.float32)
    return Face(points, face.how, (left, top, right, bottom))
