# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The optimisation itself: one round over the bands of all views."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from splatcut import raster
from splatcut.gaussians import F32, Gaussians
from splatcut.progress import Progress
from splatcut.raster import autograd
from splatcut.refine.band import Band
from splatcut.refine.losses import alone_loss, mask_loss, photo_loss
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import GEOMETRY, Moving, RowAdam


class SubScene:
    """The Gaussians of one band as tensors, the moving ones differentiable."""

    def __init__(self, scene: Gaussians, fixed_labels: F32, moving: Moving, band: Band) -> None:
        place, rows = torch.from_numpy(band.place), torch.from_numpy(band.moving)

        def joined(static: np.ndarray, live: Tensor) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(static[band.subset])).index_copy(0, place, live[rows])

        t = moving.tensors
        self.geometry = [joined(getattr(scene, name), t[name]) for name in GEOMETRY]
        self.sh = joined(scene.sh, torch.cat([t["sh_dc"], t["sh_rest"]], dim=1))
        self.labels = joined(fixed_labels, moving.probability())

    def render(self, band: Band, device: raster.Device) -> tuple[Tensor, Tensor, Tensor]:
        """Colour, labels [H, W, K] and transmittance of the scene."""
        means, log_scales, quats, logits = self.geometry
        image, labels, transmittance = autograd.render(
            means,
            log_scales,
            quats,
            logits,
            self.sh,
            band.camera,
            features=self.labels,
            tiles=band.tiles,
            device=device,
        )
        assert labels is not None
        return image, labels, transmittance

    def coverage(self, band: Band, k: int, device: raster.Device) -> Tensor:
        """[H, W] alpha of object k alone."""
        some = torch.nonzero(self.labels[:, k].detach() > 1 / 255).squeeze(1)
        means, log_scales, quats, logits = (tensor[some] for tensor in self.geometry)
        _, _, transmittance = autograd.render(
            means, log_scales, quats, logits, self.sh[some, :1].detach(), band.camera,
            colour=False, opacity_scale=self.labels[some, k], tiles=band.tiles, device=device,
        )  # fmt: skip
        return 1 - transmittance


def optimise(
    scene: Gaussians,
    fixed_labels: F32,
    moving: Moving,
    pixel: F32,
    bands: Sequence[Band],
    options: RefineOptions,
    progress: Progress,
    device: raster.Device = "cpu",
) -> list[float]:
    """Optimises ``moving`` in place; returns the loss of every iteration.

    Args:
        fixed_labels: [N, K] labels of the Gaussians that do not move.
        pixel: [M] world units of a pixel in each moving Gaussian's closest view.
    """
    adam = RowAdam(moving.tensors, options.rates, torch.from_numpy(pixel))
    rng = np.random.default_rng(options.seed)
    order: list[int] = []
    history: list[float] = []
    kinds = fixed_labels.shape[1]
    progress.stage("refine", options.iterations)
    for step in range(options.iterations):
        progress.step()
        if not order:
            order = list(rng.permutation(len(bands)))
        band = bands[order.pop()]
        sub = SubScene(scene, fixed_labels, moving, band)
        pixels, valid = torch.from_numpy(band.pixels), torch.from_numpy(band.valid)
        inside = valid.float()

        def tiled(image: Tensor, pixels: Tensor = pixels) -> Tensor:
            return image.reshape(-1, *image.shape[2:])[pixels]

        w = options.weights
        image, labels, transmittance = sub.render(band, device)
        masks = torch.from_numpy(band.masks).float() / 255
        loss = image.new_zeros(())
        if w.mask > 0:
            loss = loss + w.mask * mask_loss(tiled(labels), tiled(transmittance), masks, inside)
        if w.photo > 0:
            loss = loss + w.photo * photo_loss(tiled(image), torch.from_numpy(band.photo).float() / 255, valid)
        if w.alone > 0:
            k = int(rng.integers(kinds))
            weight = inside * (~torch.from_numpy(band.exempt[k])) * float(band.trust[k])
            loss = loss + w.alone * alone_loss(tiled(sub.coverage(band, k, device)), masks[k], weight)
        loss.backward()
        adam.step(torch.from_numpy(band.moving), step / options.iterations)
        history.append(float(loss.detach()))
    return history
