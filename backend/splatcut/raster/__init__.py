# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""One door to the rasterisers: ``render`` and ``accumulate`` here, ``autograd.render`` for gradients.

``device`` is ``cpu`` (numba), ``cuda`` (gsplat) or ``reference`` (plain torch, float64, small scenes). All follow the
3DGS rule of ``splatcut.raster.rule``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from splatcut.raster.types import Accumulated, Device, Rendered
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians

if TYPE_CHECKING:
    from splatcut.raster.cpu import Prepared

__all__ = [
    "Accumulated",
    "Device",
    "Rendered",
    "accumulate",
    "mean_depth",
    "over_alpha",
    "prepare",
    "render",
]


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    features: F32 | None = None,
    colour: bool = True,
    background: tuple[float, float, float] = (0.0, 0.0, 0.0),
    opacity_scale: F32 | None = None,
    tiles: NDArray[np.bool_] | None = None,
    sh_degree: int | None = None,
    device: Device = "cpu",
    prepared: Prepared | None = None,
) -> Rendered:
    """Renders a view.

    Args:
        features: [N, C] float32 channels to blend besides the colour (any C); their background is 0.
        colour: whether to blend the colour; without it ``image`` has no channels.
        background: display-referred sRGB behind everything.
        opacity_scale: [N] float32 in [0, 1], factors on the opacities (an object alone: its labels).
        tiles: [ceil(H / 16), ceil(W / 16)] bool: tiles to render; the others stay 0 with transmittance 1.
        sh_degree: highest SH degree to evaluate; the Gaussians' own when None.
        device: see the module.
        prepared: from ``prepare`` with these Gaussians and this camera; takes no ``opacity_scale`` and no ``tiles``.

    Raises:
        UserError: ``cuda`` without a usable CUDA device or gsplat.
    """
    if device != "cpu":
        return _by_torch(
            gaussians, camera, features, opacity_scale, device,
            colour=colour, background=background, tiles=tiles, sh_degree=sh_degree,
        )  # fmt: skip
    from splatcut.raster import cpu

    if prepared is None:
        prepared = cpu.prepare(gaussians, camera, opacity_scale=opacity_scale, tiles=tiles)
    elif opacity_scale is not None or tiles is not None:
        raise ValueError("What was prepared has its own opacities and tiles.")
    _, out, transmittance = cpu.render(
        prepared, gaussians, features=features, colour=colour, background=background, sh_degree=sh_degree
    )
    first = 3 if colour else 0
    image, blended = (np.ascontiguousarray(part.transpose(1, 2, 0)) for part in (out[:first], out[first:]))
    return Rendered(image, blended, transmittance)


def _by_torch(
    gaussians: Gaussians, camera: Camera, features: F32 | None, opacity_scale: F32 | None, device: Device, **rest: Any
) -> Rendered:
    """``render`` by the rasterisers that work on tensors."""
    import torch

    from splatcut.raster import autograd

    g = gaussians
    means, scales, quats, logits, sh = map(torch.from_numpy, (g.means, g.log_scales, g.quats, g.opacity_logits, g.sh))
    given, scale = (None if some is None else torch.from_numpy(some) for some in (features, opacity_scale))
    with torch.no_grad():
        parts = autograd.render(
            means,
            scales,
            quats,
            logits,
            sh,
            camera,
            features=given,
            opacity_scale=scale,
            device=device,
            pixel_filter=g.pixel_filter,
            **rest,
        )
    image, blended, left = (np.ascontiguousarray(part.cpu().numpy(), np.float32) for part in parts)
    return Rendered(image, blended, left)


def mean_depth(
    gaussians: Gaussians, camera: Camera, device: Device = "cpu", prepared: Prepared | None = None
) -> tuple[F32, F32]:
    """[H, W] mean depth of what is drawn (camera z, world units; 0 where nothing is) and [H, W] transmittance."""
    z = camera.depths(gaussians.means).astype(np.float32)[:, None]
    drawn = render(gaussians, camera, features=z, colour=False, device=device, prepared=prepared)
    return over_alpha(drawn.features[..., 0], drawn.alpha), drawn.transmittance


def over_alpha(blended: F32, alpha: F32) -> F32:
    """Means of what was blended, float32: divided by the coverage, 0 where there is none. One shape, or [H, W, 1]."""
    seen = alpha > 1e-6
    return np.where(seen, blended / np.where(seen, alpha, 1), 0).astype(np.float32)


def accumulate(
    gaussians: Gaussians,
    camera: Camera,
    signals: F32,
    *,
    tiles: NDArray[np.bool_] | None = None,
    device: Device = "cpu",
    prepared: Prepared | None = None,
) -> Accumulated:
    """Sums of the blending weights over a view's pixels, alone and times each signal (method: lifting).

    Args:
        signals: [K, H, W] float32, e.g. the objects' masks.
        tiles, prepared: as in ``render``.
    """
    if device == "cpu":
        from splatcut.raster import cpu

        return cpu.accumulate(prepared or cpu.prepare(gaussians, camera, tiles=tiles), signals)
    if device == "reference":
        from splatcut.raster import reference as other
    else:
        from splatcut.raster import cuda as other
    return other.accumulate(gaussians, camera, signals, tiles=tiles)


def prepare(gaussians: Gaussians, camera: Camera, device: Device = "cpu") -> Prepared | None:
    """What drawing a view begins with, to be kept by whoever draws it often; None where the device keeps nothing."""
    if device != "cpu":
        return None
    from splatcut.raster import cpu

    return cpu.prepare(gaussians, camera)
