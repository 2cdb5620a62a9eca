# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Tiles, their pixels and the Gaussians that reach them, on images whose sides are no multiples of 16."""

from __future__ import annotations

import numpy as np
import pytest
from refine_scenes import edge_scene

from splatcut import raster
from splatcut.raster import cpu
from splatcut.raster.rule import TILE
from splatcut.refine.tiles import reaching, tile_pixels, tiles_with
from splatcut.scene.camera import Camera


def _full(tiles: np.ndarray, camera: Camera) -> np.ndarray:
    """[H, W] bool: the pixels of the tiles."""
    return np.kron(tiles, np.ones((TILE, TILE), bool))[: camera.height, : camera.width]


@pytest.mark.parametrize(("width", "height"), [(75, 53), (16, 16), (17, 15), (64, 48), (5, 3)])
def test_tiles_and_their_pixels(width: int, height: int) -> None:
    camera = Camera(width, height, 50.0, 50.0, 0.5 * width, 0.5 * height, np.eye(4))
    rng = np.random.default_rng(width)
    shape = (-(-height // TILE), -(-width // TILE))
    points = rng.uniform(size=(height, width)) < 0.01
    tiles = tiles_with(points, camera)
    assert tiles.shape == shape
    for row, column in np.ndindex(*shape):
        there = points[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
        assert tiles[row, column] == there.any()
    tiles = rng.uniform(size=shape) < 0.6
    tiles[-1, -1] = True
    pixels, valid = tile_pixels(tiles, camera)
    assert pixels.shape == valid.shape == (tiles.sum(), 256)
    image = np.zeros(height * width, int)
    np.add.at(image, pixels[valid], 1)
    np.testing.assert_array_equal(image.reshape(height, width), _full(tiles, camera))
    assert pixels.min() >= 0
    assert pixels.max() < width * height
    # Row by row within a tile: the last tile's entry at (y, x) is the pixel at (y, x) from its corner.
    top, left = (shape[0] - 1) * TILE, (shape[1] - 1) * TILE
    for y, x in ((0, 0), (0, 2), (2, 1)):
        if top + y < height and left + x < width:
            assert pixels[-1, y * TILE + x] == (top + y) * width + left + x
            assert valid[-1, y * TILE + x]


def test_reaching_are_those_that_are_drawn_in_the_tiles() -> None:
    scene = edge_scene(views=1)
    gaussians, camera = scene.gaussians, scene.views[0].camera
    tiles = np.random.default_rng(0).uniform(size=(4, 5)) < 0.4
    found = reaching(cpu.prepare(gaussians, camera), tiles)
    assert (np.diff(found) > 0).all()
    assert len(found) < len(gaussians)
    signal = _full(tiles, camera)[None].astype(np.float32)
    drawn = raster.accumulate(gaussians, camera, signal, device="reference").weighted[:, 0] > 0
    assert np.isin(np.flatnonzero(drawn), found).all()
    # They render the tiles as the whole scene does, and fewer tiles take fewer of them.
    whole, some = (raster.render(g, camera, tiles=tiles).image for g in (gaussians, gaussians.take(found)))
    np.testing.assert_array_equal(whole[_full(tiles, camera)], some[_full(tiles, camera)])
    first = tiles & (np.arange(5) == 0)
    left = reaching(cpu.prepare(gaussians, camera, tiles=tiles), first)
    np.testing.assert_array_equal(left, reaching(cpu.prepare(gaussians, camera), first))
    assert camera.project(gaussians.means[left])[0][:, 0].max() < TILE + 40
