# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The 16x16 tiles of an image: which hold what, their pixels, and the Gaussians drawn in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from splatcut.raster import cpu
from splatcut.raster.rule import TILE
from splatcut.scene.camera import Camera


def tiles_with(pixels: NDArray[np.bool_], camera: Camera) -> NDArray[np.bool_]:
    """[tiles down, tiles across] bool: tiles that hold any of the pixels [H, W]."""
    tiles_x, tiles_y = cpu.tile_counts(camera)
    padded = np.zeros((tiles_y * TILE, tiles_x * TILE), bool)
    padded[: camera.height, : camera.width] = pixels
    return np.asarray(padded.reshape(tiles_y, TILE, tiles_x, TILE).any(axis=(1, 3)))


def tile_pixels(tiles: NDArray[np.bool_], camera: Camera) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Flat pixel numbers [T, 256] of the tiles, and which of them lie inside the image."""
    row, column = np.nonzero(tiles)
    inner = np.arange(TILE)
    y = (row[:, None] * TILE + inner)[:, :, None]
    x = (column[:, None] * TILE + inner)[:, None, :]
    valid = (y < camera.height) & (x < camera.width)
    flat = np.minimum(y, camera.height - 1) * camera.width + np.minimum(x, camera.width - 1)
    return flat.reshape(len(row), -1).astype(np.int32), valid.reshape(len(row), -1)


def reaching(prepared: cpu.Prepared, tiles: NDArray[np.bool_]) -> NDArray[np.int64]:
    """[S] int64 ascending: Gaussians drawn in any of the tiles, which are among those that the view is prepared for."""
    used = np.zeros(prepared.order.size, bool)
    for tile in np.flatnonzero(tiles):
        used[prepared.pair_gaussian[prepared.tile_start[tile] : prepared.tile_start[tile + 1]]] = True
    return np.sort(prepared.order[used])
