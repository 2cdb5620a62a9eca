# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""One door to the rasterisers: ``render`` and ``accumulate`` here, ``autograd.render`` for gradients.

``device`` is ``cpu`` (numba), ``cuda`` (gsplat) or ``reference`` (plain torch, float64, small scenes). All follow the
3DGS rule of ``splatcut.raster.rule``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from splatcut.raster.types import Accumulated, Rendered
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians

if TYPE_CHECKING:
    from splatcut.raster.cpu import Prepared

Device = Literal["cpu", "cuda", "reference"]

__all__ = ["Accumulated", "Device", "Rendered", "accumulate", "prepare", "render", "touched_tiles"]


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
        colour: whether to blend the colour; without it ``image`` is None.
        background: display-referred sRGB behind everything.
        opacity_scale: [N] float32 in [0, 1], factors on the opacities (an object alone: its labels).
        tiles: [ceil(H / 16), ceil(W / 16)] bool: tiles to render; the others stay 0 with transmittance 1.
        sh_degree: highest SH degree to evaluate; the Gaussians' own when None.
        device: see the module.
        prepared: from ``prepare`` with these Gaussians and this camera; takes no ``opacity_scale`` and no ``tiles``.

    Raises:
        UserError: ``cuda`` without a usable CUDA device or gsplat.
    """
    options = {
        "features": features,
        "colour": colour,
        "background": background,
        "opacity_scale": opacity_scale,
        "tiles": tiles,
        "sh_degree": sh_degree,
    }
    if device == "cuda":
        from splatcut.raster import cuda

        return cuda.render_arrays(gaussians, camera, **options)
    if device == "reference":
        from splatcut.raster import reference

        return reference.render_arrays(gaussians, camera, **options)
    from splatcut.raster import cpu

    return cpu.render(gaussians, camera, **options, prepared=prepared)


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
    if device == "cuda":
        from splatcut.raster import cuda

        return cuda.accumulate_arrays(gaussians, camera, signals, tiles=tiles)
    if device == "reference":
        from splatcut.raster import reference

        return reference.accumulate_arrays(gaussians, camera, signals, tiles=tiles)
    from splatcut.raster import cpu

    if prepared is not None:
        return cpu.accumulate_prepared(prepared, signals)
    return cpu.accumulate(gaussians, camera, signals, tiles=tiles)


def prepare(gaussians: Gaussians, camera: Camera, device: Device = "cpu") -> Prepared | None:
    """What drawing a view begins with, to be kept by whoever draws it often; None where the device keeps nothing."""
    if device != "cpu":
        return None
    from splatcut.raster import cpu

    return cpu.prepare(gaussians, camera)


def touched_tiles(gaussians: Gaussians, camera: Camera) -> NDArray[np.bool_]:
    """[tiles down, tiles across] bool: the tiles in which any of the Gaussians could be drawn, were nothing before it.

    Working on these tiles alone gives all there is to know about these Gaussians.
    """
    from splatcut.raster import cpu

    prepared = cpu.prepare(gaussians, camera)
    across, down = cpu.tile_counts(camera)
    return (np.diff(prepared.tile_start) > 0).reshape(down, across)
