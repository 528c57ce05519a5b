"""What is shown of a paper without figures.py, how the others draw, and the picture of the input of any."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from numpy.typing import NDArray

from common.contract import InputView, Settings
from common.runs import drawing
from common.runs.store import Run
from common.types import Clip, Samples
from common.vision import images, picture_grid, plain_figures


@dataclass(frozen=True)
class Empty:
    """A record without settings."""


NONE = Settings(Empty(), Empty(), Empty())


def view(values: NDArray[Any]) -> InputView:
    rows = len(values)
    ids = np.array(["smic/s1/c1"] * rows)
    samples = Samples({"face": values}, np.zeros(rows, np.int64), ids, ids, np.arange(rows))
    return plain_figures.input_views(samples, NONE)["face"]


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_shown_in_colour_without_their_transparency(channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (1, 5, 7, channels), np.uint8)
    shown = view(picture)
    assert shown.axes == (1, 2)
    assert shown.captions == ("face",)
    assert (shown.pictures == (picture[..., :3] if channels > 1 else np.repeat(picture, 3, axis=-1))).all()


def test_a_video_is_shown_frame_by_frame() -> None:
    video = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 7, 1), np.uint8)
    shown = view(video)
    assert shown.axes == (2, 3)
    assert shown.pictures.shape == (4, 5, 7, 3)
    assert (shown.pictures[..., 0] == video[0, ..., 0]).all()
    assert shown.captions == ("1 of 4", "2 of 4", "3 of 4", "4 of 4")


@pytest.mark.parametrize(("low", "grey"), [(-0.2, 128), (0.0, 0)])
def test_no_change_is_grey_and_nothing_is_black(low: float, grey: int) -> None:
    values = np.array([low, 0.0, 0.4], np.float32).reshape(1, 1, 3, 1)
    shown = view(values).pictures[0, 0, :, 0]
    assert abs(int(shown[1]) - grey) <= 1
    assert shown[2] == 255
    assert (np.diff(shown.astype(int)) >= 0).all()


def test_an_input_of_zeros_is_shown() -> None:
    assert (view(np.zeros((1, 3, 3, 1), np.float32)).pictures == 0).all()


def test_nothing_is_drawn(tmp_path: Path) -> None:
    nobody: Any = None
    assert plain_figures.draw([], NONE, nobody, tmp_path) == plain_figures.results(nobody, tmp_path) == []


def input_of(*shapes: tuple[int, ...]) -> dict[str, InputView]:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, (*shape, 3), np.uint8) for shape in shapes]
    return {f"part_{n}": InputView((1, 2), p, tuple(map(str, range(len(p))))) for n, p in enumerate(pictures)}


@pytest.mark.parametrize(
    ("shapes", "captions"),
    [
        ([(1, 8, 8)], ["0"]),
        ([(30, 96, 50)], ["0", "6", "12", "17", "23", "29"]),
        ([(3, 200, 100)], ["0", "1", "2"]),
        ([(4, 8, 9), (5, 6, 9)], [f"part {n}, {place}" for n, places in enumerate(("023", "024")) for place in places]),
        ([(5, 4, 6), *[(5, 3, 7)] * 6], [f"part {n}, 2" for n in range(6)]),
    ],
)
def test_every_pixel_of_an_input_is_a_square_of_its_picture(shapes: list[tuple[int, ...]], captions: list[str]) -> None:
    views = input_of(*shapes)
    picture, below = drawing.in_a_row(views)
    assert list(below) == captions
    highest = max(height for _, height, _ in shapes[:6])
    times = len(picture) // highest
    assert len(picture) == times * highest >= 96 > (times - 1) * highest
    left = 0
    for caption in captions:
        name, _, place = caption.rpartition(", ")
        shown = views[name.replace(" ", "_") or "part_0"].pictures[int(place)]
        height, width = times * shown.shape[0], times * shown.shape[1]
        cell = picture[(len(picture) - height) // 2 :][:height, left : left + width]
        assert (cell.reshape(shown.shape[0], times, -1, times, 3) == shown[:, None, :, None]).all()
        left += width + drawing.GAP
    assert left - drawing.GAP == picture.shape[1]


def test_jobs_with_the_same_inputs_have_one_picture_of_a_clip_with_an_apex(tmp_path: Path) -> None:
    def clip(name: str, apex: int | None) -> Clip:
        return Clip("smic", "s1", name, (Path("a"),), (1,), 1, apex, 1, 100.0, "positive")

    def job(name: str, record: Any, control: str = "") -> Any:
        experiment = SimpleNamespace(id=name, control=control)
        settings = SimpleNamespace(inputs=record)
        clips = [(clip("a", None), 0), (clip("b", 1), 0), (clip("c", 1), 0)]
        paper = SimpleNamespace(key="x")
        return SimpleNamespace(
            experiment=experiment, settings=settings, clips=clips, run=Run(tmp_path / name), paper=paper
        )

    shown: list[str] = []

    def assemble(clips: list[tuple[Clip, int]], arrays: Any, settings: Any) -> Any:
        shown.append(clips[0][0].id)
        if settings.inputs == 3:
            raise ValueError("no face")
        return None

    preprocess = SimpleNamespace(shapes=lambda settings: {"face": (8, 8)}, assemble=assemble)
    parts: Any = SimpleNamespace(
        preprocess=preprocess, figures=SimpleNamespace(input_views=lambda *_: input_of((1, 8, 8)))
    )
    jobs = [job("first", 1, "no-motion"), job("second", 1), job("third", 1), job("other", 2), job("faulty", 3)]
    excluded = {each.experiment.id: {"smic/s1/b"} if each.experiment.id == "other" else set() for each in jobs}
    for each in jobs:
        each.run.describe({"exclusions": [], "figures": [], "preprocessing_seconds": 1.0})
    lines: list[str] = []
    drawing.draw_views(jobs, excluded, parts, lambda job, clip: {}, lines.append)
    assert shown == ["smic/s1/b", "smic/s1/c", "smic/s1/b"]
    assert len(lines) == 1
    described = {each.experiment.id: (each.run.description() or {}).get("input") for each in jobs}
    assert [name for name, record in described.items() if record] == ["second", "other"]
    assert described["second"] == {"path": "input.png", "clip": "smic/s1/b", "captions": ["0"]}
    stored = images.read(tmp_path / "second" / "figures" / "input.png")
    assert (stored == drawing.in_a_row(input_of((1, 8, 8)))[0]).all()


def laid_out(page: Canvas) -> tuple[list[tuple[str, Any]], list[Any]]:
    """The texts of a page with their boxes, and the boxes of its axes, in inches."""
    FigureCanvasAgg(page).draw()
    shown = [text for text in page.findobj(Text) if text.get_text()]
    assert min(float(text.get_fontsize()) for text in shown) >= 6
    texts = [(text.get_text(), text.get_window_extent().transformed(page.dpi_scale_trans.inverted())) for text in shown]
    return texts, [axes.get_window_extent().transformed(page.dpi_scale_trans.inverted()) for axes in page.axes]


@pytest.mark.parametrize(
    ("rows", "shapes", "beside"), [(1, (1.0,), 1), (3, (1, 1, 2.4, 1, 1), 1), (6, (0.7,) * 3, 2), (4, (0.5,) * 14, 0)]
)
def test_texts_of_a_grid_have_room_and_its_images_their_shapes(
    rows: int, shapes: tuple[float, ...], beside: int
) -> None:
    with matplotlib.rc_context(picture_grid.PAPER_STYLE):
        page, grid = picture_grid.grid(rows, shapes, ["head\nof two lines"], beside=beside)
        for axes, shape in zip(grid.flat, shapes * rows, strict=True):
            name = "\n".join(["beside"] * beside) if axes in grid[:, 0] else ""
            picture_grid.show(axes, np.zeros((100, round(100 * shape)), np.uint8), "frame", name)
        texts, images = laid_out(page)
    wide, high = page.get_size_inches()
    assert wide <= picture_grid.WIDTH + 1e-9
    assert high <= 3.31 or min(image.height for image in images) <= 0.71
    for image, shape in zip(images, shapes * rows, strict=True):
        assert image.width / image.height == pytest.approx(shape)
    boxes = [*texts, *(("image", image) for image in images)]
    for number, (text, box) in enumerate(boxes):
        assert min(box.x0, box.y0, wide - box.x1, high - box.y1) >= -0.01, text
        assert not any(box.padded(-0.005).overlaps(other) for _, other in boxes[number + 1 :]), text


def test_names_of_lines_lie_apart_and_equal_figures_are_equal_files() -> None:
    lines = {f"network {n}": np.array([1.0, 0.5, np.nan if n else 0.42]) for n in range(5)}

    def drawn() -> tuple[Canvas, bytes]:
        with matplotlib.rc_context(picture_grid.PAPER_STYLE):
            page, _ = picture_grid.curves(lines, ("epoch", (1, 2, 3)), "accuracy", (3.34, 1.7, 0.7), (0, 1))
            texts, _ = laid_out(page)
            names = [box for text, box in texts if text in lines]
            assert len(names) == 5
            assert not any(one.overlaps(other) for i, one in enumerate(names) for other in names[i + 1 :])
            assert max(box.x1 for box in names) <= 3.34
            return page, picture_grid.svg(page)

    (first, content), (second, again) = drawn(), drawn()
    assert first is not second
    assert content == again
    assert b">network 4<" in content
    assert len({line.get_linestyle() + line.get_color() for line in first.axes[0].lines}) == 5


@given(st.lists(st.floats(0, 1), max_size=9))
def test_labels_stay_in_order_and_within_their_limits(values: list[float]) -> None:
    heights = picture_grid.apart(values, 0.1)
    assert all(-1e-9 <= height <= 1 + 1e-9 for height in heights)
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(heights)[order]) >= 0.1 - 1e-9).all()
