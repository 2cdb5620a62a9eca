# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which surface of a splat lies under a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from splatcut.scene.camera import Camera
from splatcut.scene.rotations import rotation_matrices

if TYPE_CHECKING:
    from .arrays import SplatArrays

#: The numbers of the engine's rasterisation rule (splatcut.raster.rule, which is not imported: it brings more along).
ALPHA_MIN = 1.0 / 255.0
ALPHA_MAX = 0.9900000095367432
FOV_GUARD = 1.3
#: The surface lies where this share of the light from behind is left.
SURFACE = 0.5
#: Gaussians looked at in one go: their intermediate results stay in the processor's cache.
_CHUNK = 1 << 15


def pick(arrays: SplatArrays, camera: Camera, x: float, y: float) -> tuple[NDArray[np.float64], int] | None:
    """The surface point under a pixel, and the Gaussian that makes it.

    The Gaussians at (x, y) are blended from the front by the engine's rule; the one that lets the transmittance fall
    below one half is the surface, and the point on the pixel's ray where that Gaussian is densest is the position.

    Args:
        arrays: the splat's arrays: positions, scales, quats and opacity are used.
        camera: in the file's frame.
        x, y: pixels, centres at +0.5.

    Returns:
        (position [3] float64 in the file's frame, index of the Gaussian), or None where less than half of the
        background is covered.
    """
    found = blended(arrays, camera, x, y)
    if found is None:
        return None
    index, _, transmittance = found
    reached = np.flatnonzero(transmittance < SURFACE)
    if not reached.size:
        return None
    surface = int(index[reached[0]])
    return _densest(arrays, camera, x, y, surface), surface


def blended(
    arrays: SplatArrays, camera: Camera, x: float, y: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]] | None:
    """The Gaussians that show at a pixel, from the front: indices, alphas, and transmittance behind each; or None."""
    near = _candidates(arrays, camera, x, y)
    if not near.size:
        return None
    depth, alpha = _alpha(arrays, camera, x, y, near)
    drawn = alpha >= ALPHA_MIN
    near, depth, alpha = near[drawn], depth[drawn], np.minimum(alpha[drawn], ALPHA_MAX)
    if not near.size:
        return None
    order = np.argsort(depth, kind="stable")
    return near[order], alpha[order], np.multiply.accumulate(1 - alpha[order])


def _candidates(arrays: SplatArrays, camera: Camera, x: float, y: float) -> NDArray[np.int64]:
    """Indices of the Gaussians that may reach the pixel: no more than a bound on each one's projected extent."""
    m = camera.camera_from_world
    tangent_x, tangent_y = (x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy
    # Rows: distance from the pixel in pixels times depth, right and down; depth.
    rows = np.stack([camera.fx * (m[0] - tangent_x * m[2]), camera.fy * (m[1] - tangent_y * m[2]), m[2]])
    linear, offset = rows[:, :3].T.astype(np.float32), rows[:, 3].astype(np.float32)
    limits = _limits(camera)
    # Largest eigenvalue of the projected covariance <= (focal / depth * largest scale)^2 (1 + tangents^2) + low pass.
    reach = np.float32(-2 * np.log(ALPHA_MIN) * 1.01)
    stretch = np.float32(max(camera.fx, camera.fy) ** 2 * (1 + limits[0] ** 2 + limits[1] ** 2))
    near, low_pass = np.float32(camera.near), np.float32(arrays.pixel_filter.variance)
    found = []
    for start in range(0, len(arrays.positions), _CHUNK):
        part = slice(start, start + _CHUNK)
        p = arrays.positions[part] @ linear
        p += offset
        scales = arrays.scales[part]
        largest = np.maximum(np.maximum(scales[:, 0], scales[:, 1]), scales[:, 2])
        z = p[:, 2]
        bound = (largest * largest) * stretch
        bound += low_pass * (z * z)
        bound *= reach
        hit = p[:, 0] * p[:, 0] + p[:, 1] * p[:, 1] <= bound
        hit &= z > near
        index = np.flatnonzero(hit)
        if index.size:
            found.append(index + start)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _alpha(
    arrays: SplatArrays, camera: Camera, x: float, y: float, index: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Depths and alphas (not clipped) at a pixel of the Gaussians ``index``, by the engine's rule, in float64."""
    rotation = camera.camera_from_world[:3, :3]
    p = arrays.positions[index].astype(np.float64) @ rotation.T + camera.camera_from_world[:3, 3]
    z = p[:, 2]
    limits = _limits(camera)
    tangents = np.clip(p[:, :2] / z[:, None], -limits, limits)
    focal = np.array([camera.fx, camera.fy])
    jacobian = np.zeros((len(index), 2, 3))
    jacobian[:, 0, 0], jacobian[:, 1, 1] = camera.fx / z, camera.fy / z
    jacobian[:, :, 2] = -focal * tangents / z[:, None]
    axes = jacobian @ rotation @ (rotation_matrices(arrays.quats[index]) * arrays.scales[index][:, None, :])
    covariance = axes @ axes.transpose(0, 2, 1)
    low_pass = arrays.pixel_filter.variance
    a, b, c = covariance[:, 0, 0] + low_pass, covariance[:, 0, 1], covariance[:, 1, 1] + low_pass
    determinant = a * c - b * b
    dx, dy = x - (focal[0] * p[:, 0] / z + camera.cx), y - (focal[1] * p[:, 1] / z + camera.cy)
    power = -0.5 * (c * dx * dx - 2 * b * dx * dy + a * dy * dy) / determinant
    opacity = arrays.opacity[index].astype(np.float64)
    if arrays.pixel_filter.compensated:
        opacity *= np.sqrt(np.maximum(np.linalg.det(covariance), 0) / determinant)
    return z, opacity * np.exp(power)


def _limits(camera: Camera) -> NDArray[np.float64]:
    """[2] tangents at which the projection's linearisation is held back."""
    return FOV_GUARD * 0.5 * np.array([camera.width / camera.fx, camera.height / camera.fy])


def _densest(arrays: SplatArrays, camera: Camera, x: float, y: float, index: int) -> NDArray[np.float64]:
    """[3] float64: where on the pixel's ray one Gaussian is densest, file frame."""
    m = camera.camera_from_world
    ray = m[:3, :3].T @ np.array([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, 1.0])
    centre = camera.position
    mean = arrays.positions[index].astype(np.float64)
    depth = float(m[2, :3] @ mean + m[2, 3])
    scales = arrays.scales[index].astype(np.float64)
    # No thinner than this: a Gaussian without any thickness has no density to look for.
    scales = np.maximum(scales, 1e-4 * max(float(scales.max()), 1e-12))
    axes = rotation_matrices(arrays.quats[index : index + 1])[0] / scales
    direction, to_mean = ray @ axes, (mean - centre) @ axes
    along = float(direction @ to_mean / (direction @ direction))
    # The low-pass filter makes a Gaussian reach pixels whose rays pass it by: there its own depth is the best guess.
    if abs(along - depth) > 3 * float(scales.max()) or along <= 0:
        along = depth
    return centre + along * ray
