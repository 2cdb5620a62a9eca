# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The CPU rasteriser: numba kernels behind arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.raster import cpu_backward, cpu_blend, cpu_gradient, cpu_project, cpu_tiles
from splatcut.raster.rule import FOV_GUARD, TILE
from splatcut.raster.types import Accumulated
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians

_NONE = np.empty(0, np.float32)
_ALL = np.empty(0, bool)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A view's Gaussians projected, sorted and dealt to tiles; enough for any number of passes over its pixels.

    Attributes:
        camera: the view's camera.
        count: N, number of Gaussians of the scene.
        order: [M] indices of the drawn Gaussians, front to back.
        drawn, rank: [M] the same indices ascending, and their places in ``order``.
        geometry, box: [M, 8] and [M, 4], in that order (see ``cpu_project``).
        active: tile numbers to work on.
        tile_start, pair_gaussian, pair_slot, slot_start: see ``cpu_tiles.pairs``.
    """

    camera: Camera
    count: int
    order: NDArray[np.int64]
    drawn: NDArray[np.int64]
    rank: NDArray[np.int64]
    geometry: F32
    box: NDArray[np.int32]
    tiles_x: int
    active: NDArray[np.int64]
    tile_start: NDArray[np.int64]
    pair_gaussian: NDArray[np.uint32]
    pair_slot: NDArray[np.uint32]
    slot_start: NDArray[np.int64]


def camera_vector(camera: Camera) -> F32:
    """[22] float32: the camera as the kernels take it."""
    return np.concatenate(
        [
            camera.camera_from_world[:3, :3].ravel(),
            camera.camera_from_world[:3, 3],
            [camera.fx, camera.fy, camera.cx, camera.cy],
            [FOV_GUARD * 0.5 * camera.width / camera.fx, FOV_GUARD * 0.5 * camera.height / camera.fy],
            camera.position,
            [camera.near],
        ]
    ).astype(np.float32)


def _antialiased(gaussians: Gaussians) -> np.float32 | None:
    """The variance of an antialiased scene's pixel filter, as the kernels take it; None for other scenes."""
    return np.float32(gaussians.pixel_filter.variance) if gaussians.antialiased else None


def tile_counts(camera: Camera) -> tuple[int, int]:
    """Number of tiles across and down."""
    return -(-camera.width // TILE), -(-camera.height // TILE)


def prepare(
    gaussians: Gaussians,
    camera: Camera,
    *,
    opacity_scale: F32 | None = None,
    tiles: NDArray[np.bool_] | None = None,
) -> Prepared:
    """Projects, sorts by depth and deals to tiles.

    Args:
        opacity_scale: [N] float32 in [0, 1], factors on the opacities.
        tiles: [tiles down, tiles across] bool: the tiles to work on; all when None.
    """
    count = len(gaussians)
    geometry = np.empty((count, cpu_project.GEOMETRY), np.float32)
    box = np.empty((count, 4), np.int32)
    scale = _NONE if opacity_scale is None else np.ascontiguousarray(opacity_scale, np.float32)
    cpu_project.project(
        gaussians.means, gaussians.log_scales, gaussians.quats, gaussians.opacity_logits, scale,
        camera_vector(camera), camera.width, camera.height, _antialiased(gaussians), geometry, box,
    )  # fmt: skip
    drawn = np.flatnonzero(box[:, 0] >= 0)
    # Depths are positive, so their bits order like the numbers; the index in the low half makes the order unique.
    depth_bits = geometry[drawn, cpu_project.DEPTH].view(np.uint32).astype(np.uint64)
    keys = np.sort((depth_bits << np.uint64(32)) | drawn.astype(np.uint64))
    order = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    geometry, box = geometry.take(order, axis=0), box.take(order, axis=0)
    place = np.empty(count, np.int64)
    place[order] = np.arange(order.size)
    rank = place[drawn]
    tiles_x, tiles_y = tile_counts(camera)
    wanted = np.ones(tiles_x * tiles_y, bool) if tiles is None else np.ascontiguousarray(tiles, bool).ravel()
    if wanted.size != tiles_x * tiles_y:
        raise ValueError(f"The mask of tiles must have {tiles_y} x {tiles_x} entries.")
    tile_start, pair_gaussian, pair_slot, slot_start = cpu_tiles.pairs(geometry, box, tiles_x, tiles_y, wanted)
    return Prepared(
        camera, count, order, drawn, rank, geometry, box, tiles_x, np.flatnonzero(wanted), tile_start, pair_gaussian,
        pair_slot, slot_start,
    )  # fmt: skip


def render(
    prepared: Prepared,
    gaussians: Gaussians,
    *,
    features: F32 | None,
    colour: bool,
    background: tuple[float, float, float],
    sh_degree: int | None,
) -> tuple[F32, F32, F32]:
    """Blends the colour (3 channels, if wanted), then the features; arguments as in ``splatcut.raster.render``.

    Returns:
        values [M, C] of the drawn Gaussians in depth order, out [C, H, W] blended, transmittance [H, W].
    """
    first = 3 if colour else 0
    values = np.empty((prepared.order.size, first + (0 if features is None else features.shape[1])), np.float32)
    ground = np.zeros(values.shape[1], np.float32)
    camera = prepared.camera
    if colour:
        position = camera.position.astype(np.float32)
        degree = _degree(gaussians, sh_degree)
        cpu_project.colours(prepared.drawn, prepared.rank, gaussians.means, gaussians.sh, degree, position, values)
        ground[:3] = background
    if features is not None:
        values[:, first:] = features[prepared.order]
    out = np.zeros((values.shape[1], camera.height, camera.width), np.float32)
    transmittance = np.ones((camera.height, camera.width), np.float32)
    cpu_blend.blend(
        prepared.active, prepared.tile_start, prepared.pair_gaussian, prepared.geometry, prepared.box, values, ground,
        prepared.tiles_x, out, transmittance,
    )  # fmt: skip
    return values, out, transmittance


def _degree(gaussians: Gaussians, sh_degree: int | None) -> int:
    return gaussians.sh_degree if sh_degree is None else min(sh_degree, gaussians.sh_degree)


def accumulate(prepared: Prepared, signals: F32) -> Accumulated:
    """See ``splatcut.raster.accumulate``."""
    kinds = signals.shape[0]
    if kinds == 0:  # the kernel takes at least one
        signals = np.zeros((1, *signals.shape[1:]), np.float32)
    columns = max(1, kinds) + 1
    sums = np.zeros((prepared.pair_slot.size, columns), np.float32)
    cpu_blend.accumulate(
        prepared.active, prepared.tile_start, prepared.pair_gaussian, prepared.pair_slot, prepared.geometry,
        prepared.box, np.ascontiguousarray(signals, np.float32), prepared.tiles_x, sums,
    )  # fmt: skip
    result = np.zeros((prepared.count, columns), np.float32)
    cpu_blend.sum_slots(sums, prepared.slot_start, prepared.drawn, prepared.rank, result)
    weighted = result[:, 1 : 1 + kinds]
    return Accumulated(np.ascontiguousarray(result[:, 0]), np.ascontiguousarray(weighted))


def backward(
    prepared: Prepared,
    gaussians: Gaussians,
    values: F32,
    out: F32,
    transmittance: F32,
    out_gradient: F32,
    transmittance_gradient: F32,
    *,
    colour: bool = True,
    sh_degree: int | None = None,
    wanted: NDArray[np.bool_] | None = None,
) -> list[F32]:
    """Exact gradients of a loss through the blending and the projection.

    Args:
        prepared, values, out, transmittance: what ``prepare`` and ``render`` gave.
        out_gradient: [C, H, W] float32, transmittance_gradient: [H, W] float32, both contiguous.
        wanted: [N] bool, the Gaussians whose gradients are wanted (those of the others are 0); all when None.

    Returns:
        Gradients with respect to means, log_scales, quats, opacity_logits, sh (shaped as in ``Gaussians``), features
        [N, C], and the logarithm of the drawn opacity [N]; divide the last by ``opacity_scale`` for its gradient.
    """
    drawn, rank = prepared.drawn, prepared.rank
    if wanted is not None:
        some = wanted[drawn]
        drawn, rank = drawn[some], rank[some]
    width = values.shape[1]
    sums = np.zeros((prepared.pair_slot.size, cpu_backward.MOMENTS + width), np.float32)
    cpu_backward.backward(
        prepared.active, prepared.tile_start, prepared.pair_gaussian, prepared.pair_slot, prepared.geometry,
        prepared.box, values, out, transmittance, out_gradient, transmittance_gradient, prepared.tiles_x,
        _ALL if wanted is None else wanted[prepared.order], sums,
    )  # fmt: skip
    g = gaussians
    made = [np.zeros_like(part) for part in (g.means, g.log_scales, g.quats, g.opacity_logits, g.sh)]
    made += [np.zeros((len(g), width - (3 if colour else 0)), np.float32), np.zeros(len(g), np.float32)]
    cpu_gradient.project_backward(
        drawn, rank, prepared.slot_start, sums, prepared.geometry, values, camera_vector(prepared.camera), g.means,
        g.log_scales, g.quats, g.sh, _degree(g, sh_degree), colour, _antialiased(g), *made,
    )  # fmt: skip
    return made
