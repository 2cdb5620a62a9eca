# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Mattes and pictures of objects as files.

Renders blend colours as they were trained: display-referred sRGB, premultiplied, on black. Written are

- masks: 8-bit grey PNG, coverage with occlusion by the rest of the scene;
- RGBA PNG: 8-bit display-referred sRGB, *straight* alpha (the PNG standard's);
- EXR: half-float scene-linear (Rec. 709 primaries), *premultiplied* alpha (OpenEXR's convention), optionally depth and
  one matte channel per object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from splatcut import raster
from splatcut.errors import UserError
from splatcut.files import atomic_path
from splatcut.raster import Device
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians

F32 = NDArray[np.float32]

#: Depth in an EXR where nothing is drawn, as Blender has it.
FAR = 1e10


@dataclass(frozen=True, eq=False)
class Layers:
    """One view of a scene made of named layers.

    Attributes:
        image: [H, W, 3] float32 display-referred sRGB, premultiplied (on black).
        alpha: [H, W] float32 in [0, 1], coverage of everything.
        coverage: [L, H, W] float32 in [0, 1], coverage of each layer with occlusion by the others.
        depth: [H, W] float32, mean camera z of what is seen (weights as for colour), scene units; 0 where alpha is 0.
    """

    image: F32
    alpha: F32
    coverage: F32
    depth: F32


def render_layers(
    gaussians: Gaussians,
    layer: NDArray[np.integer],
    count: int,
    camera: Camera,
    *,
    device: Device = "cpu",
) -> Layers:
    """Renders colours, coverage of every layer and depth in one pass.

    Args:
        gaussians: N Gaussians.
        layer: [N] integers, the layer of each, 0 to ``count`` - 1; others belong to none but occlude.
    """
    features = _one_hot(layer, count, count + 1)
    features[:, count] = camera.depths(gaussians.means)
    rendered = raster.render(gaussians, camera, features=features, device=device)
    alpha, blended = rendered.alpha, rendered.features
    return Layers(rendered.image, alpha, _coverage(blended[..., :count]), raster.over_alpha(blended[..., count], alpha))


def _one_hot(layer: NDArray[np.integer], count: int, columns: int) -> F32:
    """[N, columns] float32, 1 in the column of each Gaussian's layer; no 1 where that is not in 0 to count - 1."""
    features = np.zeros((len(layer), columns), dtype=np.float32)
    inside = np.flatnonzero((layer >= 0) & (layer < count))
    features[inside, layer[inside]] = 1.0
    return features


def _coverage(blended: F32) -> F32:
    """[L, H, W] in [0, 1] from blended layers [H, W, L]."""
    return np.ascontiguousarray(np.clip(np.moveaxis(blended, -1, 0), 0.0, 1.0).astype(np.float32))


def object_masks(
    gaussians: Gaussians, labels: NDArray[np.integer], count: int, camera: Camera, *, device: Device = "cpu"
) -> F32:
    """[K, H, W] float32 in [0, 1]: coverage of each of ``count`` objects, occlusion included.

    Args:
        gaussians: the whole scene.
        labels: [N] integers, 0 the background, k object k (from 1).
    """
    features = _one_hot(labels.astype(np.int64) - 1, count, count)
    return _coverage(raster.render(gaussians, camera, features=features, colour=False, device=device).features)


# -------------------------------------------------------------------------------------------------------- conversions


def to_straight(premultiplied: F32, alpha: F32) -> F32:
    """[H, W, 3] float32 colours divided by their coverage [H, W]; black where there is none."""
    return raster.over_alpha(premultiplied, alpha[..., None])


def srgb_to_linear(colour: F32) -> F32:
    """Scene-linear values of display-referred sRGB (IEC 61966-2-1), above 1 by the same curve; negative ones are 0."""
    c = np.maximum(colour.astype(np.float64), 0.0)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """uint8 of values in [0, 1], clipped and rounded, halves down: above 0.5 exactly where the byte is above 127."""
    return np.ceil(np.clip(values.astype(np.float64), 0.0, 1.0) * 255.0 - 0.5).astype(np.uint8)


# -------------------------------------------------------------------------------------------------------------- files


def write_masks(folder: Path, names: Sequence[str], view: str, coverage: F32) -> list[Path]:
    """Writes coverage [K, H, W] in [0, 1] as 8-bit grey ``folder/<name>/<view>.png``; returns the paths.

    Raises ``UserError`` when one cannot be written.
    """
    paths = [folder / name / f"{view}.png" for name in names]
    for path, mask in zip(paths, coverage, strict=True):
        _save(path, Image.fromarray(to_bytes(mask)))
    return paths


def write_rgb(path: Path, image: F32) -> None:
    """Writes an image [H, W, 3], display-referred sRGB in [0, 1], as 8-bit PNG."""
    _save(path, Image.fromarray(to_bytes(image)))


def write_rgba(path: Path, premultiplied: F32, alpha: F32) -> None:
    """Writes display-referred sRGB [H, W, 3], premultiplied by alpha [H, W], as 8-bit PNG with straight alpha."""
    _save(path, Image.fromarray(to_bytes(np.dstack([to_straight(premultiplied, alpha), alpha]))))


def write_depth(path: Path, depth: F32) -> None:
    """Writes camera z [H, W] float32, scene units, 0 where nothing is, as a 32-bit float TIFF."""
    _save(path, Image.fromarray(np.ascontiguousarray(depth, dtype=np.float32)))


def _save(path: Path, image: Image.Image) -> None:
    with atomic_path(path) as temporary:
        image.save(temporary)


def write_exr(
    path: Path,
    premultiplied: F32,
    alpha: F32,
    *,
    depth: F32 | None = None,
    mattes: Mapping[str, F32] | None = None,
) -> None:
    """Writes an EXR: R, G, B scene-linear and premultiplied, A, mattes ``<name>.A`` (half float), depth Z (float).

    The colours are un-premultiplied, converted from display-referred sRGB to scene-linear, and premultiplied again:
    the conversion is only right on straight colours.

    Args:
        premultiplied: [H, W, 3] display-referred sRGB times alpha.
        alpha: [H, W] in [0, 1].
        depth: [H, W] camera z, scene units; 0, where nothing is, becomes ``FAR``.
        mattes: name -> [H, W] coverage in [0, 1].

    Raises:
        UserError: the package OpenEXR is not installed; the place cannot be written.
    """
    openexr = require_exr()
    linear = srgb_to_linear(to_straight(premultiplied, alpha)) * alpha[..., None]
    channels: dict[str, NDArray[np.generic]] = {
        "RGBA": np.ascontiguousarray(np.dstack([linear, alpha]).astype(np.float16)),
    }
    if depth is not None:
        # 0, which stands for nothing, would be the nearest of all to a compositor.
        channels["Z"] = np.where(depth > 0, depth, FAR).astype(np.float32)
    for name, matte in (mattes or {}).items():
        channels[f"{name}.A"] = np.ascontiguousarray(matte, dtype=np.float16)
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    with atomic_path(path) as temporary:
        openexr.File(header, channels).write(str(temporary))


def require_exr() -> Any:
    """The module OpenEXR. Raises ``UserError`` when EXR files cannot be written here; call it before long work."""
    try:
        import OpenEXR
    except ImportError as error:
        raise UserError(
            "EXR files need the package OpenEXR, which is not installed. Install it with 'pip install OpenEXR', or "
            "write PNG files instead."
        ) from error
    return OpenEXR
