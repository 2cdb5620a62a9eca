# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Writes PlayCanvas' SOG of version 2: WebP images in a zip, tables of 256 numbers, a palette of harmonics.

The palette comes from halving the Gaussians at the median of their widest coefficient until there are as many cells as
colours; a cell's mean is its colour. That takes seconds a million where clustering takes minutes.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.formats.compressed_ply import morton_order
from splatcut.formats.packages import require
from splatcut.formats.parts import linear
from splatcut.formats.sog import CENTROIDS_PER_ROW, OTHERS
from splatcut.scene.gaussians import F32, Gaussians

#: Entries of a table, and of the palette at most (labels have 16 bits).
_TABLE, _PALETTE = 256, 1 << 16
_LLOYD_STEPS = 30


def write(path: Path, gaussians: Gaussians) -> None:
    """Writes a bundled SOG; ``gaussians`` have at most SH degree 3, and are sorted along a space-filling curve."""
    image = require("PIL.Image", "Writing SOG")
    g = gaussians.computable().take(morton_order(gaussians.means))
    _, opacities, quats = linear(g)
    logs = np.sign(g.means) * np.log1p(np.abs(g.means.astype(np.float64)))
    low, high = logs.min(axis=0), logs.max(axis=0)
    places = np.rint((logs - low) / np.maximum(high - low, 1e-30) * 65535).astype(np.int64)
    scales, scale_codes = table_of(g.log_scales)
    colours, colour_codes = table_of(g.sh[:, 0])
    images = {
        "means_l.webp": _pixels(places & 255),
        "means_u.webp": _pixels(places >> 8),
        "scales.webp": _pixels(scale_codes),
        "quats.webp": _pixels(_smallest_three(quats)),
        "sh0.webp": _pixels(np.concatenate([colour_codes, np.rint(opacities * 255)[:, None]], axis=1)),
    }
    meta: dict[str, Any] = {
        "version": 2,
        "asset": {"generator": "SplatCut"},
        "count": len(g),
        **({"model": "antialiased"} if g.antialiased else {}),
        "means": {"mins": low.tolist(), "maxs": high.tolist(), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": scales.tolist(), "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": colours.tolist(), "files": ["sh0.webp"]},
    }
    if g.sh_degree:
        bands = g.sh.shape[1] - 1
        palette, labels = palette_of(g.sh[:, 1:].reshape(len(g), -1), min(_PALETTE, len(g)))
        table, codes = table_of(palette)
        centroids = np.full((-(-len(palette) // CENTROIDS_PER_ROW) * CENTROIDS_PER_ROW, bands, 4), 255, np.uint8)
        centroids[: len(palette), :, :3] = codes.reshape(len(palette), bands, 3)
        images["shN_centroids.webp"] = centroids.reshape(-1, CENTROIDS_PER_ROW * bands, 4)
        images["shN_labels.webp"] = _pixels(np.stack([labels & 255, labels >> 8], axis=1))
        files = ["shN_centroids.webp", "shN_labels.webp"]
        meta["shN"] = {"count": len(palette), "bands": g.sh_degree, "codebook": table.tolist(), "files": files}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("meta.json", json.dumps(meta))
        for name, pixels in images.items():
            stream = io.BytesIO()
            image.fromarray(pixels).save(stream, "WEBP", lossless=True, exact=True)
            archive.writestr(name, stream.getvalue())


def table_of(values: F32) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """256 numbers, ascending, that stand for values of any shape with little error, and each value's place in them.

    Lloyd's algorithm on the sorted values, from a mixture of even steps and even shares of the values.
    """
    ordered = np.sort(values.astype(np.float64), axis=None)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    shares = np.linspace(0, 1, _TABLE)
    table = (ordered[0] + shares * (ordered[-1] - ordered[0]) + np.quantile(ordered, shares)) / 2
    for _ in range(_LLOYD_STEPS):
        ends = np.concatenate([[0], np.searchsorted(ordered, (table[1:] + table[:-1]) / 2), [len(ordered)]])
        counts = np.diff(ends)
        table = np.where(counts > 0, np.diff(sums[ends]) / np.maximum(counts, 1), table)
    return table, np.searchsorted((table[1:] + table[:-1]) / 2, values)


def palette_of(values: F32, most: int) -> tuple[F32, NDArray[np.int64]]:
    """At most ``most`` rows [K, D] that stand for the rows of ``values`` [N, D], and each row's place in them [N]."""
    rows, order, starts = values, np.arange(len(values)), np.zeros(1, np.int64)
    while len(starts) < most:
        sizes = np.diff(starts, append=len(rows))
        cell = np.repeat(np.arange(len(starts)), sizes)
        means = np.add.reduceat(rows, starts, axis=0, dtype=np.float64) / sizes[:, None]
        spread = np.add.reduceat(rows**2, starts, axis=0, dtype=np.float64) / sizes[:, None] - means**2
        # The cells that differ most are halved, as far as there is room; equal rows stay together.
        error = spread.sum(axis=1) * sizes
        halved = np.argsort(-error, kind="stable")[: most - len(starts)]
        halved = np.sort(halved[(sizes[halved] > 1) & (spread.max(axis=1)[halved] > 1e-12)])
        if not len(halved):
            break
        values_along = np.take_along_axis(rows, spread.argmax(axis=1)[cell][:, None], axis=1)[:, 0]
        values_along = np.where(np.isin(cell, halved), values_along, 0)
        sort = np.lexsort((values_along, cell))
        rows, order = rows[sort], order[sort]
        starts = np.sort(np.concatenate([starts, starts[halved] + sizes[halved] // 2]))
    sizes = np.diff(starts, append=len(rows))
    labels = np.empty(len(rows), np.int64)
    labels[order] = np.repeat(np.arange(len(starts)), sizes)
    palette = np.add.reduceat(rows, starts, axis=0, dtype=np.float64) / sizes[:, None]
    return palette.astype(np.float32), labels


def _smallest_three(quats: F32) -> NDArray[np.float64]:
    """[N, 4] bytes of unit quaternions wxyz: three components, and 252 plus the place of the largest."""
    largest = np.abs(quats).argmax(axis=1)
    quats = quats * np.where(np.take_along_axis(quats, largest[:, None], axis=1) < 0, -1, 1)
    three = np.take_along_axis(quats, OTHERS[largest], axis=1).astype(np.float64)
    return np.concatenate([np.rint((three * np.sqrt(2) + 1) / 2 * 255).clip(0, 255), 252 + largest[:, None]], axis=1)


def _pixels(values: NDArray[Any]) -> NDArray[np.uint8]:
    """[N, 2 to 4] bytes as an image of about equal sides, a pixel a Gaussian, opaque where they have no alpha."""
    width = max(4, -(-int(np.ceil(np.sqrt(len(values)))) // 4) * 4)
    pixels = np.zeros((-(-len(values) // width) * width, 4), np.uint8)
    pixels[:, 3] = 255
    pixels[: len(values), : values.shape[1]] = values
    return pixels.reshape(-1, width, 4)
