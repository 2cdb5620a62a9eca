# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians of one view's band as tensors, and what is rendered of them, tile by tile."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut import raster
from splatcut.raster import autograd, cpu
from splatcut.refine.bands import Band
from splatcut.refine.parameters import GEOMETRY, Moving
from splatcut.scene.gaussians import F32, Gaussians


class _Placed(torch.autograd.Function):
    """Rows of a live tensor put into an array of fixed values, which is written to; every row at most once."""

    @staticmethod
    def forward(ctx: Any, fixed: NDArray[np.float32], place: NDArray[np.int64], live: Tensor, rows: Any) -> Tensor:
        fixed[place] = live.detach().numpy()[rows]
        ctx.state = place, rows, live.shape
        return torch.from_numpy(fixed)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        place, rows, shape = ctx.state
        live = np.zeros(shape, np.float32)
        live[rows] = gradients[0].numpy()[place]
        return None, None, torch.from_numpy(live), None


class SubScene:
    """The Gaussians of one band, the moving ones differentiable.

    Attributes:
        geometry, sh, labels: tensors of ``band.subset``'s rows; ``gaussians``: the same without gradients.
        wanted: [S] bool, the moving ones. prepared: all of them dealt to the band's tiles.
    """

    def __init__(self, scene: Gaussians, fixed_labels: F32, moving: Moving, band: Band) -> None:
        def joined(static: F32, live: Tensor) -> Tensor:
            result = _Placed.apply(static.take(band.subset, axis=0), band.place, live, band.moving)
            assert isinstance(result, Tensor)
            return result

        t = moving.tensors
        self.band = band
        self.geometry = [joined(getattr(scene, name), t[name]) for name in GEOMETRY]
        self.sh = joined(scene.sh, torch.cat([t["sh_dc"], t["sh_rest"]], dim=1))
        self.labels = joined(fixed_labels, moving.probability())
        self.wanted = np.zeros(len(band.subset), bool)
        self.wanted[band.place] = True
        arrays = (tensor.detach().numpy() for tensor in (*self.geometry, self.sh))
        self.gaussians = Gaussians(*arrays, pixel_filter=scene.pixel_filter)
        self.prepared = cpu.prepare(self.gaussians, band.camera, tiles=band.tiles)

    def render(self, device: raster.Device) -> tuple[Tensor, Tensor, Tensor]:
        """Colour [T, 256, 3], labels [T, 256, K] and transmittance [T, 256] of the scene in the band's tiles."""
        band = self.band
        means, log_scales, quats, logits = self.geometry
        image, labels, transmittance = autograd.render(
            means, log_scales, quats, logits, self.sh, band.camera, features=self.labels, tiles=band.tiles,
            wanted=self.wanted, prepared=self.prepared, device=device, pixel_filter=self.gaussians.pixel_filter,
        )  # fmt: skip
        return tiled(image, band), tiled(labels, band), tiled(transmittance, band)

    def coverage(self, k: int, device: raster.Device) -> Tensor:
        """[T, 256] alpha of object k alone."""
        band = self.band
        means, log_scales, quats, logits = self.geometry
        # What does not belong to the object has an opacity of 0 and is not drawn.
        _, _, transmittance = autograd.render(
            means, log_scales, quats, logits, torch.zeros(len(means), 1, 3), band.camera, colour=False,
            opacity_scale=self.labels[:, k], tiles=band.tiles, wanted=self.wanted, device=device,
            pixel_filter=self.gaussians.pixel_filter,
        )  # fmt: skip
        return 1 - tiled(transmittance, band)


class _Tiles(torch.autograd.Function):
    """Pixels [T, 256, C] of an image [H, W, C]; nothing comes back from those outside the image."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, pixels: NDArray[np.integer], valid: NDArray[np.bool_]) -> Tensor:
        height, width, channels = image.shape
        # The rasteriser makes its images channel by channel; so a channel's plane is read in one go.
        planes = image.detach().permute(2, 0, 1).contiguous().numpy().reshape(channels, -1)
        ctx.state = (channels, height, width), pixels, valid
        return torch.from_numpy(planes.take(pixels, axis=1)).permute(1, 2, 0)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        shape, pixels, valid = ctx.state
        inner = gradients[0].permute(2, 0, 1).contiguous().numpy()
        planes = np.zeros((shape[0], shape[1] * shape[2]), np.float32)
        if valid.all():
            planes[:, pixels] = inner
        else:
            planes[:, pixels[valid]] = inner[:, valid]
        return torch.from_numpy(planes).reshape(shape).permute(1, 2, 0), None, None


def tiled(image: Tensor, band: Band) -> Tensor:
    """[H, W, C] -> [T, 256, C] or [H, W] -> [T, 256]: the pixels of the band's tiles.

    Places outside the image repeat a pixel at its border and pass no gradient.
    """
    on_cpu = (image if image.ndim == 3 else image[..., None]).float().cpu()
    result = _Tiles.apply(on_cpu, band.pixels, band.valid)
    assert isinstance(result, Tensor)
    return result if image.ndim == 3 else result[..., 0]
