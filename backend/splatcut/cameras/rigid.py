# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rigid transforms from files that may hold anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.errors import UserError
from splatcut.scene.rotations import nearest_rotation, rotation_matrices

#: Turns camera axes of OpenGL and Blender (x right, y up, z backward) into OpenCV's, and back.
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])


def rigid(rotation: ArrayLike, translation: ArrayLike, where: str) -> NDArray[np.float64]:
    """[4, 4] float64 transform of a rotation [3, 3] and a translation [3] as read from a file.

    A rotation that is off by rounding (up to 1e-3) is made orthonormal. Raises ``UserError`` naming ``where`` for
    values that are not finite, mirrored, scaled or sheared.
    """
    try:
        r = np.asarray(rotation, dtype=np.float64)
        t = np.asarray(translation, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where} has a pose that does not consist of numbers. The file is damaged.") from error
    if r.shape != (3, 3) or t.shape != (3,):
        raise UserError(
            f"{where} has a rotation of shape {r.shape} and a position of shape {t.shape}; expected (3, 3) and "
            "(3,). The file is damaged."
        )
    if not (np.isfinite(r).all() and np.isfinite(t).all()):
        raise UserError(f"{where} has a pose with a value that is not a finite number. Remove this view from the file.")
    off = float(np.abs(r @ r.T - np.eye(3)).max())
    if off > 1e-3:
        lengths = ", ".join(f"{length:.4g}" for length in np.linalg.norm(r, axis=0))
        raise UserError(
            f"{where} has a pose that is not a rotation and a position: the lengths of its axes are {lengths} "
            "instead of 1, or they are not "
            "perpendicular. Export the cameras without scale or shear."
        )
    if np.linalg.det(r) < 0:
        raise UserError(
            f"{where} has a mirrored pose (determinant -1). Export the cameras in a right-handed coordinate system."
        )
    if off > 1e-7:
        r = nearest_rotation(r)
    result = np.eye(4)
    result[:3, :3], result[:3, 3] = r, t
    return result


def inverse(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a rigid transform [4, 4]."""
    result = np.eye(4)
    result[:3, :3] = transform[:3, :3].T
    result[:3, 3] = -transform[:3, :3].T @ transform[:3, 3]
    return result


def rotation_from_wxyz(quaternion: ArrayLike, where: str) -> NDArray[np.float64]:
    """[3, 3] rotation of a wxyz quaternion of about length 1."""
    q = np.asarray(quaternion, dtype=np.float64)
    length = float(np.linalg.norm(q))
    if not np.isfinite(length) or abs(length - 1) > 1e-2:
        raise UserError(f"{where} has a rotation quaternion of length {length:.4g} instead of 1. The file is damaged.")
    return rotation_matrices(q[None])[0]
