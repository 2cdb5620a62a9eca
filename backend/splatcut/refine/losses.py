# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The losses on rendered tiles (method: joint optimisation). Images here are [T, 256, C], T tiles of 16x16 pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from splatcut.raster.rule import TILE

#: Probabilities are kept this far from 0 and 1 in logarithms.
EPSILON = 1e-4
#: Side of the windows of the structural similarity, pixels.
WINDOW = 7


def mask_loss(labels: Tensor, transmittance: Tensor, masks: Tensor, weight: Tensor) -> Tensor:
    """L_mask: cross-entropy of the label image with the masks, objects and background against each other.

    Args:
        labels: [T, 256, K], blended probabilities; transmittance: [T, 256]; masks: [K, T, 256] in [0, 1].
        weight: [T, 256].
    """
    targets = masks.permute(1, 2, 0)
    other = (1 - labels.sum(dim=-1)).clamp(EPSILON, 1)
    entropy = -(targets * labels.clamp(EPSILON, 1).log()).sum(dim=-1)
    entropy = entropy - (1 - targets.sum(dim=-1)).clamp(0, 1) * other.log()
    return (entropy * weight).sum() / weight.sum().clamp(min=1)


def alone_loss(
    coverage: Tensor, mask: Tensor, weight: Tensor, spill: float = 1.0, emphasis: Tensor | float = 1.0
) -> Tensor:
    """L_alone: cross-entropy of the object's own coverage [T, 256] with its mask [T, 256]; weight [T, 256].

    Args:
        emphasis: [T, 256], what pixels count besides their weight. The sum is divided by the weights alone, so more
            emphasis on some pixels takes nothing from the others.
        spill: pixels outside the mask weigh so many times as much. Above 1, views that contradict each other are
            settled as a visual hull settles them: what sticks out in one view is no part of the object, while what is
            missing in one may lie anywhere along the ray. The best coverage of a pixel stays its mask's value.
    """
    weight = torch.where(mask < 0.5, weight * spill, weight)
    a = coverage.clamp(EPSILON, 1 - EPSILON)
    entropy = -(mask * a.log() + (1 - mask) * (1 - a).log())
    return (entropy * weight * emphasis).sum() / weight.sum().clamp(min=1)


def photo_loss(image: Tensor, photo: Tensor, valid: Tensor, similarity: float = 0.2) -> Tensor:
    """L_photo: L1 and 7x7 structural similarity (windows that lie inside a tile) of [T, 256, 3] in [0, 1]."""
    weight = valid[..., None].to(image)
    difference = ((image - photo).abs() * weight).sum() / (3 * weight.sum()).clamp(min=1)
    if similarity == 0:
        return difference
    x, y = _tiles(image * weight), _tiles(photo * weight)
    mx, my, xx, yy, xy = window_means(torch.cat([x, y, x * x, y * y, x * y], dim=1)).split(3, dim=1)
    c1, c2 = 0.01**2, 0.03**2
    numerator = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    denominator = (mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2)
    return (1 - similarity) * difference + similarity * (1 - numerator / denominator).mean()


def between_loss(image: Tensor, render: Tensor, valid: Tensor, small: float) -> Tensor:
    """L_between: Huber distance of [T, 256, 3] in [0, 1] to what the input scene shows; valid: [T, 256] bool.

    Unlike ``photo_loss`` it begins at its minimum, where an L1 distance pulls back the smallest change as hard as the
    largest one.

    Args:
        small: differences below this count by their squares, those above by themselves; in (0, 1].
    """
    weight = valid[..., None].to(image)
    distance = torch.nn.functional.huber_loss(image * weight, render * weight, reduction="sum", delta=small) / small
    return distance / (3 * weight.sum()).clamp(min=1)


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
