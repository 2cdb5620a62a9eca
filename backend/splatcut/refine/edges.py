# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where the edges of masks are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.scene.gaussians import F32

#: Half the width in pixels of the band along the masks' edges.
EDGE = 4


def near_edge(soft: F32) -> NDArray[np.bool_]:
    """[H, W] bool: within ``EDGE`` pixels of the edge of any of the masks [K, H, W]."""
    found = np.zeros(soft.shape[1:], bool)
    for mask in soft:
        inside = mask > 0.5
        found |= ndimage.binary_dilation(inside, iterations=EDGE) & ~ndimage.binary_erosion(
            inside, iterations=EDGE, border_value=1
        )
    return found
