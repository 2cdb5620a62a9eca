# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Real spherical harmonics in the sign convention of 3D Gaussian Splatting, and their rotation."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut.scene.gaussians import SH_C0

#: Highest degree that ``basis`` knows.
MAX_DEGREE = 4

#: Factors of bands 1 to 4, m from -l to l, with the signs of 3DGS files (the Condon-Shortley phase).
SH_C1 = (-0.4886025119029199, 0.4886025119029199, -0.4886025119029199)  # sqrt(3 / (4 pi))
SH_C2 = (1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792, 0.5462742152960396)
SH_C3 = (
    -0.5900435899266435, 2.890611442640554, -0.4570457994644658, 0.3731763325901154, -0.4570457994644658,
    1.445305721320277, -0.5900435899266435,
)  # fmt: skip
SH_C4 = (
    2.5033429417967046, -1.7701307697799304, 0.9461746957575601, -0.6690465435572892, 0.10578554691520431,
    -0.6690465435572892, 0.47308734787878004, -1.7701307697799304, 0.6258357354491761,
)  # fmt: skip


def coefficient_count(degree: int) -> int:
    """(degree + 1)^2: number of coefficients of all bands up to ``degree``."""
    return (degree + 1) ** 2


def harmonics(x: Any, y: Any, z: Any, degree: int) -> list[Any]:
    """(degree + 1)^2 real spherical harmonics of unit directions (x, y, z), arrays or tensors: sqrt(2) Re Y_l^m and
    Im Y_l^|m| with the Condon-Shortley phase, band after band, m from -l to l."""
    xx, yy, zz = x * x, y * y, z * z
    bands = [
        (SH_C0 + 0 * x,),
        (y, z, x),
        (x * y, y * z, 2 * zz - xx - yy, x * z, xx - yy),
        (
            y * (3 * xx - yy),
            x * y * z,
            y * (4 * zz - xx - yy),
            z * (2 * zz - 3 * xx - 3 * yy),
            x * (4 * zz - xx - yy),
            z * (xx - yy),
            x * (xx - 3 * yy),
        ),
        (
            x * y * (xx - yy),
            y * z * (3 * xx - yy),
            x * y * (7 * zz - 1),
            y * z * (7 * zz - 3),
            zz * (35 * zz - 30) + 3,
            x * z * (7 * zz - 3),
            (xx - yy) * (7 * zz - 1),
            x * z * (xx - 3 * yy),
            xx * (xx - 3 * yy) - yy * (3 * xx - yy),
        ),
    ]
    factors = [(1,), SH_C1, SH_C2, SH_C3, SH_C4]
    return [c * value for band in range(degree + 1) for c, value in zip(factors[band], bands[band], strict=True)]


def basis(directions: ArrayLike, degree: int) -> NDArray[np.float64]:
    """[N, (degree + 1)^2] float64: ``harmonics`` of ``directions``; a colour is ``0.5 + basis @ coefficients``.

    Args:
        directions: [N, 3], from the camera to the Gaussian in world axes, any non-zero length (they are normalised).
        degree: 0 to 4.

    Raises:
        ValueError: the degree is not 0 to 4.
    """
    if not 0 <= degree <= MAX_DEGREE:
        raise ValueError(f"The degree of spherical harmonics must be 0 to {MAX_DEGREE}, not {degree}.")
    d = np.asarray(directions, dtype=np.float64)
    d = d / np.linalg.norm(d, axis=-1, keepdims=True)
    x, y, z = d.T
    return np.stack(harmonics(x, y, z, degree), axis=-1)


@functools.cache
def _samples(band: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions spread over the sphere [S, 3] and the pseudo-inverse [2 band + 1, S] of the band's values there."""
    count = 4 * coefficient_count(band)
    index = np.arange(count) + 0.5
    z = 1 - 2 * index / count
    radius = np.sqrt(1 - z * z)
    angle = np.pi * (1 + np.sqrt(5.0)) * index
    directions = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=-1)
    inverse = np.linalg.pinv(basis(directions, band)[:, band * band :])
    return directions, inverse.astype(np.float64)


def rotation_matrix(rotation: ArrayLike, degree: int) -> NDArray[np.float64]:
    """The matrix that rotates SH coefficients as ``rotation`` rotates the world.

    Args:
        rotation: [3, 3] orthogonal matrix new_from_old of world axes (a reflection works as well).
        degree: 0 to 4.

    Returns:
        D [(degree + 1)^2, (degree + 1)^2] float64, block-diagonal by band and orthogonal, with
        ``basis(d) @ D @ c == basis(rotation.T @ d) @ c`` for every direction d and coefficients c.

    A band is closed under rotation, so its block follows exactly from its values at enough directions.
    """
    matrix = np.asarray(rotation, dtype=np.float64)
    if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-5):
        raise ValueError("Spherical harmonics can only be rotated by an orthogonal 3 x 3 matrix.")
    result = np.zeros((coefficient_count(degree), coefficient_count(degree)))
    for band in range(degree + 1):
        directions, inverse = _samples(band)
        block = slice(band * band, (band + 1) ** 2)
        result[block, block] = inverse @ basis(directions @ matrix, band)[:, band * band :]
    return result


def rotate(sh: NDArray[np.floating], rotation: ArrayLike) -> NDArray[np.float32]:
    """Coefficients [N, K, 3] float32 of the Gaussians' colours after the world was turned by ``rotation`` [3, 3].

    The constant term is copied bit by bit; the other bands are computed in float64.
    """
    degree = round(sh.shape[1] ** 0.5) - 1
    matrix = rotation_matrix(rotation, degree)
    result = np.array(sh, dtype=np.float32)
    for band in range(1, degree + 1):
        block = slice(band * band, (band + 1) ** 2)
        result[:, block] = np.matmul(matrix[block, block], sh[:, block].astype(np.float64))
    return result


def colours(sh: NDArray[np.floating], directions: ArrayLike) -> NDArray[np.float32]:
    """[N, 3] float32 display-referred sRGB of coefficients [N, K, 3] from directions [N, 3], clipped at 0 as drawn."""
    values = np.einsum("nk,nkc->nc", basis(directions, round(sh.shape[1] ** 0.5) - 1), sh)
    return np.maximum(0.5 + values, 0).astype(np.float32)
