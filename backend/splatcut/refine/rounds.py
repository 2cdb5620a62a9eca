# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Rounds of detecting, splitting and optimising the Gaussians about the edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut import memory, raster
from splatcut.cameras import load_photo
from splatcut.progress import Progress
from splatcut.raster import cpu
from splatcut.refine.band import Band, moving_tiles, reaching, tile_pixels, tiles_with
from splatcut.refine.between import views_between
from splatcut.refine.evidence import edges, far_from_edges
from splatcut.refine.options import RefineOptions
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.masks import MaskSet

#: A pixel is exempt from L_alone where the cores of supported Gaussians, of this share of their size, cover more of it
#: alone than the label image shows, by so much.
CORE, HIDDEN = 0.5, 0.5
#: An object that covers so much more of a pixel alone than the label image shows may well go on behind something else.
COVERED = 0.1
#: What the input's renders are taken to be away from photos, root mean square, where there are none; and its limits.
ERROR, LEAST_ERROR, MOST_ERROR = 0.05, 0.01, 0.1
#: Bands of a view between the views (``RefineOptions.parts`` is that of the views themselves).
BETWEEN_PARTS = 2


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
    """The bands of all trusted views in which anything that moves can be seen, ``options.parts`` for a view, and those
    of the views between them (``between``).

    The tiles along the masks' edges and those with errors are in each of a view's bands, all others in one of them.

    Args:
        read_photo: reads a view's photo [H, W, 3] at the size of its camera; None if the scene's render stands in.
    """
    rng = np.random.default_rng(options.seed)
    trusted = [number for number in range(len(views)) if masks.confidence[number].max(initial=0) > 0]
    neighbours = options.between if options.weights.between > 0 else 0
    between = views_between([views[number] for number in trusted], neighbours)
    bands: list[Band] = []
    errors: list[float] = []
    progress.stage("bands", len(views) + len(between))
    progress.step(len(views) - len(trusted))
    believed = np.where(supported[:, None], probability, 0).astype(np.float32)
    for number in memory.tidily(trusted):
        progress.step()
        camera = views[number].camera
        reach, labels, alone = moving_tiles(scene, camera, rows, probability, device)
        if not reach.any():
            continue
        soft = masks.soft(number)
        inner = tiles_with(edge_or_error(soft, alone, labels), camera)
        covered = (alone - labels > COVERED).transpose(2, 0, 1) & (soft < 0.5)
        alone = np.stack(
            [_coverage(scene, believed[:, k], camera, reach, device) for k in range(soft.shape[0])], axis=-1
        )
        taken = None if views[number].photo is None else read_photo(views[number])
        off = 0.0
        image = raster.render(scene, camera, tiles=reach, device=device).image
        assert image is not None
        if taken is not None:
            real = taken.astype(np.float32) / 255
            pixels, inside = tile_pixels(reach, camera)
            errors.append(float(((image - real).reshape(-1, 3)[pixels[inside]] ** 2).mean()))
            off = math.sqrt(errors[-1])
            share = min(1.0, off / options.photo_error)
            image = (share * real + (1 - share) * image).astype(np.float32)
        targets = _Targets(
            soft,
            masks.confidence[number].astype(np.float32),
            image,
            (alone - labels > HIDDEN).transpose(2, 0, 1) & (soft < 0.5),
            far_from_edges(soft) & ~covered,
            off,
        )
        bands += _bands(scene, rows, views[number], reach, inner, targets, options.parts, rng)
    error = float(np.clip(np.sqrt(np.mean(errors)), LEAST_ERROR, MOST_ERROR)) if errors else ERROR
    for view in memory.tidily(between):
        progress.step()
        reach, labels, _ = moving_tiles(scene, view.camera, rows, probability, device)
        if not reach.any():
            continue
        shown = (labels.transpose(2, 0, 1) > 0.5).astype(np.float32)
        inner = tiles_with(edges(shown), view.camera)
        image = raster.render(scene, view.camera, tiles=reach, device=device).image
        assert image is not None
        none = np.zeros(shown.shape, bool)
        targets = _Targets(shown, np.zeros(len(shown), np.float32), image, none, none, error)
        bands += _bands(scene, rows, view, reach, inner, targets, BETWEEN_PARTS, rng)
    return bands


def input_error(bands: Sequence[Band]) -> float:
    """Root mean square of what the input scene's renders are away from the photos, in [0, 1]; 0 without photos."""
    views = {band.name: band.error for band in bands if band.held and band.error > 0}
    return float(np.sqrt(np.mean(np.square(list(views.values()))))) if views else 0.0


@dataclass(frozen=True, eq=False)
class _Targets:
    """What a view is held to: masks [K, H, W], trust [K], photo [H, W, 3], exempt and far pixels [K, H, W]; see
    ``Band``."""

    soft: F32
    trust: F32
    photo: F32
    exempt: NDArray[np.bool_]
    far: NDArray[np.bool_]
    error: float


def _bands(
    scene: Gaussians,
    rows: NDArray[np.int64],
    view: View,
    reach: NDArray[np.bool_],
    inner: NDArray[np.bool_],
    targets: _Targets,
    parts: int,
    rng: np.random.Generator,
) -> list[Band]:
    """A view's bands: of the tiles ``reach`` those ``inner`` are in each, the others in one of them."""
    camera = view.camera
    place = np.full(len(scene), -1, np.int64)
    place[rows] = np.arange(len(rows))
    kinds = len(targets.soft)
    masks = np.rint(targets.soft.reshape(kinds, -1) * 255).astype(np.uint8)
    exempt, far = targets.exempt.reshape(kinds, -1), targets.far.reshape(kinds, -1)
    photo = np.rint(np.clip(targets.photo, 0, 1) * 255).astype(np.uint8).reshape(-1, 3)
    # Whatever the optimisation is never shown it may spoil, so every tile has its turn.
    share = rng.integers(parts, size=reach.shape)
    prepared = cpu.prepare(scene, camera, tiles=reach)
    found: list[Band] = []
    for part in range(parts):
        tiles = reach & (inner | (share == part))
        if not tiles.any():
            continue
        pixels, _ = tile_pixels(tiles, camera)
        subset = reaching(prepared, tiles)
        moving = place[subset].astype(np.int32)
        # Without masks that hold, zeros that take no memory stand for them.
        shape = (kinds, *pixels.shape)
        no = np.broadcast_to(np.False_, shape)
        hold = (
            (masks[:, pixels], exempt[:, pixels], far[:, pixels])
            if targets.trust.any()
            else (np.broadcast_to(np.uint8(0), shape), no, no)
        )
        found.append(
            Band(
                view.name, camera, tiles, subset.astype(np.int32), np.flatnonzero(moving >= 0).astype(np.int32),
                moving[moving >= 0], hold[0], targets.trust, photo[pixels], hold[1], hold[2], targets.error,
            )
        )  # fmt: skip
    return found


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
