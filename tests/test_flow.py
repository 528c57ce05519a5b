"""Optical flow on exact warps of a texture, and the strain of known flows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from common.vision.flow import PARAMETERS, Method, flow, strain

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
