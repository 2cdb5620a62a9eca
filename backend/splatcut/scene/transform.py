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
    if determinant == 0:
        raise UserError("The transform flattens the splats. Use scales other than zero.")
    if determinant < 0:
        raise UserError(
            "The transform mirrors the splats, which cameras cannot follow. Apply it to the splats first, or use "
            "positive scales."
        )
    scale = determinant ** (1 / 3)
    rotation = linear / scale
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=TOLERANCE):
        lengths = ", ".join(f"{length:.4g}" for length in np.linalg.norm(linear, axis=0))
        raise UserError(
            f"The transform scales the axes unevenly or shears them (their lengths become {lengths}), which Gaussians "
            "cannot follow. Use one scale for all three axes."
        )
    return scale, nearest_rotation(rotation), m[:3, 3].copy()


def split_mirror(matrix: ArrayLike) -> tuple[int | None, NDArray[np.float64]]:
    """A [4, 4] transform new_from_old as (axis, rest): ``rest`` after a mirroring of that axis (0 to 2), if it mirrors.

    ``rest`` mirrors no more. Of the three axes the one is taken that leaves the smallest rotation.
    """
    m = np.asarray(matrix, dtype=np.float64)
    if m.shape != (4, 4) or not np.isfinite(m).all() or not np.linalg.det(m[:3, :3]) < 0:
        return None, m
    axis = int(np.argmin(np.diag(m)[:3]))
    rest = m.copy()
    rest[:, axis] *= -1
    return axis, rest


def mirror(gaussians: Gaussians, axis: int) -> Gaussians:
    """The Gaussians with the world's ``axis`` (0 to 2) negated; exact: nothing but signs changes."""
    signs = np.ones(3)
    signs[axis] = -1
    # The rotation S R S turns the Gaussian's axes, mirrored too, into the world; a Gaussian has no handedness.
    turned = np.where(np.arange(3) == axis, 1, -1)
    sh_signs = np.round(np.diag(sh.rotation_matrix(np.diag(signs), gaussians.sh_degree)))
    return replace(
        gaussians,
        means=gaussians.means * signs.astype(np.float32),
        quats=gaussians.quats * np.array([1, *turned], np.float32),
        sh=gaussians.sh * sh_signs.astype(np.float32)[:, None],
    )


def apply_transform(gaussians: Gaussians, matrix: ArrayLike) -> Gaussians:
    """The Gaussians after a similarity transform of the world, colours turning along.

    Args:
        gaussians: in the old world frame.
        matrix: [4, 4] new_from_old: rotation, one scale that is not zero for all axes, mirroring, and translation.

    Returns:
        The Gaussians in the new world frame: means, scales, rotations and spherical harmonics follow; opacities stay
        bit-identical, as do the bands and values that the transform does not touch (no rotation: quaternions and
        harmonics are kept; no scale: scales are kept).

    Raises:
        UserError: the matrix is no similarity, mirrored or not (see ``decompose_similarity``).
    """
    axis, rest = split_mirror(matrix)
    if axis is not None:
        gaussians = mirror(gaussians, axis)
    scale, rotation, translation = decompose_similarity(rest)
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
