# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The rasterisation rule in plain torch, float64: what the fast rasterisers are held to.

Written to be read, for small scenes and few pixels: every pixel meets every Gaussian that can reach it, in tensors of
[pixels, Gaussians]. All results are differentiable by torch's own autograd. The rule is that of 3D Gaussian Splatting
(Kerbl et al., SIGGRAPH 2023), projection after EWA splatting (Zwicker et al., Visualization 2001):

    alpha_i(p) = opacity_i * exp(-1/2 d^T conic_i d), d = p - mean_i    skipped when < 1/255, clipped at 0.99
    T_i(p)     = prod_{j before i} (1 - alpha_j(p))                     front to back by camera z
    w_i(p)     = alpha_i(p) T_i(p)                                      until T would fall below 1e-4
    image(p)   = sum_i w_i(p) colour_i + T(p) background

In antialiased scenes opacity_i is multiplied by sqrt(det S / det(S + f I)), with the covariance S before f I, the pixel
filter, is added to it (Yu et al., Mip-Splatting, CVPR 2024). The Gaussian that would bring T below 1e-4 is not drawn,
nor is anything behind it. No gradient passes the clip, nor the choice of what is drawn and in which order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.raster.rule import ALPHA_MAX, ALPHA_MIN, FOV_GUARD, TILE, TRANSMITTANCE_MIN
from splatcut.raster.types import Accumulated
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import CLASSIC, F32, Gaussians, PixelFilter
from splatcut.scene.rotations import rotation_rows
from splatcut.scene.sh import harmonics

#: At most this many (pixel, Gaussian) pairs are held in one tensor.
PAIRS_AT_ONCE = 1 << 21


@dataclass(frozen=True, eq=False)
class Projected:
    """The M Gaussians in front of the camera whose opacity reaches 1/255, front to back.

    Attributes:
        index: [M] int64, their rows in the scene.
        mean: [M, 2], image px (centre of the top-left pixel at 0.5, 0.5).
        covariance: [M, 2, 2], square px, pixel filter included.
        opacity: [M] in [0, 1], as drawn.
    """

    index: Tensor
    mean: Tensor
    covariance: Tensor
    opacity: Tensor


def sh_basis(directions: Tensor, degree: int) -> Tensor:
    """[N, (degree + 1)^2] ``scene.sh.harmonics`` of directions [N, 3] of unit length, degree 0 to 4."""
    x, y, z = directions.unbind(-1)
    return torch.stack(harmonics(x, y, z, degree), dim=-1)


def colours(means: Tensor, sh: Tensor, camera: Camera, sh_degree: int | None = None) -> Tensor:
    """[N, 3] display-referred sRGB of the Gaussians as the camera sees them, max(0, 0.5 + SH), not clamped above.

    Args:
        means: [N, 3], world frame.
        sh: [N, K, 3], K = (degree + 1)^2.
        sh_degree: uses only the terms up to this degree when given.
    """
    stored = round(sh.shape[1] ** 0.5) - 1
    degree = stored if sh_degree is None else min(sh_degree, stored)
    offset = means.double() - torch.from_numpy(camera.position).to(means.device)
    directions = offset / (offset.norm(dim=-1, keepdim=True) + 1e-12)
    basis = sh_basis(directions, degree)
    return (0.5 + torch.einsum("nk,nkc->nc", basis, sh.double()[:, : basis.shape[1]])).clamp(min=0.0)


def rotations(quats: Tensor) -> Tensor:
    """[N, 3, 3] rotation matrices of wxyz quaternions [N, 4] of any non-zero length."""
    rows = rotation_rows(*(quats / (quats.norm(dim=-1, keepdim=True) + 1e-12)).unbind(-1))
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def project(
    means: Tensor,
    log_scales: Tensor,
    quats: Tensor,
    opacity_logits: Tensor,
    camera: Camera,
    opacity_scale: Tensor | None = None,
    pixel_filter: PixelFilter = CLASSIC,
) -> Projected:
    """Projects Gaussians to the image plane (EWA) and sorts them by depth; equal depths keep their order."""
    transform = torch.from_numpy(np.asarray(camera.camera_from_world, dtype=np.float64)).to(means.device)
    rotation, translation = transform[:3, :3], transform[:3, 3]
    opacity = torch.sigmoid(opacity_logits.double())
    if opacity_scale is not None:
        opacity = opacity * opacity_scale.double()
    points = means.double() @ rotation.T + translation
    with torch.no_grad():
        drawn = torch.nonzero((points[:, 2] > camera.near) & (opacity >= ALPHA_MIN)).squeeze(1)
        index = drawn[torch.argsort(points[drawn, 2], stable=True)]
    x, y, z = points[index].unbind(-1)
    mean = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], dim=-1)
    # Far off the axis the linearisation explodes: it is taken at a point not far outside the image.
    limit_x, limit_y = FOV_GUARD * 0.5 * camera.width / camera.fx, FOV_GUARD * 0.5 * camera.height / camera.fy
    slope_x, slope_y = (x / z).clamp(-limit_x, limit_x), (y / z).clamp(-limit_y, limit_y)
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([camera.fx / z, zero, -camera.fx * slope_x / z], dim=-1),
            torch.stack([zero, camera.fy / z, -camera.fy * slope_y / z], dim=-1),
        ],
        dim=-2,
    )
    axes = rotations(quats.double()[index]) * log_scales.double()[index].exp()[:, None, :]
    image_axes = jacobian @ rotation @ axes
    narrow = image_axes @ image_axes.transpose(1, 2)
    wide = narrow + pixel_filter.variance * torch.eye(2, dtype=torch.float64, device=means.device)
    opacity = opacity[index]
    if not pixel_filter.compensated:
        return Projected(index, mean, wide, opacity)
    # det(A A^T) is the sum of A's squared minors (Cauchy and Binet), which loses no digits where A is a needle.
    minors = torch.linalg.cross(image_axes[:, 0], image_axes[:, 1])
    opacity = opacity * torch.sqrt((minors**2).sum(dim=1).clamp(min=1e-100) / torch.linalg.det(wide))
    shown = opacity.detach() >= ALPHA_MIN
    return Projected(index[shown], mean[shown], wide[shown], opacity[shown])


def blocks(splats: Projected, camera: Camera, tiles: NDArray[np.bool_] | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Blocks of pixels with the Gaussians that can reach them.

    Yields:
        pixels: [P, 2] int64, column and row.
        near: [m] int64, rows of ``splats``, front to back: a superset of those whose alpha is at least 1/255.
    """
    device = splats.mean.device
    mean, spread = splats.mean.detach(), torch.diagonal(splats.covariance.detach(), dim1=1, dim2=2)
    reach = torch.sqrt(2 * torch.log(splats.opacity.detach() / ALPHA_MIN)[:, None] * spread) + 1.0
    first, last = mean - reach, mean + reach
    for top in range(0, camera.height, TILE):
        for left in range(0, camera.width, TILE):
            if tiles is not None and not tiles[top // TILE, left // TILE]:
                continue
            bottom, right = min(top + TILE, camera.height), min(left + TILE, camera.width)
            touches = (first[:, 0] < right) & (last[:, 0] > left) & (first[:, 1] < bottom) & (last[:, 1] > top)
            near = torch.nonzero(touches).squeeze(1)
            rows, columns = torch.arange(top, bottom, device=device), torch.arange(left, right, device=device)
            pixels = torch.cartesian_prod(rows, columns).flip(1)
            yield from ((part, near) for part in pixels.split(max(1, PAIRS_AT_ONCE // max(1, near.numel()))))


def blending_weights(splats: Projected, near: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The rule itself, at pixels [P, 2] for the Gaussians ``near`` [m]: w [P, m] and what is left of T [P]."""
    conic = torch.linalg.inv(splats.covariance[near])
    dx, dy = (pixels.double()[:, None, :] + 0.5 - splats.mean[near]).unbind(-1)
    distance = conic[:, 0, 0] * dx * dx + 2 * conic[:, 0, 1] * dx * dy + conic[:, 1, 1] * dy * dy
    alpha = splats.opacity[near] * torch.exp(-0.5 * distance)
    alpha = alpha.clamp(max=ALPHA_MAX)
    alpha = torch.where(alpha >= ALPHA_MIN, alpha, 0.0)
    # The transmittance behind a Gaussian only falls, so once it is too small it stays so: nothing behind is drawn.
    drawn = torch.cumprod(1 - alpha, dim=1) >= TRANSMITTANCE_MIN
    alpha = torch.where(drawn, alpha, 0.0)
    whole = torch.ones(len(pixels), 1, dtype=torch.float64, device=alpha.device)
    left = torch.cat([whole, torch.cumprod(1 - alpha, dim=1)], dim=1)
    return alpha * left[:, :-1], left[:, -1]


def render(
    means: Tensor,
    log_scales: Tensor,
    quats: Tensor,
    opacity_logits: Tensor,
    sh: Tensor,
    camera: Camera,
    *,
    features: Tensor | None = None,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    opacity_scale: Tensor | None = None,
    tiles: NDArray[np.bool_] | None = None,
    sh_degree: int | None = None,
    pixel_filter: PixelFilter = CLASSIC,
) -> tuple[Tensor, Tensor, Tensor]:
    """Renders; differentiable with respect to every tensor.

    Args:
        means, log_scales, quats, opacity_logits, sh: as in ``Gaussians``.
        features: [N, C], blended like colours, over 0.
        background: display-referred sRGB behind the scene.
        opacity_scale: [N] in [0, 1], factors on the opacities.
        tiles: [tiles down, tiles across] bool; pixels of other tiles are left at 0, their transmittance at 1.
        sh_degree: uses only the terms up to this degree when given.
        pixel_filter: of the scene.

    Returns:
        image [H, W, 3] (not clamped above), features [H, W, C], transmittance [H, W]; float64.
    """
    splats = project(means, log_scales, quats, opacity_logits, camera, opacity_scale, pixel_filter)
    values = colours(means, sh, camera, sh_degree)
    if features is not None:
        values = torch.cat([values, features.double()], dim=1)
    values = values[splats.index]
    ground = torch.zeros(values.shape[1], dtype=torch.float64, device=means.device)
    ground[:3] = torch.tensor(background, dtype=torch.float64)
    size = camera.height * camera.width
    numbers, blended, left = [torch.zeros(0, dtype=torch.int64, device=means.device)], [values[:0]], [ground[:0]]
    for pixels, near in blocks(splats, camera, tiles):
        weight, transmittance = blending_weights(splats, near, pixels)
        numbers.append(pixels[:, 1] * camera.width + pixels[:, 0])
        blended.append(weight @ values[near] + transmittance[:, None] * ground)
        left.append(transmittance)
    number = torch.cat(numbers)
    out = torch.zeros(size, values.shape[1], dtype=torch.float64, device=means.device)
    out = out.index_copy(0, number, torch.cat(blended)).reshape(camera.height, camera.width, -1)
    transmittance = torch.ones(size, dtype=torch.float64, device=means.device).index_copy(0, number, torch.cat(left))
    return out[..., :3], out[..., 3:], transmittance.reshape(camera.height, camera.width)


@torch.no_grad()
def accumulate(
    gaussians: Gaussians, camera: Camera, signals: F32, *, tiles: NDArray[np.bool_] | None = None
) -> Accumulated:
    """See ``splatcut.raster.accumulate``; the gradient of sum_p features(p) * signals(p) by the features."""
    g = gaussians
    means, scales, quats, logits = map(torch.from_numpy, (g.means, g.log_scales, g.quats, g.opacity_logits))
    splats = project(means, scales, quats, logits, camera, pixel_filter=g.pixel_filter)
    sums = torch.zeros(len(g), 1 + len(signals), dtype=torch.float64)
    for pixels, near in blocks(splats, camera, tiles):
        weight, _ = blending_weights(splats, near, pixels)
        here = torch.from_numpy(signals).double()[:, pixels[:, 1], pixels[:, 0]].T
        sums.index_add_(0, splats.index[near], weight.T @ torch.cat([here.new_ones(len(pixels), 1), here], dim=1))
    return Accumulated(*(np.ascontiguousarray(part, np.float32) for part in (sums[:, 0], sums[:, 1:])))
