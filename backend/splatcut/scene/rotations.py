# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rotations as quaternions and matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rotation_matrices(quats: NDArray[np.floating]) -> NDArray[np.float64]:
    """[N, 3, 3] float64 rotation matrices of wxyz quaternions [N, 4] of any non-zero length."""
    q = np.asarray(quats, dtype=np.float64)
    w, x, y, z = (q / (np.linalg.norm(q, axis=-1, keepdims=True) + 1e-12)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
