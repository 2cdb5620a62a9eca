# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Projection of Gaussians to the image plane and their colours, forward and backward (numba)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from splatcut.raster.rule import ALPHA_MIN, LOW_PASS
from splatcut.scene.gaussians import SH_C0
from splatcut.scene.sh import SH_C1, SH_C2, SH_C3, SH_C4

F = np.float32
LOG2E = F(math.log2(math.e))
#: log2 of the smallest alpha that is drawn.
LOG2_ALPHA_MIN = F(math.log2(ALPHA_MIN))

#: Columns of the projected geometry: mean in pixel indices (centre of pixel 0 at 0), the three coefficients of the
#: exponent log2(alpha) = lo + A dx^2 + B dx dy + C dy^2, log2 of the opacity, depth, opacity before ``opacity_scale``.
MX, MY, CA, CB, CC, LO, DEPTH, OPACITY = range(8)
GEOMETRY = 8

_C0 = F(SH_C0)
_C1, _C2, _C3, _C4 = (tuple(map(F, band)) for band in (SH_C1, SH_C2, SH_C3, SH_C4))


@njit(inline="always")
def sh_basis(degree: int, x: Any, y: Any, z: Any, out: Any) -> None:
    """Real spherical harmonics of the unit direction (x, y, z) into out[(degree + 1)^2], signs as in 3DGS."""
    out[0] = _C0
    if degree > 0:
        out[1] = _C1[0] * y
        out[2] = _C1[1] * z
        out[3] = _C1[2] * x
    if degree > 1:
        xx, yy, zz, xy, yz, xz = x * x, y * y, z * z, x * y, y * z, x * z
        out[4] = _C2[0] * xy
        out[5] = _C2[1] * yz
        out[6] = _C2[2] * (F(2) * zz - xx - yy)
        out[7] = _C2[3] * xz
        out[8] = _C2[4] * (xx - yy)
        if degree > 2:
            out[9] = _C3[0] * y * (F(3) * xx - yy)
            out[10] = _C3[1] * xy * z
            out[11] = _C3[2] * y * (F(4) * zz - xx - yy)
            out[12] = _C3[3] * z * (F(2) * zz - F(3) * xx - F(3) * yy)
            out[13] = _C3[4] * x * (F(4) * zz - xx - yy)
            out[14] = _C3[5] * z * (xx - yy)
            out[15] = _C3[6] * x * (xx - F(3) * yy)
        if degree > 3:
            out[16] = _C4[0] * xy * (xx - yy)
            out[17] = _C4[1] * yz * (F(3) * xx - yy)
            out[18] = _C4[2] * xy * (F(7) * zz - F(1))
            out[19] = _C4[3] * yz * (F(7) * zz - F(3))
            out[20] = _C4[4] * (zz * (F(35) * zz - F(30)) + F(3))
            out[21] = _C4[5] * xz * (F(7) * zz - F(3))
            out[22] = _C4[6] * (xx - yy) * (F(7) * zz - F(1))
            out[23] = _C4[7] * xz * (xx - F(3) * yy)
            out[24] = _C4[8] * (xx * (xx - F(3) * yy) - yy * (F(3) * xx - yy))


@njit(inline="always")
def sh_basis_gradient(degree: int, x: Any, y: Any, z: Any, v: Any) -> Any:
    """Sum over coefficients of v[k] * d basis_k / d(x, y, z), with x, y, z taken as independent."""
    dx, dy, dz = F(0), F(0), F(0)
    if degree > 0:
        dy += _C1[0] * v[1]
        dz += _C1[1] * v[2]
        dx += _C1[2] * v[3]
    if degree > 1:
        xx, yy, zz, xy, yz, xz = x * x, y * y, z * z, x * y, y * z, x * z
        dx += _C2[0] * y * v[4] - F(2) * _C2[2] * x * v[6] + _C2[3] * z * v[7] + F(2) * _C2[4] * x * v[8]
        dy += _C2[0] * x * v[4] + _C2[1] * z * v[5] - F(2) * _C2[2] * y * v[6] - F(2) * _C2[4] * y * v[8]
        dz += _C2[1] * y * v[5] + F(4) * _C2[2] * z * v[6] + _C2[3] * x * v[7]
        if degree > 2:
            dx += (
                _C3[0] * F(6) * xy * v[9]
                + _C3[1] * yz * v[10]
                - F(2) * _C3[2] * xy * v[11]
                - F(6) * _C3[3] * xz * v[12]
                + _C3[4] * (F(4) * zz - F(3) * xx - yy) * v[13]
                + F(2) * _C3[5] * xz * v[14]
                + _C3[6] * F(3) * (xx - yy) * v[15]
            )
            dy += (
                _C3[0] * F(3) * (xx - yy) * v[9]
                + _C3[1] * xz * v[10]
                + _C3[2] * (F(4) * zz - xx - F(3) * yy) * v[11]
                - F(6) * _C3[3] * yz * v[12]
                - F(2) * _C3[4] * xy * v[13]
                - F(2) * _C3[5] * yz * v[14]
                - F(6) * _C3[6] * xy * v[15]
            )
            dz += (
                _C3[1] * xy * v[10]
                + F(8) * _C3[2] * yz * v[11]
                + _C3[3] * (F(6) * zz - F(3) * xx - F(3) * yy) * v[12]
                + F(8) * _C3[4] * xz * v[13]
                + _C3[5] * (xx - yy) * v[14]
            )
        if degree > 3:
            dx += (
                _C4[0] * y * (F(3) * xx - yy) * v[16]
                + _C4[1] * F(6) * xy * z * v[17]
                + _C4[2] * y * (F(7) * zz - F(1)) * v[18]
                + _C4[5] * z * (F(7) * zz - F(3)) * v[21]
                + _C4[6] * F(2) * x * (F(7) * zz - F(1)) * v[22]
                + _C4[7] * F(3) * z * (xx - yy) * v[23]
                + _C4[8] * F(4) * x * (xx - F(3) * yy) * v[24]
            )
            dy += (
                _C4[0] * x * (xx - F(3) * yy) * v[16]
                + _C4[1] * F(3) * z * (xx - yy) * v[17]
                + _C4[2] * x * (F(7) * zz - F(1)) * v[18]
                + _C4[3] * z * (F(7) * zz - F(3)) * v[19]
                - _C4[6] * F(2) * y * (F(7) * zz - F(1)) * v[22]
                - _C4[7] * F(6) * xy * z * v[23]
                + _C4[8] * F(4) * y * (yy - F(3) * xx) * v[24]
            )
            dz += (
                _C4[1] * y * (F(3) * xx - yy) * v[17]
                + _C4[2] * F(14) * xy * z * v[18]
                + _C4[3] * y * (F(21) * zz - F(3)) * v[19]
                + _C4[4] * z * (F(140) * zz - F(60)) * v[20]
                + _C4[5] * x * (F(21) * zz - F(3)) * v[21]
                + _C4[6] * F(14) * z * (xx - yy) * v[22]
                + _C4[7] * x * (xx - F(3) * yy) * v[23]
            )
    return dx, dy, dz


@njit(inline="always")
def rotation(w: Any, x: Any, y: Any, z: Any) -> Any:
    """Row-major rotation matrix of a unit quaternion."""
    two = F(2)
    one = F(1)
    return (
        one - two * (y * y + z * z),
        two * (x * y - w * z),
        two * (x * z + w * y),
        two * (x * y + w * z),
        one - two * (x * x + z * z),
        two * (y * z - w * x),
        two * (x * z - w * y),
        two * (y * z + w * x),
        one - two * (x * x + y * y),
    )


@njit(inline="always")
def _clamped(value: Any, limit: Any) -> Any:
    return min(limit, max(-limit, value))


@njit(inline="always")
def image_axes(t00: Any, t01: Any, t02: Any, t10: Any, t11: Any, t12: Any, r: Any, log_scales: Any, i: int) -> Any:
    """Gaussian i's three axes on the image plane, px: [2, 3], the row of x first."""
    s0, s1, s2 = math.exp(log_scales[i, 0]), math.exp(log_scales[i, 1]), math.exp(log_scales[i, 2])
    return (
        (t00 * r[0] + t01 * r[3] + t02 * r[6]) * s0,
        (t00 * r[1] + t01 * r[4] + t02 * r[7]) * s1,
        (t00 * r[2] + t01 * r[5] + t02 * r[8]) * s2,
        (t10 * r[0] + t11 * r[3] + t12 * r[6]) * s0,
        (t10 * r[1] + t11 * r[4] + t12 * r[7]) * s1,
        (t10 * r[2] + t11 * r[5] + t12 * r[8]) * s2,
    )


@njit(inline="always")
def minors(u: Any) -> Any:
    """Minors of the axes [2, 3]; the sum of their squares is the covariance's determinant (Cauchy and Binet)."""
    return u[1] * u[5] - u[2] * u[4], u[2] * u[3] - u[0] * u[5], u[0] * u[4] - u[1] * u[3]


# The camera as one float32 vector: camera_from_world rotation (9, row-major), translation (3), fx, fy, cx, cy,
# tangent limits x and y, position in the world (3), near plane.


@njit(parallel=True, fastmath={"contract", "arcp", "nsz"}, cache=True, nogil=True)
def project(
    means: Any, log_scales: Any, quats: Any, logits: Any, opacity_scale: Any, camera: Any, width: int, height: int,
    antialiased: Any, geometry: Any, box: Any,
) -> None:  # fmt: skip
    """EWA projection (3DGS rule) of every Gaussian.

    Args:
        means, log_scales, quats, logits: as in ``Gaussians``.
        opacity_scale: [N] factors on the opacity, or an empty array for 1.
        camera: [22] float32, see above.
        antialiased: of an antialiased scene, the variance of its pixel filter as float32, else None: numba compiles
            either, and the second has no trace of the first.
        geometry: out, [N, 8] float32, see the column names.
        box: out, [N, 4] int32, first and last pixel column and row where alpha >= 1/255; box[:, 0] = -1: not drawn.
    """
    c = camera
    scaled = opacity_scale.size > 0
    for i in prange(means.shape[0]):
        box[i, 0] = -1
        px, py, pz = means[i, 0], means[i, 1], means[i, 2]
        z = c[6] * px + c[7] * py + c[8] * pz + c[11]
        if not z > c[21]:
            continue
        opacity = F(1) / (F(1) + math.exp(-logits[i]))
        drawn = opacity
        if scaled:
            drawn = opacity * opacity_scale[i]
        if not drawn >= F(ALPHA_MIN):
            continue
        lo = F(math.log2(drawn))
        x = c[0] * px + c[1] * py + c[2] * pz + c[9]
        y = c[3] * px + c[4] * py + c[5] * pz + c[10]
        iz = F(1) / z
        mx = c[12] * x * iz + c[14] - F(0.5)
        my = c[13] * y * iz + c[15] - F(0.5)
        qw, qx, qy, qz = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
        inv = F(1) / (math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz) + F(1e-12))
        r = rotation(qw * inv, qx * inv, qy * inv, qz * inv)
        tx, ty = _clamped(x * iz, c[16]), _clamped(y * iz, c[17])
        j00, j02, j11, j12 = c[12] * iz, -c[12] * tx * iz, c[13] * iz, -c[13] * ty * iz
        t00, t01, t02 = j00 * c[0] + j02 * c[6], j00 * c[1] + j02 * c[7], j00 * c[2] + j02 * c[8]
        t10, t11, t12 = j11 * c[3] + j12 * c[6], j11 * c[4] + j12 * c[7], j11 * c[5] + j12 * c[8]
        low_pass = F(LOW_PASS)
        if antialiased is not None:
            low_pass = antialiased
        a, b, d = low_pass, F(0), low_pass
        for k in range(3):
            s = math.exp(log_scales[i, k])
            u0 = (t00 * r[k] + t01 * r[3 + k] + t02 * r[6 + k]) * s
            u1 = (t10 * r[k] + t11 * r[3 + k] + t12 * r[6 + k]) * s
            a += u0 * u0
            b += u0 * u1
            d += u1 * u1
        det = a * d - b * b
        if not det > F(0):
            continue
        if antialiased is not None:
            m0, m1, m2 = minors(image_axes(t00, t01, t02, t10, t11, t12, r, log_scales, i))
            narrow = m0 * m0 + m1 * m1 + m2 * m2
            # The determinant from what the filter adds to it: a d - b b loses the digits of a needle.
            det = narrow + low_pass * (a + d - low_pass)
            drawn *= math.sqrt(narrow / det)
            if not drawn >= F(ALPHA_MIN):
                continue
            lo = F(math.log2(drawn))
        extent = F(2) * (lo - LOG2_ALPHA_MIN) / LOG2E
        rx, ry = math.sqrt(extent * a), math.sqrt(extent * d)
        # A hair wider than the ellipse, so that rounding never loses a pixel that the exact test would keep.
        x0, x1 = mx - rx - F(1e-3), mx + rx + F(1e-3)
        y0, y1 = my - ry - F(1e-3), my + ry + F(1e-3)
        if not (x1 >= F(0) and y1 >= F(0) and x0 <= F(width - 1) and y0 <= F(height - 1)):
            continue
        ix0, ix1 = int(math.ceil(max(x0, F(0)))), int(math.floor(min(x1, F(width - 1))))
        iy0, iy1 = int(math.ceil(max(y0, F(0)))), int(math.floor(min(y1, F(height - 1))))
        if ix0 > ix1 or iy0 > iy1:
            continue
        idet = F(1) / det
        geometry[i, MX] = mx
        geometry[i, MY] = my
        geometry[i, CA] = F(-0.5) * LOG2E * d * idet
        geometry[i, CB] = LOG2E * b * idet
        geometry[i, CC] = F(-0.5) * LOG2E * a * idet
        geometry[i, LO] = lo
        geometry[i, DEPTH] = z
        geometry[i, OPACITY] = opacity
        box[i, 0] = ix0
        box[i, 1] = ix1
        box[i, 2] = iy0
        box[i, 3] = iy1


@njit(parallel=True, fastmath={"contract", "arcp", "nsz", "reassoc"}, cache=True, nogil=True)
def colours(drawn: Any, rank: Any, means: Any, sh: Any, degree: int, position: Any, out: Any) -> None:
    """View-dependent colour max(0, SH + 0.5) of Gaussian drawn[d] into out[rank[d], 0:3]."""
    count = (degree + 1) * (degree + 1)
    chunks = (drawn.size + 1023) // 1024
    for chunk in prange(chunks):
        basis = np.empty(25, np.float32)
        for d in range(chunk * 1024, min(drawn.size, chunk * 1024 + 1024)):
            i, g = drawn[d], rank[d]
            x, y, z = means[i, 0] - position[0], means[i, 1] - position[1], means[i, 2] - position[2]
            inv = F(1) / (math.sqrt(x * x + y * y + z * z) + F(1e-12))
            sh_basis(degree, x * inv, y * inv, z * inv, basis)
            red, green, blue = F(0.5), F(0.5), F(0.5)
            for k in range(count):
                red += basis[k] * sh[i, k, 0]
                green += basis[k] * sh[i, k, 1]
                blue += basis[k] * sh[i, k, 2]
            out[g, 0] = max(F(0), red)
            out[g, 1] = max(F(0), green)
            out[g, 2] = max(F(0), blue)
