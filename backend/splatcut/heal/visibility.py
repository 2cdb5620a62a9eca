# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What of a scene is seen before and after something is taken out of it (method: healing)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from splatcut import raster
from splatcut.heal.crumbs import crumbs
from splatcut.heal.planes import extent
from splatcut.heal.texture import SQUARE
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians

Bools = NDArray[np.bool_]

#: A Gaussian is supported where this share of what it shows without the removed was seen beside them before,
SUPPORT = 0.3
#: in so many views (or half of them, if that is fewer) of those in which it shows more than this, square pixels.
SUPPORT_VIEWS, SHOWN = 3, 0.5
#: Close to the removed (this share of its size), what is seen no farther than so many pixels from the outline is not
#: told from it.
CLOSE, BESIDE = 0.05, 2
#: What is farther from the removed than this share of its size goes only if it shows mostly (this share) where the
#: outline is open without it, so that the opening is filled; else it is a part of what lies behind, though a dark one.
REACH, IN_OPENING = 0.25, 0.3
#: A hole is where what stays covers less than CORE of a pixel inside the outline, and around it less than OPEN.
CORE, OPEN = 0.6, 0.95
#: At most so many pixels around.
AROUND = 8
#: What is fainter holds nothing together.
FAINT = 0.1
#: Centres inside the outline in this share of the views lie where the removed were.
WITHIN = 0.95
#: Removing what is not supported lays bare what lay behind it; so often it is looked for.
ROUNDS = 2


@dataclass(frozen=True, eq=False)
class Sight:
    """One view of the whole scene, before anything is taken out.

    Attributes:
        camera: the view's camera.
        outline: [H, W] bool, where what is removed covers at least half of a pixel.
        depth: [H, W] float32, mean camera z of what is seen, world units; infinite where nothing is.
    """

    camera: Camera
    outline: Bools
    depth: F32

    def pixels_of(
        self, points: NDArray[np.floating]
    ) -> tuple[Bools, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Which of the points [N, 3] (world) lie in the picture, [N] bool; of the M that do, row, column and camera z,
        [M] each."""
        pixels, z = self.camera.project(points)
        size = (self.camera.width, self.camera.height)
        inside = (z > self.camera.near) & (pixels >= 0).all(axis=1) & (pixels < size).all(axis=1)
        column, row = np.floor(pixels[inside]).astype(np.int64).T
        return inside, row, column, z[inside]


def look(
    scene: Gaussians,
    removed: Bools,
    cameras: Sequence[Camera],
    device: raster.Device = "cpu",
    step: Callable[[], None] = lambda: None,
) -> list[Sight]:
    """Every view of the scene; ``removed`` [N] bool says which Gaussians are to go. Calls ``step`` for each."""
    sights = []
    for camera in cameras:
        features = np.stack([removed.astype(np.float32), camera.depths(scene.means).astype(np.float32)], axis=1)
        drawn = raster.render(scene, camera, features=features, colour=False, device=device)
        depth = np.where(drawn.alpha > 0.5, raster.over_alpha(drawn.features[..., 1], drawn.alpha), np.inf)
        sights.append(Sight(camera, drawn.features[..., 0] > 0.5, depth.astype(np.float32)))
        step()
    return sights


@dataclass(frozen=True, eq=False)
class Support:
    """What the views tell of the Gaussians that stay.

    Attributes:
        gone: [N] bool, Gaussians that stay but show only once the removed are gone: no view has told what they should
            be. They are crumbs, rims, and ghosts that stand in for what was seen through or mirrored.
        far: [N] bool, those of them that lie far behind: they better stay if what they leave open is not filled.
        shown: [N] float32, what each shows without the removed and those that are gone, square pixels of all views.
        seen: [N] float32 in [0, 1], how much of that was seen before, beside the removed.
    """

    gone: Bools
    far: Bools
    shown: F32
    seen: F32


def support(
    scene: Gaussians,
    removed: Bools,
    sights: Sequence[Sight],
    device: raster.Device = "cpu",
    step: Callable[[], None] = lambda: None,
) -> Support:
    """What of the Gaussians that stay was seen before. Calls ``step`` ``(2 + ROUNDS) * len(sights)`` times."""
    count, needed = len(scene), min(SUPPORT_VIEWS, len(sights))
    body = scene.means[removed]
    low, high = extent(body)
    size = float(np.linalg.norm(high - low))
    distance, _ = cKDTree(body).query(scene.means, distance_upper_bound=REACH * size)
    distance = np.asarray(distance)
    close, reached = distance < CLOSE * size, np.isfinite(distance)
    before = []
    for sight in sights:
        beside = ndimage.binary_dilation(sight.outline, SQUARE, iterations=BESIDE)
        signals = np.stack([~sight.outline, ~beside]).astype(np.float32)
        seen = raster.accumulate(scene, sight.camera, signals, device=device).weighted
        before.append(np.where(close, seen[:, 1], seen[:, 0]))
        step()
    gone = removed | _within(scene, body, sights)
    left = np.flatnonzero(~gone & (scene.opacities() > FAINT))
    gone[left[crumbs(scene.means[left], body, close[left], size)]] = True
    for number in range(ROUNDS + 1):
        stay = np.flatnonzero(~gone)
        rest = scene.take(stay)
        shown = np.zeros(count, np.float32)
        views = np.zeros(len(stay), np.int64)
        best = np.full((needed, len(stay)), -1.0, np.float32)  # the largest shares so far, ascending
        for sight, seen in zip(sights, before, strict=True):
            empty = np.zeros((1, *sight.outline.shape), np.float32)
            after = raster.accumulate(rest, sight.camera, empty, device=device).weight
            shown[stay] += after
            share = np.where(after > SHOWN, seen[stay] / np.maximum(after, SHOWN), -1.0)
            best[0] = np.maximum(best[0], share)
            best.sort(axis=0)
            views += after > SHOWN
            step()
        if number < ROUNDS:
            # of three views, or of half of those that show it if these are fewer
            rank = np.clip((views + 1) // 2, 1, needed)
            worst = np.where(views > 0, np.take_along_axis(best, (needed - rank)[None], axis=0)[0], np.inf)
            gone[stay[worst < SUPPORT]] = True
    far = gone & ~removed & ~reached
    if far.any():
        gone[far & ~_fills_openings(scene, removed, gone, sights, device)] = False
    total = np.sum(before, axis=0)
    share = np.where(shown > 0, total / np.maximum(shown, 1e-6), 1.0)
    return Support(gone & ~removed, gone & ~removed & ~reached, shown, np.clip(share, 0, 1).astype(np.float32))


def _within(scene: Gaussians, body: F32, sights: Sequence[Sight]) -> Bools:
    """[N] bool: Gaussians whose centres lie where the removed were: inside the outline in nearly all views, no farther
    than the removed at centres ``body`` [M, 3]. Haze that reaches out of the outline is as little known as the rest."""
    inside, every = np.zeros(len(scene), np.int64), np.zeros(len(scene), np.int64)
    for sight in sights:
        shown, row, column, z = sight.pixels_of(scene.means)
        every[shown] += 1
        inside[shown] += sight.outline[row, column] & (z < np.quantile(sight.camera.depths(body), 0.98))
    return (every > 0) & (inside >= WITHIN * every)


def _fills_openings(
    scene: Gaussians, removed: Bools, gone: Bools, sights: Sequence[Sight], device: raster.Device
) -> Bools:
    """[N] bool: Gaussians that show mostly where the outline is open without all that is ``gone``."""
    rest, stay = scene.take(~gone), np.flatnonzero(~removed)
    others = scene.take(stay)
    shown, there = np.zeros(len(scene)), np.zeros(len(scene))
    for sight in sights:
        opening = open_pixels(rest, sight, device).astype(np.float32)[None]
        sums = raster.accumulate(others, sight.camera, opening, device=device)
        shown[stay] += sums.weight
        there[stay] += sums.weighted[:, 0]
    return there > IN_OPENING * shown


def open_pixels(rest: Gaussians, sight: Sight, device: raster.Device = "cpu") -> Bools:
    """[H, W] bool: where what stays leaves the outline open, so that one looks through into nothing."""
    alpha = raster.render(rest, sight.camera, colour=False, device=device).alpha
    core = ndimage.binary_opening(sight.outline & (alpha < CORE), SQUARE[:2, :2])
    around = ndimage.binary_dilation(core, SQUARE, iterations=AROUND) & sight.outline & (alpha < OPEN)
    return ndimage.binary_propagation(core, mask=around | core)
