# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rendering with gradients, for torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.raster import cpu
from splatcut.raster.types import Device
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import CLASSIC, Gaussians, PixelFilter


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().numpy(), dtype=np.float32)


def _only(tensor: Tensor, some: Tensor) -> Tensor:
    """The tensor; gradients pass to the rows ``some`` alone."""
    return torch.where(some.view(-1, *[1] * (tensor.ndim - 1)), tensor, tensor.detach())


class _CpuRender(torch.autograd.Function):
    """The numba rasteriser as a torch function: (C, H, W) channels and the transmittance.

    The inputs must not be changed in place between the two passes.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        *parameters, features, scale, camera, background, tiles, sh_degree, colour, wanted, prepared, drawn = inputs
        gaussians = Gaussians(*(_array(tensor) for tensor in parameters), pixel_filter=drawn)
        opacity_scale = None if scale is None else _array(scale)
        if prepared is None:
            prepared = cpu.prepare(gaussians, camera, opacity_scale=opacity_scale, tiles=tiles)
        values, out, transmittance = cpu.render(
            prepared,
            gaussians,
            features=None if features is None else _array(features),
            colour=colour,
            background=background,
            sh_degree=sh_degree,
        )
        ctx.state = (prepared, gaussians, values, out, transmittance, opacity_scale, sh_degree, colour, wanted)
        return torch.from_numpy(out), torch.from_numpy(transmittance)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        prepared, gaussians, values, out, transmittance, opacity_scale, sh_degree, colour, wanted = ctx.state
        *parameters, grad_features, log_opacity = cpu.backward(
            prepared, gaussians, values, out, transmittance, *map(_array, gradients),
            colour=colour, sh_degree=sh_degree, wanted=wanted,
        )  # fmt: skip
        scale = None
        if opacity_scale is not None:
            scale = torch.from_numpy(log_opacity / np.where(opacity_scale > 0, opacity_scale, np.float32(1)))
        features = torch.from_numpy(grad_features) if grad_features.shape[1] else None
        return (*map(torch.from_numpy, parameters), features, scale, *[None] * 8)


def render(
    means: Tensor,
    log_scales: Tensor,
    quats: Tensor,
    opacity_logits: Tensor,
    sh: Tensor,
    camera: Camera,
    *,
    features: Tensor | None = None,
    colour: bool = True,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    opacity_scale: Tensor | None = None,
    tiles: NDArray[np.bool_] | None = None,
    sh_degree: int | None = None,
    pixel_filter: PixelFilter = CLASSIC,
    wanted: NDArray[np.bool_] | None = None,
    prepared: cpu.Prepared | None = None,
    device: Device = "cpu",
) -> tuple[Tensor, Tensor, Tensor]:
    """Renders a view so that gradients flow to every tensor.

    Args:
        means, log_scales, quats, opacity_logits, sh: tensors as in ``Gaussians``, float32 (float64 for ``reference``).
        features, background, opacity_scale, tiles, sh_degree: as in ``splatcut.raster.render``.
        pixel_filter: of the scene.
        colour: whether to blend the colour; without it the image has no channels.
        wanted: [N] bool, the Gaussians whose gradients are wanted; those of the others are 0, which the CPU makes use
            of. All when None.
        prepared: of the same Gaussians, camera, opacities and tiles, where the caller has it; for the CPU alone.

    Returns:
        image [H, W, 3] ([H, W, 0] without colour), features [H, W, C] (C is 0 without them), transmittance [H, W].
    """
    if device == "cpu":
        out, transmittance = _CpuRender.apply(
            means, log_scales, quats, opacity_logits, sh, features, opacity_scale, camera, background, tiles, sh_degree,
            colour, wanted, prepared, pixel_filter,
        )  # fmt: skip
        out, first = out.permute(1, 2, 0), 3 if colour else 0
        return out[..., :first], out[..., first:], transmittance
    if wanted is not None:
        some = torch.from_numpy(wanted).to(means.device)
        means, log_scales, quats, opacity_logits, sh = (
            _only(tensor, some) for tensor in (means, log_scales, quats, opacity_logits, sh)
        )
        features = None if features is None else _only(features, some)
        opacity_scale = None if opacity_scale is None else _only(opacity_scale, some)
    if device == "reference":
        from splatcut.raster import reference as other
    else:
        from splatcut.raster import cuda as other
    image, blended, transmittance = other.render(
        means, log_scales, quats, opacity_logits, sh if colour else sh[:, :1], camera,
        features=features, background=background, opacity_scale=opacity_scale, tiles=tiles, sh_degree=sh_degree,
        pixel_filter=pixel_filter,
    )  # fmt: skip
    return image if colour else image[..., :0], blended, transmittance
