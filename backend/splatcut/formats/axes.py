# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""World axes of splat files by their letters, as ``.spz`` names them, and Gaussians turned from ones to others.

"RDF" says that x points right, y down and z forward: those of a PLY. "RUB" are an ``.spz`` file's.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatcut.scene import sh
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.transform import multiply_quaternions, quaternion_from_matrix

#: Those of the record of ``.spz`` files, from 1 on; 0 stands for none.
NAMES = (
    "LDB", "RDB", "LUB", "RUB", "LDF", "RDF", "LUF", "RUF", "LFD", "RFD", "LFU", "RFU", "LBD", "RBD", "LBU", "RBU",
)  # fmt: skip
_DIRECTIONS = {"R": (1, 0, 0), "L": (-1, 0, 0), "D": (0, 1, 0), "U": (0, -1, 0), "F": (0, 0, 1), "B": (0, 0, -1)}


def matrix(old: str, new: str) -> NDArray[np.float64]:
    """[3, 3] new_from_old of two names of axes: each row and column has one 1 or -1."""
    right_from_old, right_from_new = (np.array([_DIRECTIONS[letter] for letter in name]).T for name in (old, new))
    return (right_from_new.T @ right_from_old).astype(np.float64)


def reorient(gaussians: Gaussians, old: str, new: str) -> Gaussians:
    """The same Gaussians in other axes; exact where axes only change their signs, mirrored where these ask for it."""
    turn = matrix(old, new)
    if np.array_equal(turn, np.eye(3)):
        return gaussians
    harmonics = sh.rotation_matrix(turn, gaussians.sh_degree)
    signs = np.diag(turn)
    if np.count_nonzero(signs) == 3:
        # Turning the Gaussian's own axes as well leaves it as it is, and makes the product one of signs.
        quats = gaussians.quats * np.array([1, *(signs.prod() * signs)], np.float32)
        coefficients = gaussians.sh * np.round(np.diag(harmonics)).astype(np.float32)[:, None]
    else:
        rotation = np.linalg.det(turn) * turn  # a Gaussian is its own mirror image through its centre
        quats = multiply_quaternions(quaternion_from_matrix(rotation), gaussians.quats).astype(np.float32)
        coefficients = sh.rotate(gaussians.sh, turn)
    means = gaussians.means @ turn.T.astype(np.float32)
    return replace(gaussians, means=means, quats=quats, sh=coefficients)
