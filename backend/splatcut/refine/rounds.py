# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds of detecting, splitting and optimising the Gaussians about the edges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from splatcut import raster
from splatcut.cameras import Camera, View, load_photo
from splatcut.gaussians import F32, Gaussians
from splatcut.masks.types import MaskSet
from splatcut.progress import Progress
from splatcut.raster import cpu
from splatcut.refine.band import Band, moving_tiles, reaching, tile_pixels, tiles_with
from splatcut.refine.evidence import edges
from splatcut.refine.options import RefineOptions

#: A pixel is exempt from L_alone where the cores of supported Gaussians, of this share of their size, cover more of it
#: alone than the label image shows, by so much.
CORE, HIDDEN = 0.5, 0.5


def pixel_sizes(means: F32, views: Sequence[View]) -> F32:
    """[M] world units of a pixel at each centre in the closest view with it in its image, in any failing that."""
    best = np.full((2, len(means)), np.inf)
    for view in views:
        camera = view.camera
        p = means.astype(np.float64) @ camera.camera_from_world[:3, :3].T + camera.camera_from_world[:3, 3]
        z = np.maximum(p[:, 2], camera.near)
        size = z / max(camera.fx, camera.fy)
        x, y = p[:, 0] / z * camera.fx + camera.cx, p[:, 1] / z * camera.fy + camera.cy
        inside = (p[:, 2] > camera.near) & (x > 0) & (x < camera.width) & (y > 0) & (y < camera.height)
        best[0] = np.minimum(best[0], np.where(inside, size, np.inf))
        best[1] = np.minimum(best[1], size)
    return np.where(np.isfinite(best[0]), best[0], best[1]).astype(np.float32)


def make_bands(
    scene: Gaussians,
    rows: NDArray[np.int64],
    probability: F32,
    supported: NDArray[np.bool_],
    views: Sequence[View],
    masks: MaskSet,
    options: RefineOptions,
    progress: Progress,
    device: raster.Device = "cpu",
    read_photo: Callable[[View], NDArray[np.uint8] | None] = load_photo,
) -> list[Band]:
    """The bands of all trusted views in which anything that moves can be seen, ``options.parts`` for a view.

    The tiles along the masks' edges and those with errors are in each of a view's bands, all others in one of them.

    Args:
        read_photo: reads a view's photo [H, W, 3] at the size of its camera; None if the scene's render stands in.
    """
    rng, parts = np.random.default_rng(options.seed), options.parts
    place = np.full(len(scene), -1, np.int64)
    place[rows] = np.arange(len(rows))
    bands: list[Band] = []
    progress.stage("bands", len(views))
    believed = np.where(supported[:, None], probability, 0).astype(np.float32)
    for number, view in enumerate(views):
        progress.step()
        trust = masks.confidence[number].astype(np.float32)
        if trust.max(initial=0) <= 0:
            continue
        camera = view.camera
        reach, labels, alone = moving_tiles(scene, camera, rows, probability, device)
        soft = masks.soft(number)
        inner = tiles_with(edge_or_error(soft, alone, labels), camera)
        if not reach.any():
            continue
        alone = np.stack(
            [_coverage(scene, believed[:, k], camera, reach, device) for k in range(soft.shape[0])], axis=-1
        )
        hidden = ((alone - labels > HIDDEN) & (soft.transpose(1, 2, 0) < 0.5)).reshape(-1, soft.shape[0])
        taken = None if view.photo is None else read_photo(view)
        photo = np.zeros(1, np.float32) if taken is None else taken.astype(np.float32) / 255
        share_of_photo = 0.0 if taken is None else options.photo_share
        if share_of_photo < 1:
            image = raster.render(scene, camera, tiles=reach, device=device).image
            assert image is not None
            photo = share_of_photo * photo + (1 - share_of_photo) * image
        photo = np.rint(np.clip(photo, 0, 1) * 255).astype(np.uint8).reshape(-1, 3)
        flat = np.rint(soft.reshape(soft.shape[0], -1) * 255).astype(np.uint8)
        # Whatever the optimisation is never shown it may spoil, so every tile has its turn.
        share = rng.integers(parts, size=reach.shape)
        prepared = cpu.prepare(scene, camera, tiles=reach)
        for part in range(parts):
            tiles = reach & (inner | (share == part))
            if not tiles.any():
                continue
            pixels, valid = tile_pixels(tiles, camera)
            subset = reaching(prepared, tiles)
            found = place[subset]
            bands.append(
                Band(
                    view.name, camera, tiles, subset, np.flatnonzero(found >= 0), found[found >= 0], pixels, valid,
                    flat[:, pixels], trust, photo[pixels], hidden[pixels].transpose(2, 0, 1),
                )
            )  # fmt: skip
    return bands


def edge_or_error(soft: F32, alone: F32, labels: F32) -> NDArray[np.bool_]:
    """[H, W] bool: near a mask edge [K, H, W], or where objects alone or the label image [H, W, K] disagree."""
    found = edges(soft)
    for k in range(soft.shape[0]):
        found |= (np.abs(alone[..., k] - soft[k]) > 0.5) | (np.abs(labels[..., k] - soft[k]) > 0.5)
    return found


def _coverage(scene: Gaussians, label: F32, camera: Camera, tiles: NDArray[np.bool_], device: raster.Device) -> F32:
    """[H, W] alpha of the Gaussians' cores alone: what reaches far from a supported centre is not supported itself."""
    some = np.flatnonzero(label > 1 / 255)
    if not some.size:
        return np.zeros((camera.height, camera.width), np.float32)
    core = scene.take(some)
    core = replace(core, log_scales=core.log_scales + np.float32(np.log(CORE)))
    drawn = raster.render(core, camera, colour=False, opacity_scale=label[some], tiles=tiles, device=device)
    return 1 - drawn.transmittance
