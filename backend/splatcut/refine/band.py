# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the refinement works on in one view: the tiles that the moving Gaussians reach, and their targets.

The cost of the refinement follows this band, not the scene: other tiles are never rasterised, and of the scene's
Gaussians only those that reach the tiles take part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.raster import cpu
from splatcut.raster.rule import TILE
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32


@dataclass(frozen=True, eq=False)
class Band:
    """Tiles of one view and their targets.

    Attributes:
        name, camera: of the view.
        tiles: [tiles down, tiles across] bool.
        subset: [S] int32 ascending, the scene's Gaussians that reach the tiles.
        place: [P] int32, places in ``subset`` of the moving ones among them; moving: [P] int32, their places in
            ``Moving.rows``.
        masks: [K, T, 256] uint8; confidence: [K] float32, the view's.
        photo: [T, 256, 3] uint8, what the render should look like.
        exempt: [K, T, 256] bool, pixels where something hides the object, which may cover more of them than its mask.
        weight: [T] float32, how much a tile counts: in how many of the view's bands it is not, plus one.
    """

    name: str
    camera: Camera
    tiles: NDArray[np.bool_]
    subset: NDArray[np.int32]
    place: NDArray[np.int32]
    moving: NDArray[np.int32]
    masks: NDArray[np.uint8]
    confidence: F32
    photo: NDArray[np.uint8]
    exempt: NDArray[np.bool_]
    weight: F32

    # A third of a band's memory if kept, and a thousandth of an iteration's time to make.
    @property
    def pixels(self) -> NDArray[np.int32]:
        """[T, 256]: flat pixel numbers of each tile, row by row (clamped where a tile leaves the image)."""
        return tile_pixels(self.tiles, self.camera)[0]

    @property
    def valid(self) -> NDArray[np.bool_]:
        """[T, 256]: which of them lie inside the image."""
        return tile_pixels(self.tiles, self.camera)[1]


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
