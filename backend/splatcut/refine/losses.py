# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The losses on rendered tiles (method: joint optimisation).

Images here are [T, 256, C], T tiles of 16x16 pixels; ``weight`` [T, 256] is how much a pixel counts, 0 outside of the
image.
"""

from __future__ import annotations

import torch
from torch import Tensor

from splatcut.raster.rule import TILE
from splatcut.refine.bands import Band
from splatcut.refine.options import RefineOptions

#: Probabilities are kept this far from 0 and 1 in logarithms.
EPSILON = 1e-4
#: Side of the windows of the structural similarity, pixels, and its share of L_photo.
WINDOW, SIMILARITY = 7, 0.2


#: A band as drawn: image [T, 256, 3], label image [T, 256, K], transmittance [T, 256].
Drawn = tuple[Tensor, Tensor, Tensor]


def total_loss(band: Band, drawn: Drawn, k: int, coverage: Tensor | None, options: RefineOptions) -> Tensor:
    """L = mask L_mask + alone L_alone + photo L_photo, the weights being the options' (method: joint optimisation).

    Pixels count by their tile's weight; L_mask and L_alone also by the view's confidence.

    Args:
        k: the object that L_alone looks at; coverage: [T, 256] of it alone, None where L_alone is off.
    """
    image, labels, _ = drawn
    weight = torch.from_numpy(band.valid * band.weight[:, None])
    masks = torch.from_numpy(band.masks).float() / 255
    loss = image.new_zeros(())
    if options.mask > 0:
        loss = loss + options.mask * mask_loss(labels, masks, weight * float(band.confidence.max()))
    if options.photo > 0:
        loss = loss + options.photo * photo_loss(image, torch.from_numpy(band.photo).float() / 255, weight)
    if coverage is not None:
        judged = weight * ~torch.from_numpy(band.exempt[k]) * float(band.confidence[k])
        loss = loss + options.alone * alone_loss(coverage, torch.from_numpy(band.alone[k]).float() / 255, judged)
    return loss


def mask_loss(labels: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """L_mask: cross-entropy of the label image with the masks, objects and background against each other.

    Args:
        labels: [T, 256, K], blended probabilities; masks: [K, T, 256] in [0, 1].
    """
    targets = masks.permute(1, 2, 0)
    other = (1 - labels.sum(dim=-1)).clamp(EPSILON, 1)
    entropy = -(targets * labels.clamp(EPSILON, 1).log()).sum(dim=-1)
    entropy = entropy - (1 - targets.sum(dim=-1)).clamp(0, 1) * other.log()
    return (entropy * weight).sum() / weight.sum().clamp(min=1)


def alone_loss(coverage: Tensor, mask: Tensor, weight: Tensor) -> Tensor:
    """L_alone: cross-entropy of the object's own coverage [T, 256] with its mask [T, 256]."""
    a = coverage.clamp(EPSILON, 1 - EPSILON)
    entropy = -(mask * a.log() + (1 - mask) * (1 - a).log())
    return (entropy * weight).sum() / weight.sum().clamp(min=1)


def photo_loss(image: Tensor, photo: Tensor, weight: Tensor) -> Tensor:
    """L_photo: L1 and 7x7 structural similarity (windows that lie inside a tile) of [T, 256, 3] in [0, 1]."""
    difference = ((image - photo).abs() * weight[..., None]).sum() / (3 * weight.sum()).clamp(min=1)
    inside = (weight > 0).to(image)[..., None]
    tile = weight.amax(dim=1)
    x, y = _tiles(image * inside), _tiles(photo * inside)
    mx, my, xx, yy, xy = window_means(torch.cat([x, y, x * x, y * y, x * y], dim=1)).split(3, dim=1)
    c1, c2 = 0.01**2, 0.03**2
    numerator = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    denominator = (mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2)
    unlike = ((1 - numerator / denominator).mean(dim=(1, 2, 3)) * tile).sum() / tile.sum().clamp(min=1)
    return (1 - SIMILARITY) * difference + SIMILARITY * unlike


def window_means(images: Tensor) -> Tensor:
    """[..., 16, 16] -> [..., 10, 10]: means over the 7x7 windows, last two axes exchanged.

    Two products with a band matrix: much faster than a pooling on images this small.
    """
    count = TILE - WINDOW + 1
    start = torch.arange(count, device=images.device)[:, None]
    inside = torch.arange(TILE, device=images.device)
    band = ((inside >= start) & (inside < start + WINDOW)).to(images).T / WINDOW
    return (images @ band).transpose(-1, -2) @ band


def _tiles(image: Tensor) -> Tensor:
    """[T, 256, C] -> [T, C, 16, 16]."""
    return image.permute(0, 2, 1).reshape(len(image), -1, TILE, TILE)
