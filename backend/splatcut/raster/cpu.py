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
        camera_vector(camera), camera.width, camera.height, geometry, box,
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


def blend(prepared: Prepared, values: F32, background: F32) -> tuple[F32, F32]:
    """Blends channels: values [M, C] in depth order, background [C] -> out [C, H, W], transmittance [H, W]."""
    camera = prepared.camera
    out = np.zeros((values.shape[1], camera.height, camera.width), np.float32)
    transmittance = np.ones((camera.height, camera.width), np.float32)
    cpu_blend.blend(
        prepared.active, prepared.tile_start, prepared.pair_gaussian, prepared.geometry, prepared.box, values,
        background, prepared.tiles_x, out, transmittance,
    )  # fmt: skip
    return out, transmittance


def channels(
    prepared: Prepared, gaussians: Gaussians, features: F32 | None, colour: bool, sh_degree: int | None
) -> F32:
    """[M, C] float32 in depth order: colour (3, if wanted), then the features."""
    extra = 0 if features is None else features.shape[1]
    values = np.empty((prepared.order.size, (3 if colour else 0) + extra), np.float32)
    if colour:
        degree = gaussians.sh_degree if sh_degree is None else min(sh_degree, gaussians.sh_degree)
        position = prepared.camera.position.astype(np.float32)
        cpu_project.colours(prepared.drawn, prepared.rank, gaussians.means, gaussians.sh, degree, position, values)
    if features is not None:
        values[:, values.shape[1] - extra :] = features[prepared.order]
    return values


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


@dataclass(frozen=True, eq=False)
class Gradients:
    """Gradients of a loss with respect to what was rendered from; shapes as the parameters.

    Attributes:
        means, log_scales, quats, opacity_logits, sh: as in ``Gaussians``.
        features: [N, C].
        log_opacity: [N] with respect to the logarithm of the drawn opacity; divide by ``opacity_scale`` for its
            gradient.
    """

    means: F32
    log_scales: F32
    quats: F32
    opacity_logits: F32
    sh: F32
    features: F32
    log_opacity: F32


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
) -> Gradients:
    """Exact gradients of the blending and the projection.

    Args:
        prepared, values, out, transmittance: what ``prepare``, ``channels`` and ``blend`` gave.
        out_gradient: [C, H, W] float32; transmittance_gradient: [H, W] float32.
        wanted: [N] bool, the Gaussians whose gradients are wanted (those of the others are 0); all when None.
    """
    drawn, rank = prepared.drawn, prepared.rank
    if wanted is not None:
        some = wanted[drawn]
        drawn, rank = drawn[some], rank[some]
    width = values.shape[1]
    sums = np.zeros((prepared.pair_slot.size, cpu_backward.MOMENTS + width), np.float32)
    cpu_backward.backward(
        prepared.active, prepared.tile_start, prepared.pair_gaussian, prepared.pair_slot, prepared.geometry,
        prepared.box, values, out, transmittance, np.ascontiguousarray(out_gradient, np.float32),
        np.ascontiguousarray(transmittance_gradient, np.float32), prepared.tiles_x,
        _ALL if wanted is None else wanted[prepared.order], sums,
    )  # fmt: skip
    n, extra = prepared.count, width - (3 if colour else 0)
    result = Gradients(
        means=np.zeros((n, 3), np.float32),
        log_scales=np.zeros((n, 3), np.float32),
        quats=np.zeros((n, 4), np.float32),
        opacity_logits=np.zeros(n, np.float32),
        sh=np.zeros(gaussians.sh.shape, np.float32),
        features=np.zeros((n, extra), np.float32),
        log_opacity=np.zeros(n, np.float32),
    )
    degree = gaussians.sh_degree if sh_degree is None else min(sh_degree, gaussians.sh_degree)
    cpu_gradient.project_backward(
        drawn, rank, prepared.slot_start, sums, prepared.geometry, values,
        camera_vector(prepared.camera), gaussians.means, gaussians.log_scales, gaussians.quats, gaussians.sh, degree,
        colour, result.means, result.log_scales, result.quats, result.opacity_logits, result.sh, result.features,
        result.log_opacity,
    )  # fmt: skip
    return result
