"""Optical flow on exact warps of a texture, and the strain of known flows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from common.cli import arguments
from common.errors import UserError
from common.vision import flow_recipes
from common.vision.flow import PARAMETERS, Method, flow, strain
from common.vision.flow_recipes import RECIPES, Recipe

SIZE = 160
ROUND = 20
"""Pixels of the texture beyond the image on each side, so that nothing enters it from outside."""
WARPS = {
    "to the right": (np.zeros((2, 2)), (0.3, 0.0)),
    "up": (np.zeros((2, 2)), (0.0, -0.7)),
    "far": (np.zeros((2, 2)), (2.4, 1.1)),
    "larger": (0.02 * np.eye(2), (0.0, 0.0)),
    "narrower": (np.array([[-0.03, 0.0], [0.0, 0.01]]), (0.2, -0.1)),
    "shear": (np.array([[0.0, 0.02], [0.0, 0.0]]), (0.5, 0.2)),
    "turn": (np.array([[0.0, -0.02], [0.02, 0.0]]), (0.0, 0.0)),
}
"""Affine flows: u, v = matrix (x, y) + shift, with x and y from the centre."""


def centred() -> NDArray[np.float64]:
    """x and y of each pixel from the centre of the image (SIZE, SIZE, 2)."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float) - SIZE / 2
    return np.stack([x, y], axis=-1)


def warped(matrix: NDArray[np.float64], shift: tuple[float, float]) -> tuple[NDArray, NDArray, NDArray]:
    """Two images of a texture, the second warped by an affine flow, and this flow (SIZE, SIZE, 2)."""
    noise = np.random.default_rng(0).normal(size=(SIZE + 2 * ROUND, SIZE + 2 * ROUND))
    texture = gaussian_filter(noise, 2.0)
    texture = 20 + 200 * (texture - texture.min()) / np.ptp(texture)
    places = centred()
    before = (places - shift) @ np.linalg.inv(np.eye(2) + matrix).T
    images = [map_coordinates(texture, np.moveaxis(p[..., ::-1], -1, 0) + SIZE / 2 + ROUND) for p in (places, before)]
    first, second = (np.rint(image).astype(np.uint8) for image in images)
    return first, second, places @ matrix.T + shift


@pytest.mark.parametrize("method", ["tvl1", "dis"])
@pytest.mark.parametrize("warp", WARPS)
def test_the_flow_is_that_of_the_warp(warp: str, method: Method) -> None:
    first, second, moved = warped(*WARPS[warp])
    measured = flow(first, second, method)
    assert (measured.shape, measured.dtype) == ((SIZE, SIZE, 2), np.float32)
    apart = np.linalg.norm(measured - moved, axis=-1)
    assert np.median(apart) < 0.1
    assert np.percentile(apart[10:-10, 10:-10], 95) < 0.15


def test_equal_images_have_no_flow_and_other_threads_change_nothing() -> None:
    first, second, _ = warped(*WARPS["larger"])
    assert not flow(first, first, "tvl1").any()
    assert not flow(first, first).any()
    threads, measured = cv2.getNumThreads(), []
    try:
        for count in (1, 2, 7):
            cv2.setNumThreads(count)
            measured.append(flow(first, second))
    finally:
        cv2.setNumThreads(threads)
    assert all(np.array_equal(measured[0], other) for other in measured)


def test_the_parameters_are_those_of_the_preset() -> None:
    estimate = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    assert {name: getattr(estimate, f"get{name}")() for name in PARAMETERS} == PARAMETERS


@pytest.mark.parametrize("warp", WARPS)
def test_the_strain_of_an_affine_flow_is_the_norm_of_its_symmetric_part(warp: str) -> None:
    matrix, shift = WARPS[warp]
    moved = centred() @ matrix.T + shift
    known = np.linalg.norm((matrix + matrix.T) / 2)
    assert strain(moved) == pytest.approx(np.full((SIZE, SIZE), known), abs=1e-6)
    if warp in ("to the right", "up", "far", "turn"):
        assert strain(moved) == pytest.approx(np.zeros((SIZE, SIZE)), abs=1e-6)


def test_the_strain_of_a_measured_flow_is_near_that_of_the_warp() -> None:
    matrix, shift = WARPS["larger"]
    first, second, _ = warped(matrix, shift)
    inside = strain(flow(first, second))[10:-10, 10:-10]
    assert np.median(inside) == pytest.approx(np.linalg.norm(matrix), rel=0.25)


def bumps() -> tuple[NDArray, NDArray, dict[str, NDArray]]:
    """Two faces between which two places move by less than two pixels, and the flow (28, 28) right and down."""
    height, width = flow_recipes.FACE
    texture = gaussian_filter(np.random.default_rng(0).normal(size=(height, width)), 3.0)
    onset = np.rint((texture - texture.min()) / np.ptp(texture) * 255).astype(np.uint8)
    y, x = np.mgrid[:height, :width].astype(float)
    right = 2 * np.exp(-((x - 50) ** 2 + (y - 60) ** 2) / 800)
    down = -2 * np.exp(-((x - 90) ** 2 + (y - 120) ** 2) / 800)
    peak = map_coordinates(onset.astype(float), [y - down, x - right], mode="nearest")
    small = {
        name: cv2.resize(part, (28, 28), interpolation=cv2.INTER_AREA)
        for name, part in (("right", right), ("down", down), ("length", np.hypot(right, down)))
    }
    return onset, np.clip(np.rint(peak), 0, 255).astype(np.uint8), small


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda recipe: recipe.name)
def test_the_channels_of_a_recipe_show_what_its_record_says(recipe: Recipe) -> None:
    onset, peak, moved = bumps()
    image = flow_recipes.image(recipe, onset, peak)
    assert (image.shape, image.dtype) == ((28, 28, 3), np.uint8)
    for place, name in enumerate(recipe.channels):
        if name in moved:
            alike = np.corrcoef(image[..., place].ravel(), moved[name].ravel())[0, 1]
            assert alike > (0.2 if recipe.pixels != flow_recipes.FACE else 0.95)
    if recipe.method != "farneback":
        assert not flow_recipes.image(recipe, onset, onset.copy()).any()
    if recipe.stretched == "small" and recipe.channels:
        assert image.min(axis=(0, 1)).tolist() == [0, 0, 0]
        assert image.max(axis=(0, 1)).tolist() == [255, 255, 255]


def test_colours_have_the_hue_of_the_direction() -> None:
    onset, peak, moved = bumps()
    hue = cv2.cvtColor(flow_recipes.image(RECIPES["samm-optflow-28"], onset, peak), cv2.COLOR_BGR2HSV)[..., 0]
    to_the_right = np.unravel_index(moved["right"].argmax(), (28, 28))
    up = np.unravel_index(moved["down"].argmin(), (28, 28))
    assert min(hue[to_the_right], 180 - hue[to_the_right]) <= 10
    assert abs(int(hue[up]) - 270 // 2) <= 10


@pytest.mark.parametrize("name", ["skd-tstsan", "ststnet-thread"])
def test_the_strain_of_the_public_code_is_computed_pixel_by_pixel(name: str) -> None:
    """Written out from the formulas in the two sources, where a missing neighbour takes the value before it."""
    moved = np.random.default_rng(1).normal(size=(6, 5, 2)).astype(np.float32)
    u, v = (moved[..., axis].astype(float) for axis in (0, 1))
    expected = np.zeros((6, 5))
    for row in range(6):
        for column in range(5):
            i, j = min(row, 4), min(column, 3)
            if name == "skd-tstsan":
                across, along = u[i, j] - u[i, j + 1], v[i, j] - v[i + 1, j]
                shear = u[i, j] - u[i + 1, j] + v[i, j] - v[i, j + 1]
                expected[row, column] = np.sqrt(across**2 + along**2 + shear**2 / 2)
            else:
                x, y = (np.gradient(part, axis=0)[row, column] for part in (u, v))
                other_x, other_y = (np.gradient(part, axis=1)[row, column] for part in (u, v))
                expected[row, column] = np.sqrt(x**2 + other_y**2 + (other_x + y) ** 2 / 4)
    assert flow_recipes._channel(RECIPES[name], "strain", moved) == pytest.approx(expected)


def test_recipes_name_their_source_and_the_help_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert all(recipe.source and recipe.differs and recipe.name == name for name, recipe in RECIPES.items())
    with pytest.raises(UserError):
        flow_recipes.named("another")
    with pytest.raises(SystemExit):
        arguments.parse(["--help"])
    shown = "".join(capsys.readouterr().out.split())  # lines of the help break at hyphens too
    assert all(name in shown for name in RECIPES)
