# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Moving, turning and uniformly scaling Gaussians."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.errors import UserError
from splatcut.scene import sh
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.rotations import nearest_rotation

#: Relative deviation from a rotation times a number up to which a matrix counts as a similarity.
TOLERANCE = 1e-4


def quaternion_from_matrix(rotation: ArrayLike) -> NDArray[np.float64]:
    """[4] float64 unit quaternion wxyz (w >= 0) of a [3, 3] rotation matrix."""
    m = np.asarray(rotation, dtype=np.float64)
    # The eigenvector of the largest eigenvalue of this symmetric matrix (Bar-Itzhack 2000) is stable for every angle.
    k = np.array(
        [
            [m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [0, m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [0, 0, m[1, 1] - m[0, 0] - m[2, 2], m[1, 2] + m[2, 1]],
            [0, 0, 0, m[2, 2] - m[0, 0] - m[1, 1]],
        ]
    )
    q = np.linalg.eigh(k, UPLO="U")[1][:, -1]
    return -q if q[0] < 0 else q


def multiply_quaternions(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Hamilton product a b of quaternions wxyz [..., 4]: the rotation that first does b, then a."""
    aw, ax, ay, az = np.moveaxis(np.asarray(a, dtype=np.float64), -1, 0)
    bw, bx, by, bz = np.moveaxis(np.asarray(b, dtype=np.float64), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def decompose_similarity(matrix: ArrayLike) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """(scale, rotation [3, 3], translation [3]) of a 4 x 4 matrix new_from_old = [scale * rotation | translation].

    Raises:
        UserError: the matrix is not finite, stretches unevenly, shears, mirrors, collapses or is projective.
    """
    m = np.asarray(matrix, dtype=np.float64)
    if m.shape != (4, 4):
        raise UserError(f"A transform must be a 4 x 4 matrix, but this one has the shape {m.shape}.")
    if not np.isfinite(m).all():
        raise UserError("The transform has values that are not finite numbers. Reset the object's transform.")
    if not np.allclose(m[3], [0, 0, 0, 1], atol=1e-6):
        raise UserError("The last row of the transform is not 0 0 0 1: a perspective transform cannot be applied.")
    linear = m[:3, :3]
    determinant = float(np.linalg.det(linear))
    if determinant <= 0:
        raise UserError(
            "The transform mirrors the splats or squashes them flat, which Gaussians with view-dependent colours "
            "cannot follow. Use positive scales that are not zero."
        )
    scale = determinant ** (1 / 3)
    rotation = linear / scale
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=TOLERANCE):
        lengths = ", ".join(f"{length:.4g}" for length in np.linalg.norm(linear, axis=0))
        raise UserError(
            f"The transform stretches the axes unevenly or shears (their lengths become {lengths}), which is not "
            "possible for Gaussians. Use one scale for all three axes."
        )
    return scale, nearest_rotation(rotation), m[:3, 3].copy()


def apply_transform(gaussians: Gaussians, matrix: ArrayLike) -> Gaussians:
    """The Gaussians after a similarity transform of the world, colours turning along.

    Args:
        gaussians: in the old world frame.
        matrix: [4, 4] new_from_old: rotation, uniform positive scale and translation.

    Returns:
        The Gaussians in the new world frame: means, scales, rotations and spherical harmonics follow; opacities stay
        bit-identical, as do the bands and values that the transform does not touch (no rotation: quaternions and
        harmonics are kept; no scale: scales are kept).

    Raises:
        UserError: the matrix is no similarity (see ``decompose_similarity``).
    """
    scale, rotation, translation = decompose_similarity(matrix)
    means = gaussians.means.astype(np.float64) @ (scale * rotation).T + translation
    log_scales, quats, coefficients = gaussians.log_scales, gaussians.quats, gaussians.sh
    if scale != 1.0:
        log_scales = (log_scales.astype(np.float64) + np.log(scale)).astype(np.float32)
    if not np.array_equal(rotation, np.eye(3)):
        quats = multiply_quaternions(quaternion_from_matrix(rotation), quats).astype(np.float32)
        coefficients = sh.rotate(coefficients, rotation)
    return replace(
        gaussians,
        means=means.astype(np.float32),
        log_scales=log_scales,
        quats=quats,
        sh=coefficients,
    )
