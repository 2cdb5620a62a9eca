# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Backward pass of the projection: from the pixels' sums to the parameters of every Gaussian (numba)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange

from splatcut.raster.cpu_backward import MOMENTS
from splatcut.raster.cpu_project import (
    CA,
    CB,
    CC,
    LOG2E,
    OPACITY,
    _clamped,
    image_axes,
    minors,
    rotation,
    sh_basis,
    sh_basis_gradient,
)

F = np.float32


@njit(inline="always")
def _colour_backward(
    i: int, degree: int, means: Any, sh: Any, camera: Any, red: Any, green: Any, blue: Any, basis: Any, weighted: Any,
    sh_gradient: Any,
) -> Any:  # fmt: skip
    """Gradient of SH + 0.5: writes the coefficients', returns the part on the mean through the direction."""
    count = (degree + 1) * (degree + 1)
    x, y, z = means[i, 0] - camera[18], means[i, 1] - camera[19], means[i, 2] - camera[20]
    inv = F(1) / (math.sqrt(x * x + y * y + z * z) + F(1e-12))
    x, y, z = x * inv, y * inv, z * inv
    sh_basis(degree, x, y, z, basis)
    for k in range(count):
        b = basis[k]
        sh_gradient[i, k, 0] = b * red
        sh_gradient[i, k, 1] = b * green
        sh_gradient[i, k, 2] = b * blue
    for k in range(count):
        weighted[k] = sh[i, k, 0] * red + sh[i, k, 1] * green + sh[i, k, 2] * blue
    gx, gy, gz = sh_basis_gradient(degree, x, y, z, weighted)
    along = gx * x + gy * y + gz * z
    return (gx - along * x) * inv, (gy - along * y) * inv, (gz - along * z) * inv


@njit(inline="always")
def _compensation_backward(u: Any, low_pass: Any, weight: Any) -> Any:
    """Gradient of the logarithm of the opacity's compensation with respect to the axes, in ``image_axes``'s order.

    It is 1/2 log(n / d), n = |m|^2 of the minors m, d = n + f (|U|^2 + f). With both terms over one denominator nothing
    cancels where the filter hardly matters.
    """
    m0, m1, m2 = minors(u)
    narrow = m0 * m0 + m1 * m1 + m2 * m2
    added = u[0] * u[0] + u[1] * u[1] + u[2] * u[2] + u[3] * u[3] + u[4] * u[4] + u[5] * u[5] + low_pass
    on_axes = weight * low_pass / (narrow + low_pass * added)
    on_minors = on_axes * added / narrow
    return (
        on_minors * (u[4] * m2 - u[5] * m1) - on_axes * u[0],
        on_minors * (u[5] * m0 - u[3] * m2) - on_axes * u[1],
        on_minors * (u[3] * m1 - u[4] * m0) - on_axes * u[2],
        on_minors * (u[2] * m1 - u[1] * m2) - on_axes * u[3],
        on_minors * (u[0] * m2 - u[2] * m0) - on_axes * u[4],
        on_minors * (u[1] * m0 - u[0] * m1) - on_axes * u[5],
    )


# Sums keep their order ("reassoc" is not allowed): with it, a kernel just compiled and one loaded from numba's cache
# differ in the last bits, and so would a run and the same run that goes on in another process.
@njit(parallel=True, fastmath={"contract", "arcp", "nsz"}, cache=True, nogil=True)
def project_backward(
    drawn: Any, rank: Any, slot_start: Any, sums: Any, geometry: Any, values: Any, camera: Any, means: Any,
    log_scales: Any, quats: Any, sh: Any, degree: int, colour: bool, antialiased: Any, g_means: Any, g_scales: Any,
    g_quats: Any, g_logits: Any, g_sh: Any, g_features: Any, g_log_opacity: Any,
) -> None:  # fmt: skip
    """Gradients of the drawn Gaussians' parameters; rows of the others are left as they are (zero).

    Args:
        drawn, rank: [M], as in ``cpu.Prepared``.
        values: [M, C] channels in depth order; a colour of 0 was clamped and gets no gradient.
        sums: [P, 6 + C] from ``cpu_backward.backward``; C is 3 for the colour, if any, then the features.
        antialiased: as in ``cpu_project.project``.
        g_log_opacity: out, [N] gradient with respect to the logarithm of the drawn opacity (for ``opacity_scale``).
        Other outputs have the shapes of the parameters.
    """
    c = camera
    columns = sums.shape[1]
    first_feature = MOMENTS + (3 if colour else 0)
    chunks = (drawn.size + 255) // 256
    for chunk in prange(chunks):
        total = np.empty(columns, np.float32)
        basis = np.zeros(25, np.float32)
        weighted = np.zeros(25, np.float32)
        for d in range(chunk * 256, min(drawn.size, chunk * 256 + 256)):
            # In the scene's own order, so that the parameters stream through the cache; only the small per-view
            # rows are looked up.
            i, g = drawn[d], rank[d]
            total[:] = F(0)
            for slot in range(slot_start[g], slot_start[g + 1]):
                for column in range(columns):
                    total[column] += sums[slot, column]
            for column in range(first_feature, columns):
                g_features[i, column - first_feature] = total[column]
            g_log_opacity[i] = total[0]
            g_logits[i] = total[0] * (F(1) - geometry[g, OPACITY])
            # Inverse covariance (conic): exponent = -0.5 (kxx dx^2 + 2 kxy dx dy + kyy dy^2).
            kxx, kxy, kyy = (
                F(-2) * geometry[g, CA] / LOG2E,
                -geometry[g, CB] / LOG2E,
                F(-2) * geometry[g, CC] / LOG2E,
            )
            gmx, gmy = kxx * total[1] + kxy * total[2], kxy * total[1] + kyy * total[2]
            ka, kb, kc = F(-0.5) * total[3], F(-0.5) * total[4], F(-0.5) * total[5]
            # d(covariance) = -K G K, K the conic, G the symmetric gradient on it.
            p00, p01 = kxx * ka + kxy * kb, kxx * kb + kxy * kc
            p10, p11 = kxy * ka + kyy * kb, kxy * kb + kyy * kc
            va, vb, vc = -(p00 * kxx + p01 * kxy), -(p00 * kxy + p01 * kyy), -(p10 * kxy + p11 * kyy)

            px, py, pz = means[i, 0], means[i, 1], means[i, 2]
            x = c[0] * px + c[1] * py + c[2] * pz + c[9]
            y = c[3] * px + c[4] * py + c[5] * pz + c[10]
            z = c[6] * px + c[7] * py + c[8] * pz + c[11]
            iz = F(1) / z
            qw, qx, qy, qz = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
            inv = F(1) / (math.sqrt(qw * qw + qx * qx + qy * qy + qz * qz) + F(1e-12))
            qw, qx, qy, qz = qw * inv, qx * inv, qy * inv, qz * inv
            r = rotation(qw, qx, qy, qz)
            tx, ty = _clamped(x * iz, c[16]), _clamped(y * iz, c[17])
            j00, j02, j11, j12 = c[12] * iz, -c[12] * tx * iz, c[13] * iz, -c[13] * ty * iz
            t00, t01, t02 = j00 * c[0] + j02 * c[6], j00 * c[1] + j02 * c[7], j00 * c[2] + j02 * c[8]
            t10, t11, t12 = j11 * c[3] + j12 * c[6], j11 * c[4] + j12 * c[7], j11 * c[5] + j12 * c[8]
            on_axes = (F(0), F(0), F(0), F(0), F(0), F(0))
            if antialiased is not None:
                u = image_axes(t00, t01, t02, t10, t11, t12, r, log_scales, i)
                on_axes = _compensation_backward(u, antialiased, total[0])
            # Column k: u = T R[:, k] s_k, covariance = sum_k u u^T.
            d00, d01, d02, d10, d11, d12 = F(0), F(0), F(0), F(0), F(0), F(0)
            dq0, dq1, dq2, dq3 = F(0), F(0), F(0), F(0)
            for k in range(3):
                s = math.exp(log_scales[i, k])
                rx, ry, rz = r[k], r[3 + k], r[6 + k]
                u0 = (t00 * rx + t01 * ry + t02 * rz) * s
                u1 = (t10 * rx + t11 * ry + t12 * rz) * s
                e0, e1 = F(2) * (va * u0 + vb * u1), F(2) * (vb * u0 + vc * u1)
                if antialiased is not None:
                    e0 += on_axes[k]
                    e1 += on_axes[3 + k]
                d00 += e0 * rx * s
                d01 += e0 * ry * s
                d02 += e0 * rz * s
                d10 += e1 * rx * s
                d11 += e1 * ry * s
                d12 += e1 * rz * s
                # Gradient on the scaled axis m = R[:, k] s.
                m0, m1, m2 = t00 * e0 + t10 * e1, t01 * e0 + t11 * e1, t02 * e0 + t12 * e1
                g_scales[i, k] = (m0 * rx + m1 * ry + m2 * rz) * s
                m0, m1, m2 = m0 * s, m1 * s, m2 * s
                if k == 0:
                    dq0 += F(2) * (qz * m1 - qy * m2)
                    dq1 += F(2) * (qy * m1 + qz * m2)
                    dq2 += F(2) * (F(-2) * qy * m0 + qx * m1 - qw * m2)
                    dq3 += F(2) * (F(-2) * qz * m0 + qw * m1 + qx * m2)
                elif k == 1:
                    dq0 += F(2) * (qx * m2 - qz * m0)
                    dq1 += F(2) * (qy * m0 - F(2) * qx * m1 + qw * m2)
                    dq2 += F(2) * (qx * m0 + qz * m2)
                    dq3 += F(2) * (-qw * m0 - F(2) * qz * m1 + qy * m2)
                else:
                    dq0 += F(2) * (qy * m0 - qx * m1)
                    dq1 += F(2) * (qz * m0 - qw * m1 - F(2) * qx * m2)
                    dq2 += F(2) * (qw * m0 + qz * m1 - F(2) * qy * m2)
                    dq3 += F(2) * (qx * m0 + qy * m1)
            along = dq0 * qw + dq1 * qx + dq2 * qy + dq3 * qz
            g_quats[i, 0] = (dq0 - along * qw) * inv
            g_quats[i, 1] = (dq1 - along * qx) * inv
            g_quats[i, 2] = (dq2 - along * qy) * inv
            g_quats[i, 3] = (dq3 - along * qz) * inv
            # Through T = J W: gradient on J's four entries, then on the camera-space mean.
            dj00 = d00 * c[0] + d01 * c[1] + d02 * c[2]
            dj02 = d00 * c[6] + d01 * c[7] + d02 * c[8]
            dj11 = d10 * c[3] + d11 * c[4] + d12 * c[5]
            dj12 = d10 * c[6] + d11 * c[7] + d12 * c[8]
            iz2 = iz * iz
            gx, gy = gmx * c[12] * iz, gmy * c[13] * iz
            gz = -(gmx * c[12] * x + gmy * c[13] * y) * iz2
            gz += -c[12] * iz2 * dj00 - c[13] * iz2 * dj11
            # j02 = -fx tx / z with tx = clamp(x / z): the clamp stops the gradient to x, not to z.
            if abs(x * iz) <= c[16]:
                gx -= c[12] * iz2 * dj02
                gz += F(2) * c[12] * x * iz2 * iz * dj02
            else:
                gz += c[12] * tx * iz2 * dj02
            if abs(y * iz) <= c[17]:
                gy -= c[13] * iz2 * dj12
                gz += F(2) * c[13] * y * iz2 * iz * dj12
            else:
                gz += c[13] * ty * iz2 * dj12
            ax, ay, az = F(0), F(0), F(0)
            if colour:
                red = total[MOMENTS] if values[g, 0] > F(0) else F(0)
                green = total[MOMENTS + 1] if values[g, 1] > F(0) else F(0)
                blue = total[MOMENTS + 2] if values[g, 2] > F(0) else F(0)
                ax, ay, az = _colour_backward(i, degree, means, sh, camera, red, green, blue, basis, weighted, g_sh)
            g_means[i, 0] = c[0] * gx + c[3] * gy + c[6] * gz + ax
            g_means[i, 1] = c[1] * gx + c[4] * gy + c[7] * gz + ay
            g_means[i, 2] = c[2] * gx + c[5] * gy + c[8] * gz + az
