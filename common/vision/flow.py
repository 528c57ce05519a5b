"""Dense optical flow between two frames of a face, and the optical strain of a flow.

The flow is the dense inverse search of Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense inverse
search" (ECCV 2016), which ends with a variational refinement. It is OpenCV's `DISOpticalFlow` with the preset MEDIUM.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

METHOD = "DISOpticalFlow, preset MEDIUM"
PARAMETERS = {
    "FinestScale": 1,
    "PatchSize": 8,
    "PatchStride": 3,
    "GradientDescentIterations": 25,
    "VariationalRefinementIterations": 5,
    "VariationalRefinementAlpha": 20.0,
    "VariationalRefinementDelta": 5.0,
    "VariationalRefinementGamma": 10.0,
    "UseMeanNormalization": True,
    "UseSpatialPropagation": True,
}
"""The parameters of the preset, by OpenCV's names."""


def flow(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far each pixel of `first` has moved in `second`: float32 (height, width, 2), x to the right and y down.

    Both are grey uint8 (height, width). Images that are equal give exactly 0. The unit is pixels.
    """
    estimate = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.asarray(estimate.calc(first, second, np.zeros((*first.shape, 2), np.float32)), np.float32)


def strain(moved: NDArray[np.floating]) -> NDArray[np.float32]:
    """The optical strain of a flow (height, width, 2): float32 (height, width), never negative, without a unit.

    The magnitude of the tensor of small deformations: the root of e_xx^2 + e_yy^2 + 2 e_xy^2, where e_xx = du/dx,
    e_yy = dv/dy and e_xy = (du/dy + dv/dx) / 2, from central differences. Translations and small rotations have none.
    """
    (du_dy, du_dx), (dv_dy, dv_dx) = (np.gradient(moved[..., axis].astype(np.float64)) for axis in (0, 1))
    shear = (du_dy + dv_dx) / 2
    return np.sqrt(du_dx**2 + dv_dy**2 + 2 * shear**2).astype(np.float32)
