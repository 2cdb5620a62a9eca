# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Small files of the formats that SplatCut only reads, written from their specifications."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from splatcut.scene.gaussians import Gaussians

_WIDTH = 8


def sog_files(g: Gaussians, version: int = 2) -> dict[str, bytes]:
    """The files of a SOG; version 1 is written without view-dependent colour."""
    images: dict[str, NDArray[np.uint8]] = {}
    meta: dict[str, Any] = {"version": 2, "count": len(g)} if version == 2 else {}

    def add(attribute: str, *pixels: NDArray[Any], **about: Any) -> None:
        names = [f"{attribute}_{number}.webp" for number in range(len(pixels))]
        images.update(zip(names, [_rows(values) for values in pixels], strict=True))
        meta[attribute] = {"files": names, **about} | ({} if version == 2 else {"shape": [len(g)]})

    logs = np.sign(g.means) * np.log1p(np.abs(g.means))
    low, high = logs.min(axis=0), logs.max(axis=0)
    places = np.rint((logs - low) / (high - low) * 65535).astype(np.int64)
    add("means", places & 255, places >> 8, mins=low.tolist(), maxs=high.tolist())
    add("quats", _smallest_three(g.quats))
    colours = np.concatenate([g.sh[:, 0], g.opacity_logits[:, None]], axis=1)
    if version == 2:
        tables = {name: np.linspace(values.min(), values.max(), 256) for name, values in _ranges(g).items()}
        add("scales", _nearest(tables["scales"], g.log_scales), codebook=tables["scales"].tolist())
        alpha = np.rint(g.opacities()[:, None] * 255)
        pixels = np.concatenate([_nearest(tables["sh0"], g.sh[:, 0]), alpha], axis=1)
        add("sh0", pixels, codebook=tables["sh0"].tolist())
        if g.sh_degree:
            labels = np.stack([np.arange(len(g)) & 255, np.arange(len(g)) >> 8], axis=1)
            add("shN", labels, labels, codebook=tables["shN"].tolist())
            bands = g.sh.shape[1] - 1
            images["shN_0.webp"] = np.zeros((-(-len(g) // 64), 64 * bands, 4), np.uint8)
            images["shN_0.webp"].reshape(-1, bands, 4)[: len(g), :, :3] = _nearest(tables["shN"], g.sh[:, 1:])
    else:
        for name, values in (("scales", g.log_scales), ("sh0", colours)):
            low, high = values.min(axis=0), values.max(axis=0)
            add(name, np.rint((values - low) / (high - low) * 255), mins=low.tolist(), maxs=high.tolist())
    return {"meta.json": json.dumps(meta).encode(), **{name: _webp(pixels) for name, pixels in images.items()}}


def _ranges(g: Gaussians) -> dict[str, NDArray[np.float32]]:
    return {"scales": g.log_scales, "sh0": g.sh[:, 0], "shN": g.sh[:, 1:] if g.sh_degree else g.sh}


def _nearest(table: NDArray[np.float64], values: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.abs(values[..., None] - table).argmin(axis=-1)


def _smallest_three(quats: NDArray[np.float32]) -> NDArray[np.float64]:
    """Three components by 8 bits and, in the alpha channel, 252 plus the place of the largest."""
    unit = quats / np.linalg.norm(quats, axis=1, keepdims=True)
    largest = np.abs(unit).argmax(axis=1)
    unit = unit * np.sign(np.take_along_axis(unit, largest[:, None], axis=1))
    rest = np.stack([np.delete(row, place) for row, place in zip(unit, largest, strict=True)])
    return np.concatenate([np.rint((rest * np.sqrt(2) + 1) / 2 * 255), 252 + largest[:, None]], axis=1)


def _rows(values: NDArray[Any]) -> NDArray[np.uint8]:
    """[N, 2 to 4] numbers as the pixels of an image, with opaque alpha where they have none."""
    pixels = np.full((-(-len(values) // _WIDTH) * _WIDTH, 4), 255, np.uint8)
    pixels[: len(values), : values.shape[1]] = values
    return pixels.reshape(-1, _WIDTH, 4)


def _webp(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=True, exact=True)
    return stream.getvalue()


def write_sog(path: Path, files: dict[str, bytes]) -> Path:
    """A ``.sog`` of these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def spz_version_2(g: Gaussians) -> bytes:
    """An .spz with three 8-bit numbers a rotation, in the axes of the format; before it is compressed."""
    places = np.rint(g.means.astype(np.float64) * 4096).astype("<i4")[..., None].view(np.uint8)[..., :3]
    unit = g.quats / np.linalg.norm(g.quats, axis=1, keepdims=True)
    unit = unit * np.where(unit[:, :1] < 0, -1, 1)
    parts = [
        g.opacities() * 255,
        (g.sh[:, 0] * 0.15 + 0.5) * 255,
        (g.log_scales + 10) * 16,
        unit[:, 1:] * 127.5 + 127.5,
        g.sh[:, 1:] * 128 + 128,
    ]
    data = places.tobytes() + b"".join(np.rint(part).clip(0, 255).astype(np.uint8).tobytes() for part in parts)
    return struct.pack("<4sIIBBBB", b"NGSP", 2, len(g), g.sh_degree, 12, 0, 0) + data


def same_rotation(a: Gaussians, b: Gaussians) -> float:
    """Smallest |dot product| of corresponding unit quaternions."""
    qa, qb = (q / np.linalg.norm(q, axis=1, keepdims=True) for q in (a.quats, b.quats))
    return float(np.abs((qa * qb).sum(axis=1)).min())
