"""Dense optical flow between two frames of a face, and the optical strain of a flow.

"tvl1" is TV-L1 as in Sánchez Pérez, Meinhardt-Llopis and Facciolo, "TV-L1 optical flow estimation" (IPOL 2013,
10.5201/ipol.2013.26), the implementation of scikit-image. "dis" is the dense inverse search of Kroeger, Timofte, Dai
and Van Gool, "Fast optical flow using dense inverse search" (ECCV 2016), which ends with a variational refinement:
OpenCV's `DISOpticalFlow` with the preset MEDIUM.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Method = Literal["tvl1", "dis"]
ATTACHMENT = 255 * 0.15
"""The weight of TV-L1's data term: 0.15 in the program of IPOL, for grey values to 255; scikit-image scales them to 1.

Its other parameters are the program's in both: theta 0.3, time step 0.25, five warps, images halved at each level.
"""
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
"""The parameters of the preset of "dis", by OpenCV's names."""


def flow(first: NDArray[np.uint8], second: NDArray[np.uint8], method: Method = "dis") -> NDArray[np.float32]:
    """How far each pixel of `first` has moved in `second`: float32 (height, width, 2), x to the right and y down.

    Both are grey uint8 (height, width). Images that are equal give exactly 0. The unit is pixels.
    """
    if method == "tvl1":
        from skimage.registration import optical_flow_tvl1

        down, right = optical_flow_tvl1(first, second, attachment=ATTACHMENT)
        return np.asarray(np.dstack([right, down]), np.float32)
    estimate = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, second = np.ascontiguousarray(first), np.ascontiguousarray(second)  # all that OpenCV takes
    return np.asarray(estimate.calc(first, second, np.zeros((*first.shape, 2), np.float32)), np.float32)


def strain(moved: NDArray[np.floating]) -> NDArray[np.float32]:
    """The optical strain of a flow (height, width, 2): float32 (height, width), never negative, without a unit.

    The magnitude of the tensor of small deformations: the root of e_xx^2 + e_yy^2 + 2 e_xy^2, where e_xx = du/dx,
    e_yy = dv/dy and e_xy = (du/dy + dv/dx) / 2, from central differences. Translations and small rotations have none.
    """
    (du_dy, du_dx), (dv_dy, dv_dx) = (np.gradient(moved[..., axis].astype(np.float64)) for axis in (0, 1))
    shear = (du_dy + dv_dx) / 2
    return np.sqrt(du_dx**2 + dv_dy**2 + 2 * shear**2).astype(np.float32)
