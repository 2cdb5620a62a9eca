# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the views say about Gaussians: which of them stick out of the masks when an object is rendered alone, and which
lie along the masks' edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from splatcut import raster
from splatcut.progress import Progress
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.masks import MaskSet

#: Half the width in pixels of the band along the masks' edges.
EDGE = 4
#: Pixels from a mask's edge within which it may well be drawn wrong.
UNCERTAIN = 2.0


def edges(soft: F32) -> NDArray[np.bool_]:
    """[H, W] bool: within ``EDGE`` pixels of the edge of any of the masks [K, H, W]."""
    found = np.zeros(soft.shape[1:], bool)
    for mask in soft:
        inside = mask > 0.5
        found |= ndimage.binary_dilation(inside, iterations=EDGE) & ~ndimage.binary_erosion(
            inside, iterations=EDGE, border_value=1
        )
    return found


def far_from_edges(soft: F32) -> NDArray[np.bool_]:
    """[K, H, W] bool: pixels whose centres are more than ``UNCERTAIN`` pixels from those on the other side of the edge
    of the mask, of [K, H, W]; all of them where a mask has no edge."""
    found = np.ones(soft.shape, bool)
    for k, mask in enumerate(soft):
        inside = mask >= 0.5
        if inside.any() and not inside.all():
            apart = ndimage.distance_transform_edt(inside) + ndimage.distance_transform_edt(~inside)
            found[k] = apart > UNCERTAIN
    return found


def edge_share(
    gaussians: Gaussians,
    views: Sequence[View],
    masks: MaskSet,
    progress: Progress,
    device: raster.Device = "cpu",
) -> F32:
    """[N] float32 in [0, 1]: how much of what the trusted views show of each Gaussian lies along the masks' edges.

    0 for Gaussians of which they show nothing.
    """
    weight, along = np.zeros(len(gaussians), np.float32), np.zeros(len(gaussians), np.float32)
    progress.stage("edges", len(views))
    for number, view in enumerate(views):
        progress.step()
        if masks.confidence[number].max(initial=0) <= 0:
            continue
        signal = edges(masks.soft(number))[None].astype(np.float32)
        sums = raster.accumulate(gaussians, view.camera, signal, device=device)
        weight += sums.weight
        along += sums.weighted[:, 0]
    return (along / np.maximum(weight, 1e-6)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Alone:
    """Sums over the views of the blending weights when each object is rendered alone, for its own Gaussians.

    Attributes:
        weight: [N] float32, square pixels; 0 for the background's Gaussians.
        inside: [N] float32, the part of it inside the object's masks.
    """

    weight: F32
    inside: F32


def accumulate_alone(
    gaussians: Gaussians,
    probability: F32,
    views: Sequence[View],
    masks: MaskSet,
    progress: Progress,
    device: raster.Device = "cpu",
) -> Alone:
    """Accumulates every object alone (its Gaussians of probability above 1/2) over the views of ``masks``."""
    weight, inside = np.zeros(len(gaussians), np.float32), np.zeros(len(gaussians), np.float32)
    progress.stage("objects alone", len(views))
    for number, view in enumerate(views):
        progress.step()
        soft = None
        for k in range(probability.shape[1]):
            trust = float(masks.confidence[number, k])
            rows = np.flatnonzero(probability[:, k] > 0.5)
            if trust <= 0 or not rows.size:
                continue
            soft = masks.soft(number) if soft is None else soft
            sums = raster.accumulate(gaussians.take(rows), view.camera, soft[k : k + 1], device=device)
            weight[rows] += trust * sums.weight
            inside[rows] += trust * sums.weighted[:, 0]
    return Alone(weight, inside)
