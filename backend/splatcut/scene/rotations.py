# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rotations as quaternions and matrices."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray


def rotation_rows(w: Any, x: Any, y: Any, z: Any) -> tuple[tuple[Any, Any, Any], ...]:
    """The three rows of the rotation matrices of unit quaternions: arrays, tensors or numbers alike."""
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )


def rotation_matrices(quats: NDArray[np.floating]) -> NDArray[np.float64]:
    """[N, 3, 3] float64 rotation matrices of wxyz quaternions [N, 4] of any non-zero length."""
    q = np.asarray(quats, dtype=np.float64)
    rows = rotation_rows(*(q / (np.linalg.norm(q, axis=-1, keepdims=True) + 1e-12)).T)
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def nearest_rotation(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """[3, 3] float64: the orthogonal matrix nearest to a [3, 3] matrix; a rotation if the determinant is > 0."""
    u, _, vt = np.linalg.svd(np.asarray(matrix, dtype=np.float64))
    return u @ vt


def quarter_turns(mirrored: bool = False) -> list[NDArray[np.float64]]:
    """The 24 rotations [3, 3] by quarter turns about the axes, the identity first; or the 24 of a mirrored world."""
    every = (
        np.eye(3)[list(order)] * np.array(signs)[:, None]
        for order, signs in product(permutations(range(3)), product((1.0, -1.0), repeat=3))
    )
    return [turn for turn in every if (np.linalg.det(turn) < 0) == mirrored]
