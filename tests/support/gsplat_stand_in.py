# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The five functions of gsplat 1.5 that the CUDA rasteriser calls, in plain torch on the CPU.

Signatures, shapes and what is left undefined are gsplat's, so the code around it is tested where there is no GPU. What
gsplat leaves uninitialised is NaN here. One camera; the tiles' lists are replaced by one list for the whole image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from splatcut.raster import reference

ALPHA_MAX = 0.999


def _covariance(
    points: Tensor, rotation: Tensor, quats: Tensor, scales: Tensor, K: Tensor, size: tuple[int, int]
) -> Tensor:
    focal, centre = torch.stack([K[0, 0], K[1, 1]]), K[:2, 2]
    extent = torch.tensor(size, dtype=torch.float32)
    guard = 0.15 * extent / focal
    slope = points[:, :2] / points[:, 2:]
    slope = torch.minimum((extent - centre) / focal + guard, torch.maximum(-centre / focal - guard, slope))
    jacobian = torch.zeros(len(points), 2, 3)
    jacobian[:, 0, 0], jacobian[:, 1, 1] = focal[0] / points[:, 2], focal[1] / points[:, 2]
    jacobian[:, :, 2] = -focal * slope / points[:, 2:]
    axes = jacobian @ rotation @ (reference.rotations(quats) * scales[:, None, :])
    return axes @ axes.transpose(1, 2)


def fully_fused_projection(
    means: Tensor,
    covars: None,
    quats: Tensor,
    scales: Tensor,
    viewmats: Tensor,
    Ks: Tensor,
    width: int,
    height: int,
    *,
    eps2d: float,
    near_plane: float,
    radius_clip: float,
    opacities: Tensor,
    calc_compensations: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    assert viewmats.shape == (1, 4, 4)
    assert Ks.shape == (1, 3, 3)
    assert radius_clip == 0
    assert opacities.shape == (len(means),)
    rotation, translation = viewmats[0, :3, :3], viewmats[0, :3, 3]
    points = means @ rotation.T + translation
    valid = (points[:, 2] >= near_plane) & (opacities >= 1 / 255)
    points = torch.where(valid[:, None], points, torch.tensor([0.0, 0.0, 1.0]))
    narrow = _covariance(points, rotation, quats, scales, Ks[0], (width, height))
    covariance = narrow + eps2d * torch.eye(2)
    compensations = None
    if calc_compensations:
        compensations = (torch.linalg.det(narrow) / torch.linalg.det(covariance)).clamp(min=0.0).sqrt()
        opacities = opacities * compensations.detach()
        valid = valid & (opacities >= 1 / 255)
    mean = points[:, :2] / points[:, 2:] @ Ks[0, :2, :2] + Ks[0, :2, 2]
    inverse = torch.linalg.inv(covariance)
    conic = torch.stack([inverse[:, 0, 0], inverse[:, 0, 1], inverse[:, 1, 1]], dim=1)
    reach = torch.sqrt(2 * torch.log((opacities * 255).clamp(min=1)))[:, None].clamp(max=3.33)
    radii = torch.ceil(reach * torch.diagonal(covariance, dim1=1, dim2=2).detach().sqrt()).int()
    undefined = torch.full_like(mean, torch.nan)
    return (
        torch.where(valid[:, None], radii, 0)[None],
        torch.where(valid[:, None], mean, undefined)[None],
        torch.where(valid, points[:, 2], torch.nan).detach()[None],
        torch.where(valid[:, None], conic, torch.nan)[None],
        None if compensations is None else torch.where(valid, compensations, torch.nan)[None],
    )


def isect_tiles(
    means2d: Tensor, radii: Tensor, depths: Tensor, tile_size: int, tile_width: int, tile_height: int
) -> tuple[None, Tensor, Tensor]:
    assert tile_size == 16
    drawn = torch.nonzero((radii[0] > 0).all(dim=1)).squeeze(1)
    ids = drawn[torch.argsort(depths[0, drawn], stable=True)]
    return None, ids, ids


def isect_offset_encode(isect_ids: Tensor, n_images: int, tile_width: int, tile_height: int) -> Tensor:
    return torch.zeros(n_images, tile_height, tile_width, dtype=torch.int32)


def spherical_harmonics(degrees_to_use: int, dirs: Tensor, coeffs: Tensor, masks: Tensor) -> Tensor:
    unit = torch.nn.functional.normalize(dirs, dim=-1)
    basis = reference.sh_basis(unit, degrees_to_use)
    colour = torch.einsum("nk,nkc->nc", basis, coeffs[:, : basis.shape[1]])
    return torch.where(masks[:, None], colour, torch.nan)


def rasterize_to_pixels(
    means2d: Tensor,
    conics: Tensor,
    colors: Tensor,
    opacities: Tensor,
    image_width: int,
    image_height: int,
    tile_size: int,
    isect_offsets: Tensor,
    flatten_ids: Tensor,
    *,
    masks: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    assert 0 < colors.shape[-1] <= 32
    assert colors.shape[:2] == opacities.shape == means2d.shape[:2]
    rows, columns = torch.meshgrid(torch.arange(image_height), torch.arange(image_width), indexing="ij")
    pixels = torch.stack([columns, rows], dim=-1).reshape(-1, 1, 2) + 0.5
    dx, dy = (pixels - means2d[0, flatten_ids]).unbind(-1)
    a, b, c = conics[0, flatten_ids].unbind(-1)
    alpha = opacities[0, flatten_ids] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)
    alpha = alpha.clamp(max=ALPHA_MAX)
    alpha = torch.where(alpha >= 1 / 255, alpha, 0.0)
    alpha = torch.where(torch.cumprod(1 - alpha, dim=1) > 1e-4, alpha, 0.0)
    left = torch.cat([torch.ones(len(alpha), 1), torch.cumprod(1 - alpha, dim=1)], dim=1)
    out = (alpha * left[:, :-1]) @ colors[0, flatten_ids]
    covered = 1 - left[:, -1:]
    if masks is not None:
        assert masks.shape == isect_offsets.shape
        inside = masks[0].repeat_interleave(tile_size, 0).repeat_interleave(tile_size, 1)
        inside = inside[:image_height, :image_width].reshape(-1, 1)
        out, covered = torch.where(inside, out, 0.0), torch.where(inside, covered, torch.nan)
    return out.reshape(1, image_height, image_width, -1), covered.reshape(1, image_height, image_width, 1)
