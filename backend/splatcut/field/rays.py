# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Samples on the rays of pixels, drawn where the Gaussians are (method: joint optimisation).

A ray of S samples puts most of them on the Gaussians that its pixel shows, by stratified inverse sampling of their
blending weights w_i, each where its Gaussian is largest along the ray, moved by chance inside the Gaussian's extent
along the ray. The others are spread evenly over the stretch that those span and over as much again before it, so that
the field is told about empty space, too.

An extent is the slab of the Gaussian's standard deviation along the ray: the Gaussian filled evenly, centre plus and
minus sqrt(3) deviations, with the rasteriser's low-pass filter added so that nothing is thinner than what a pixel
shows. Intervals end halfway to the next sample, and where the sample's slab ends: the gap behind a half-transparent
edge belongs to no Gaussian, so the density of the field there says the same to every ray, wherever its next sample is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.raster import cpu, cpu_rays
from splatcut.raster.rule import TILE
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians

#: One sample in so many is spread evenly instead of drawn by weight.
EVEN = 4


@dataclass(frozen=True, eq=False)
class RaySamples:
    """Samples on P rays of one camera, world units.

    Attributes:
        origins: [3] float32, the camera's centre, world frame.
        directions: [P, 3] float32, unit vectors, world frame.
        t: [P, S] float32, distances from the centre along the rays, ascending.
        delta: [P, S] float32, lengths of the intervals that the samples stand for; at least 0.
        index: [P, S] int32, row of the Gaussian that the sample was drawn from; -1 for the evenly spread ones.
        weight: [P] float32, sum of the blending weights w_i of the pixel, its alpha; where it is 0 the ray is empty and
            its samples stand for nothing (delta 0, at the near plane).
    """

    origins: F32
    directions: F32
    t: F32
    delta: F32
    index: NDArray[np.int32]
    weight: F32

    def points(self) -> F32:
        """[P, S, 3] float32: the samples, world frame."""
        return (self.origins + self.directions[:, None, :] * self.t[:, :, None]).astype(np.float32, copy=False)


def ray_directions(camera: Camera, pixels: NDArray[np.integer]) -> NDArray[np.float64]:
    """[P, 3] float64: unit vectors through the centres of pixels [P, 2] (column, row), world frame."""
    x, y = np.asarray(pixels, np.float64).T
    slopes = np.stack([(x + 0.5 - camera.cx) / camera.fx, (y + 0.5 - camera.cy) / camera.fy, np.ones_like(x)], axis=1)
    directions = slopes @ camera.camera_from_world[:3, :3]
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def inside_box(camera: Camera, directions: NDArray[np.float64], box: NDArray[np.floating]) -> NDArray[np.float64]:
    """[P, 2] float64: the distances at which rays enter and leave an axis-aligned box [2, 3] (low, high corner).

    The first is above the second where the ray misses the box. Distances behind the camera are negative.
    """
    safe = np.where(np.abs(directions) < 1e-12, 1e-12, directions)
    crossings = (np.asarray(box, np.float64)[:, None, :] - camera.position) / safe
    return np.stack([crossings.min(axis=0).max(axis=1), crossings.max(axis=0).min(axis=1)], axis=1)


def pixel_tiles(camera: Camera, pixels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """[tiles down, tiles across] bool: the tiles that hold the pixels [P, 2], for ``raster.cpu.prepare``.

    Pixels outside the image are passed over.
    """
    across, down = cpu.tile_counts(camera)
    tiles = np.zeros((down, across), bool)
    x, y = np.asarray(pixels, np.int64).reshape(-1, 2).T
    known = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
    tiles[y[known] // TILE, x[known] // TILE] = True
    return tiles


def sample_rays(
    g: Gaussians,
    camera: Camera,
    pixels: NDArray[np.integer],
    samples: int,
    seed: int | tuple[int, ...],
    *,
    jitter: bool = True,
    box: NDArray[np.floating] | None = None,
    prepared: cpu.Prepared | None = None,
) -> RaySamples:
    """Samples the rays of pixels where the Gaussians are (see the module).

    Runs on the CPU whatever the device that renders: what comes back is a few numbers per ray.

    Args:
        pixels: [P, 2] integers, column and row.
        samples: S, at least 1; one in ``EVEN`` of them is spread evenly, rounded down.
        seed: of the random numbers; the same seed gives the same samples, on any number of threads.
        jitter: without it every sample sits where its Gaussian is largest and the evenly spread ones in the middle of
            their strata; the seed does not matter then.
        box: [2, 3] low and high corner, world frame: keeps the evenly spread samples of rays that cross it inside it.
        prepared: of this view and these Gaussians, where the caller has it, with tiles that hold the pixels.

    Raises:
        ValueError: no samples asked for, or a pixel outside the image or the prepared tiles.
    """
    if samples < 1:
        raise ValueError(f"A ray takes at least 1 sample, not {samples}.")
    pixels = np.asarray(pixels)
    if pixels.ndim != 2 or pixels.shape[1] != 2:
        raise ValueError(f"Pixels must have the shape [P, 2], not {list(pixels.shape)}.")
    if prepared is None:
        prepared = cpu.prepare(g, camera, tiles=pixel_tiles(camera, pixels))
    directions = ray_directions(camera, pixels)
    if box is None:
        bounds = np.broadcast_to(np.array([0.0, np.inf]), (len(pixels), 2)).copy()
    else:
        bounds = inside_box(camera, directions, box)
    if jitter:
        random = np.random.default_rng(seed).random((len(pixels), samples), np.float32)
    else:
        random = np.full((len(pixels), samples), 0.5, np.float32)
    t, delta, index, weight = cpu_rays.sample(prepared, g, pixels, directions, bounds, random, samples // EVEN, jitter)
    return RaySamples(camera.position.astype(np.float32), directions.astype(np.float32), t, delta, index, weight)
