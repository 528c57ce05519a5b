"""Frames of clips, from images and from videos, by their number."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from common.errors import ClipError
from common.types import Clip
from common.vision import images, videos

ROOT = Path(__file__).parents[1]
BLOCK, ROWS, COLUMNS = 16, 3, 4  # a frame shows its number in binary, a grey block per digit
KINDS = [
    ("a.avi", "MJPG"),
    ("b.avi", "XVID"),
    ("c.mp4", "mp4v"),
    ("d.mov", "mp4v"),
    ("e.mkv", "XVID"),
    ("f.wmv", "WMV2"),
]
N = 60


def coded(number: int) -> NDArray[np.uint8]:
    """A BGR picture that shows a number."""
    digits = np.array([number >> place & 1 for place in range(ROWS * COLUMNS)]).reshape(ROWS, COLUMNS)
    grey = np.kron(np.where(digits, 190, 50), np.ones((BLOCK, BLOCK))).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def decoded(picture: NDArray[np.uint8]) -> int:
    means = picture.reshape(ROWS, BLOCK, COLUMNS, BLOCK, 3).mean(axis=(1, 3, 4)).ravel()
    return sum(int(mean > 120) << place for place, mean in enumerate(means))


def film(path: Path, codec: str, pictures: Iterable[NDArray[np.uint8]]) -> Path:
    writer = None
    for picture in pictures:
        if writer is None:
            size = picture.shape[1::-1]
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 30, size)
            assert writer.isOpened()
        writer.write(picture)
    assert writer is not None
    writer.release()
    return path


def clip_of(files: Iterable[Path], numbers: Iterable[int]) -> Clip:
    paths, held = tuple(files), tuple(numbers)
    return Clip("casme_sq", "s15", "anger1_1", paths, held, held[0], None, held[-1], 30.0, "anger")


def clip_in(video: Path, numbers: Iterable[int]) -> Clip:
    held = tuple(numbers)
    return clip_of([video] * len(held), held)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A video of N numbered frames per container and codec."""
    folder = tmp_path_factory.mktemp("films")
    return {name: film(folder / name, codec, map(coded, range(1, N + 1))) for name, codec in KINDS}


# ---------------------------------------------------------------- videos


@pytest.mark.parametrize("name", [name for name, _ in KINDS])
def test_every_frame_comes_back_by_its_number(films: dict[str, Path], name: str) -> None:
    path = films[name]
    assert [decoded(picture) for picture in videos.frames(path, range(1, N + 1))] == list(range(1, N + 1))
    for number in (1, 2, 13, 37, N - 1, N):
        assert decoded(next(videos.frames(path, [number]))) == number
    assert videos.count(path) == videos.stated_count(path) == N


@pytest.mark.parametrize("name", ["a.avi", "b.avi", "c.mp4"])
@pytest.mark.parametrize("step", [1, 2, 7, 100])
def test_a_clip_in_a_video_is_read_at_any_step(films: dict[str, Path], name: str, step: int) -> None:
    clip = clip_in(films[name], range(11, N + 1))
    frames = images.read_frames(clip, step)
    assert frames.dtype == np.uint8
    assert frames.shape[1:] == (ROWS * BLOCK, COLUMNS * BLOCK, 3)
    assert [decoded(frame) for frame in frames] == list(range(11, N + 1, step))


def test_one_frame_by_its_place_in_the_clip(films: dict[str, Path]) -> None:
    for path in films.values():
        clip = clip_in(path, (5, 6, 9, 30, N))  # numbers may have gaps
        assert [decoded(images.read_frame(clip, index)) for index in (0, 2, 3, 4, -1)] == [5, 9, 30, N, N]
        assert [decoded(frame) for frame in images.each_frame(clip)] == [5, 6, 9, 30, N]


def test_a_video_is_opened_once_per_reading(films: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    whole = cv2.VideoCapture

    def counted(name: str, *rest: int) -> cv2.VideoCapture:
        opened.append(name)
        return whole(name, *rest)

    monkeypatch.setattr(cv2, "VideoCapture", counted)
    images.read_frames(clip_in(films["b.avi"], range(3, 40)), 3)
    assert len(opened) == 1


@pytest.mark.parametrize(("name", "codec"), [("a.avi", "MJPG"), ("b.avi", "XVID"), ("c.mp4", "mp4v")])
def test_colours_are_red_green_blue(tmp_path: Path, name: str, codec: str) -> None:
    orange = np.full((64, 64, 3), (20, 120, 230), np.uint8)  # BGR
    frames = images.read_frames(clip_in(film(tmp_path / name, codec, [orange] * 3), (1, 2, 3)))
    assert np.abs(frames.astype(int) - (230, 120, 20)).max() < 12


def test_wrong_videos_are_one_line_each(films: dict[str, Path], tmp_path: Path) -> None:
    whole = {name: films[name].read_bytes() for name in ("a.avi", "c.mp4")}
    (tmp_path / "empty.avi").touch()
    (tmp_path / "text.avi").write_text("frame,emotion\n" * 500)
    (tmp_path / "folder.avi").mkdir()
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "cut.mp4").write_bytes(whole["c.mp4"][: len(whole["c.mp4"]) // 2])
    (tmp_path / "cut.avi").write_bytes(whole["a.avi"][: 2 * len(whole["a.avi"]) // 3])
    (tmp_path / "img001.avi").write_text("named like one of a sequence of images")
    for name, complaint in (
        ("none.avi", "No such file"),
        ("empty.avi", "the file is empty (0 bytes); copy it again"),
        ("text.avi", "not a video that OpenCV can open; copy it again, or convert it to AVI (MJPG)"),
        ("folder.avi", "not a video that OpenCV can open"),
        ("noise.mp4", "not a video that OpenCV can open"),
        ("cut.mp4", "not a video that OpenCV can open"),
        ("img001.avi", "not a video that OpenCV can open"),
        ("cut.avi", f"frames, but frame {N} is needed"),
    ):
        for read in (images.read_frames, lambda clip: images.read_frame(clip, -1)):
            with pytest.raises(ClipError) as caught:
                read(clip_in(tmp_path / name, (3, N)))
            text = str(caught.value)
            assert text.startswith(str(tmp_path / name))
            assert complaint in text
            assert "\n" not in text
    for name in ("none.avi", "empty.avi", "text.avi"):
        with pytest.raises(ClipError):
            videos.count(tmp_path / name)
        with pytest.raises(ClipError):
            videos.stated_count(tmp_path / name)


def test_a_broken_video_prints_nothing_of_its_own(films: dict[str, Path], tmp_path: Path) -> None:
    """In a process of its own: FFmpeg asks how loud it may be when OpenCV first uses it, here for writing."""
    for name in ("b.avi", "c.mp4"):
        data = films[name].read_bytes()
        (tmp_path / f"cut_{name}").write_bytes(data[: 2 * len(data) // 3])
        hole = len(data) // 2
        (tmp_path / f"hole_{name}").write_bytes(data[:hole] + bytes(range(256)) + data[hole + 256 :])
    (tmp_path / "text.avi").write_text("no video" * 100)
    program = """
import sys
from pathlib import Path
from common.vision import videos
from common.errors import ClipError
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        print(videos.count(path))
    except ClipError:
        print("told")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert "told" in ran.stdout
    assert len(ran.stdout.split()) == 5
    assert ran.stderr == ""


@pytest.mark.parametrize("name", ["a.avi", "b.avi"])
def test_a_cut_video_yields_no_half_frame(films: dict[str, Path], tmp_path: Path, name: str) -> None:
    """Wherever the file ends: what is yielded is whole, and frames that are lost are missed."""
    data, cut = films[name].read_bytes(), tmp_path / name
    index = data.rindex(b"idx1")
    for size in np.linspace(0.5, 1, 25) * index:
        cut.write_bytes(data[: int(size)])
        try:
            held = videos.count(cut)
        except ClipError:  # too little of it is left
            continue
        assert held <= N
        assert [decoded(picture) for picture in videos.frames(cut, range(1, held + 1))] == list(range(1, held + 1))
        with pytest.raises(ClipError, match=f"has {held} frames, but frame {N + 1} is needed"):
            list(videos.frames(cut, [1, N + 1]))
        assert videos.stated_count(cut) == N


def test_too_few_frames_are_counted(films: dict[str, Path]) -> None:
    for path in films.values():
        with pytest.raises(ClipError, match=rf"{path.name}: has {N} frames, but frame 166 is needed"):
            images.read_frames(clip_in(path, range(50, 167)))
        with pytest.raises(ClipError, match="frame 0 is needed, but the frames of a video are counted from 1"):
            images.read_frames(clip_in(path, range(5)))


def test_numbers_must_ascend(films: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        next(videos.frames(films["a.avi"], [5, 4]))


def test_videos_are_known_by_their_suffix() -> None:
    assert all(
        videos.is_video(Path(f"x{suffix}")) for suffix in (".avi", ".AVI", ".mp4", ".mov", ".mkv", ".mpg", ".WMV")
    )
    assert not any(videos.is_video(Path(name)) for name in ("img001.jpg", "reg_img46.jpg", "x.bmp", "avi", "x.avi.jpg"))


# ---------------------------------------------------------------- images


def test_a_clip_of_images_is_read_as_it_lies(tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 20, 30, 3), np.uint8)
    files = [tmp_path / f"img{number}.png" for number in range(46, 51)]
    for file, picture in zip(files, pictures, strict=True):
        Image.fromarray(picture).save(file)
    clip = clip_of(files, range(46, 51))
    for step in (1, 2, 4, 9):
        np.testing.assert_array_equal(images.read_frames(clip, step), pictures[::step])
    np.testing.assert_array_equal(images.read_frame(clip, 3), pictures[3])
    np.testing.assert_array_equal(images.read_frame(clip, -1), pictures[-1])


def test_a_grey_image_is_repeated_over_the_channels(tmp_path: Path) -> None:
    grey = np.random.default_rng(1).integers(0, 256, (8, 9), np.uint8)
    Image.fromarray(grey).save(tmp_path / "a.bmp")
    np.testing.assert_array_equal(images.read(tmp_path / "a.bmp"), np.stack([grey] * 3, axis=2))


def test_wrong_images_are_named(tmp_path: Path) -> None:
    good, small, cut, text = (tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    noise = np.random.default_rng(2).integers(0, 256, (40, 50, 3), np.uint8)
    Image.fromarray(noise).save(good)
    Image.fromarray(noise[:30]).save(small)
    cut.write_bytes(good.read_bytes()[:-600])
    text.write_text("no picture")
    for wrong, complaint in (
        (small, f"{small}: 50x30 pixels, but a.jpg has 50x40; all frames of a clip must have the same size"),
        (cut, f"{cut}: image file is truncated"),
        (text, f"{text}: not a readable JPEG, PNG or BMP; copy the file again or convert it"),
        (tmp_path / "e.jpg", "No such file"),
    ):
        with pytest.raises(ClipError) as caught:
            images.read_frames(clip_of([good, wrong], (1, 2)))
        assert complaint in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["EPS", "GIF", "TIFF", "PDF", "WEBP", "PPM"])
def test_other_formats_are_no_frames(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file is named, Pillow goes by its content; for EPS it would start Ghostscript."""
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(tmp_path / "img46.x", kind)
    path = (tmp_path / "img46.x").rename(tmp_path / "img46.jpg")
    monkeypatch.setattr(subprocess, "check_call", lambda *_, **__: pytest.fail("a program is started"))
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program is started"))
    with pytest.raises(ClipError, match="not a readable JPEG, PNG or BMP; copy the file again or convert it"):
        images.read(path)


def test_a_picture_larger_than_any_of_a_corpus_is_not_decoded(tmp_path: Path) -> None:
    Image.new("1", (6000, 6000)).save(tmp_path / "img46.png")
    assert (tmp_path / "img46.png").stat().st_size < 100_000
    with pytest.raises(ClipError, match="6000x6000 pixels exceed the limit of 33554432; copy the file again"):
        images.read(tmp_path / "img46.png")


def test_a_list_of_other_videos_is_no_video(films: dict[str, Path]) -> None:
    """FFmpeg would show the pictures of a file that the clip does not name, and that no digest covers."""
    path = films["a.avi"].with_name("list.avi")
    path.write_text("ffconcat version 1.0\nfile a.avi\n")
    for read in (videos.count, videos.stated_count, lambda file: list(videos.frames(file, [1]))):
        with pytest.raises(ClipError, match="not a video that OpenCV can open"):
            read(path)


@pytest.mark.parametrize(
    ("name", "codec"), [("x.mpg", "mpg1"), ("x.mkv", "MJPG"), ("x.mov", "mp4v"), ("x.wmv", "WMV2")]
)
def test_each_suffix_can_be_read(tmp_path: Path, name: str, codec: str) -> None:
    path = film(tmp_path / name, codec, [np.full((48, 64, 3), 128, np.uint8)] * 9)
    assert videos.count(path) == 9


PART = slice(5, 27), slice(11, 30)


@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        ("RGB", "png"), ("RGB", "bmp"), ("RGB", "jpg"), ("L", "jpg"), ("L", "bmp"), ("P", "png"), ("RGBA", "png"),
        ("1", "png"), ("CMYK", "jpg"), ("I;16", "png"),
    ],
)  # fmt: skip
def test_pictures_and_their_parts_are_those_of_pillow(mode: str, ending: str, tmp_path: Path) -> None:
    """Whatever a file holds, whole or cut, first or later, in order or as a control shows it."""
    rng = np.random.default_rng(3)
    files = [tmp_path / f"img{number}.{ending}" for number in range(4)]
    for file in files:
        if mode == "I;16":
            Image.fromarray(rng.integers(0, 1 << 16, (33, 41), np.uint16)).save(file)
        else:
            Image.fromarray(rng.integers(0, 256, (33, 41, 3), np.uint8)).convert(mode).save(file)
    whole = []
    for file in files:
        with Image.open(file) as opened:
            if mode == "I;16":  # Pillow's own conversion makes white of all values above 255
                whole.append(np.repeat((np.asarray(opened) // 256)[:, :, None], 3, axis=2))
            else:
                whole.append(np.asarray(opened.convert("RGB")))
    clip = clip_of(files, range(1, 5))
    np.testing.assert_array_equal(images.read(files[1]), whole[1])
    for step in (1, 3):
        frames, parts = images.read_frames(clip, step), list(images.each_frame(clip, step, PART))
        np.testing.assert_array_equal(frames, whole[::step])
        np.testing.assert_array_equal(parts, frames[:, *PART])
        assert parts[0].dtype == np.uint8
    shown = replace(clip, shown=tuple((files[place], place + 1) for place in (2, 0, 2, 3)))
    parts = list(images.each_frame(shown, part=PART))
    np.testing.assert_array_equal(parts, [whole[place][PART] for place in (2, 0, 2, 3)])


@pytest.mark.parametrize("factor", [256, 257])
def test_greyscale_of_16_bits_is_what_it_was_in_8(factor: int, tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(grey).save(tmp_path / "img1.png")
    Image.fromarray(grey.astype(np.uint16) * factor).save(tmp_path / "img2.png")
    np.testing.assert_array_equal(images.read(tmp_path / "img2.png"), images.read(tmp_path / "img1.png"))


def test_greyscale_of_12_bits_is_refused_as_such(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 4095, np.uint16)).save(tmp_path / "img1.png")
    with pytest.raises(ClipError, match=r"img1\.png: greyscale of 16 bits .* 4095"):
        images.read(tmp_path / "img1.png")


def test_parts_of_a_video(films: dict[str, Path]) -> None:
    clip = clip_in(films["b.avi"], (3, 9, 11))
    np.testing.assert_array_equal(
        list(images.each_frame(clip, part=PART)), [frame[PART] for frame in images.each_frame(clip)]
    )


def test_a_truncated_image_is_refused_wherever_its_part_lies(tmp_path: Path) -> None:
    """Cut at any length, and in the same words as for the whole picture."""
    noise = np.random.default_rng(4).integers(0, 256, (64, 48, 3), np.uint8)
    for ending, mode in (("jpg", "RGB"), ("jpg", "L"), ("bmp", "RGB"), ("png", "RGB")):
        whole, cut = tmp_path / f"whole.{ending}", tmp_path / f"cut.{ending}"
        Image.fromarray(noise).convert(mode).save(whole)
        data = whole.read_bytes()
        for size in np.linspace(0, 0.98 * len(data), 25).astype(int):
            cut.write_bytes(data[:size])
            messages = []
            for part in (None, (slice(0, 8), slice(0, 8))):
                with pytest.raises(ClipError) as caught:
                    list(images.each_frame(clip_of([cut], [1]), part=part))
                messages.append(str(caught.value))
            assert messages[0] == messages[1]
            assert messages[0].startswith(f"{cut}: ")
            assert "; copy the file again" in messages[0]
            assert "\n" not in messages[0]


def test_frames_of_another_size_are_told_by_their_parts_as_well(tmp_path: Path) -> None:
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for other in ((50, 60), (20, 60), (33, 12)):
        for file, shape in zip(files, ((33, 41), other), strict=True):
            Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(file)
        with pytest.raises(ClipError, match=f"b.png: {other[1]}x{other[0]} pixels, but a.png has 41x33"):
            list(images.each_frame(clip_of(files, (1, 2)), part=PART))


def test_a_picture_that_shrinks_has_the_means_of_its_pixels() -> None:
    picture = np.random.default_rng(5).integers(0, 256, (24, 36, 3)).astype(np.uint8)
    means = picture.reshape(12, 2, 12, 3, 3).mean(axis=(1, 3))
    assert np.abs(images.squared(picture, 12) - means).max() <= 0.51


@pytest.mark.parametrize("shape", [(12, 12), (12, 40), (40, 12)])
def test_a_picture_that_is_enlarged_on_a_side_is_interpolated(shape: tuple[int, int]) -> None:
    """A ramp along that side keeps rising, where means of areas smaller than a pixel would repeat its pixels."""
    axis = int(np.argmin(shape))
    ramp = np.broadcast_to(np.expand_dims(20 * np.arange(12), 1 - axis), shape)
    larger = images.squared(np.stack([ramp] * 3, axis=-1).astype(np.uint8), 30)
    inner = np.take(np.diff(larger.astype(int), axis=axis), range(3, 26), axis=axis)
    assert (inner > 0).all()


def test_videos_of_different_sizes_are_told(films: dict[str, Path], tmp_path: Path) -> None:
    other = film(tmp_path / "other.avi", "MJPG", [np.zeros((32, 32, 3), np.uint8)] * 3)
    with pytest.raises(ClipError, match=r"other.avi, frame 3: 32x32 pixels, but a.avi has 64x48"):
        images.read_frames(clip_of([films["a.avi"], films["a.avi"], other], (1, 2, 3)))
