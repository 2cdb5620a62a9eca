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

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from splatcut.raster.cpu import Prepared
from splatcut.raster.cpu_rays import pixel_lists, ray_directions
from splatcut.raster.rule import ALPHA_MIN
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.scene.rotations import rotation_matrices

#: One sample in so many is spread evenly instead of drawn by weight.
EVEN = 4
#: Half the length of the interval that has the standard deviation 1 when it is filled evenly.
SLAB = math.sqrt(3.0)
#: No part of a Gaussian that is drawn is farther than this from its centre, in its standard deviations:
#: alpha >= 1/255 at an opacity of at most 1.
FARTHEST = math.sqrt(2.0 * math.log(1.0 / ALPHA_MIN))


@dataclass(frozen=True, eq=False)
class RaySamples:
    """Samples on P rays of one camera, world units.

    Attributes:
        origins: [3] float32, the camera's centre, world frame.
        directions: [P, 3] float32, unit vectors, world frame.
        t: [P, S] float32, distances from the centre along the rays, ascending.
        delta: [P, S] float32, lengths of the intervals that the samples stand for; at least 0.
        index: [P, S] int64, row of the Gaussian that the sample was drawn from; -1 for the evenly spread ones.
        weight: [P] float32, sum of the blending weights w_i of the pixel, its alpha; where it is 0 the ray is empty and
            its samples stand for nothing (delta 0, at the near plane).
    """

    origins: F32
    directions: F32
    t: F32
    delta: F32
    index: NDArray[np.int64]
    weight: F32

    def points(self) -> F32:
        """[P, S, 3] float32: the samples, world frame."""
        return (self.origins + self.directions[:, None, :] * self.t[:, :, None]).astype(np.float32, copy=False)


def inside_box(camera: Camera, directions: NDArray[np.float64], box: NDArray[np.floating]) -> NDArray[np.float64]:
    """[P, 2] float64: the distances at which rays enter and leave an axis-aligned box [2, 3] (low, high corner).

    The first is above the second where the ray misses the box. Distances behind the camera are negative.
    """
    safe = np.where(np.abs(directions) < 1e-12, 1e-12, directions)
    crossings = (np.asarray(box, np.float64)[:, None, :] - camera.position) / safe
    return np.stack([crossings.min(axis=0).max(axis=1), crossings.max(axis=0).min(axis=1)], axis=1)


def sample_rays(
    prepared: Prepared,
    gaussians: Gaussians,
    pixels: NDArray[np.integer],
    samples: int,
    seed: int | tuple[int, ...],
    *,
    jitter: bool = True,
    box: NDArray[np.floating] | None = None,
) -> RaySamples:
    """Samples the rays of pixels where the Gaussians are (see the module).

    Runs on the CPU whatever the device that renders: what comes back is a few numbers per ray.

    Args:
        prepared: a view of these Gaussians, with tiles that hold the pixels.
        pixels: [P, 2] integers, column and row.
        samples: S, at least 1; one in ``EVEN`` of them is spread evenly, rounded down.
        seed: of the random numbers; the same seed gives the same samples.
        jitter: without it every sample sits where its Gaussian is largest and the evenly spread ones in the middle of
            their strata; the seed does not matter then.
        box: [2, 3] low and high corner, world frame: keeps the evenly spread samples of rays that cross it inside it.

    Raises:
        ValueError: no samples asked for, or a pixel outside the image or the prepared tiles.
    """
    if samples < 1:
        raise ValueError(f"A ray takes at least 1 sample, not {samples}.")
    rows, weights = pixel_lists(prepared, pixels)
    camera = prepared.camera
    directions = ray_directions(camera, *pixels.T)
    nearest = camera.near / np.maximum(directions @ camera.camera_from_world[2, :3], 1e-6)
    t = np.repeat(nearest[:, None], samples, axis=1)
    delta, index = np.zeros_like(t), np.full(t.shape, -1)
    random = np.random.default_rng(seed).random(t.shape, np.float32) if jitter else np.full(t.shape, 0.5)

    total = weights.sum(axis=1, dtype=np.float64)
    seen = np.flatnonzero(total)
    rays, near, random = directions[seen], nearest[seen, None], random[seen]
    even = samples // EVEN
    drawn = samples - even
    chosen, share = _drawn(weights[seen], random[:, :drawn])
    row = np.take_along_axis(rows[seen], chosen, axis=1)
    found = _along(gaussians, row.ravel(), camera.position, rays.repeat(drawn, axis=0))
    centre, deviation = (part.reshape(row.shape) for part in found)
    centre = np.maximum(centre, near)
    half = SLAB * np.hypot(deviation, centre * math.sqrt(gaussians.pixel_filter.variance / (camera.fx * camera.fy)))
    at = centre + half * (2.0 * share - 1.0) if jitter else centre

    # As much empty space before what was hit as there is stretch in it.
    front, end = (centre - half).min(axis=1, keepdims=True), (centre + half).max(axis=1, keepdims=True)
    start = np.maximum(near, 2.0 * front - end)
    if box is not None:
        enter, leave = inside_box(camera, rays, box).T[:, :, None]
        inner = np.maximum(start, enter), np.minimum(end, leave)
        start, end = np.where(inner[0] < inner[1], inner, (start, end))
    step = (end - start) / max(even, 1)
    spread = start + step * (np.arange(even) + random[:, drawn:])

    ends = np.hstack([centre - half, spread - step]), np.hstack([centre + half, spread + step])
    at, first, last = (np.maximum(part, near) for part in (np.hstack([at, spread]), *ends))
    order = np.argsort(at, axis=1, kind="stable")
    at, first, last = (np.take_along_axis(part, order, axis=1) for part in (at, first, last))
    t[seen], delta[seen] = at, _lengths(at, first, last)
    index[seen] = np.take_along_axis(np.hstack([row, np.full(spread.shape, -1)]), order, axis=1)
    origin, directions, t, delta, alpha = (
        part.astype(np.float32) for part in (camera.position, directions, t, delta, total)
    )
    return RaySamples(origin, directions, t, delta, index, alpha)


def _drawn(weights: F32, random: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Stratified inverse CDF over lists of weights [P, L]: places in the lists [P, S], in ascending order.

    What is left of a draw inside its Gaussian's share of the CDF, [P, S] in [0, 1], says where in the Gaussian's slab
    the sample goes, so that samples of one Gaussian are stratified as well.
    """
    edges = np.cumsum(weights, axis=1, dtype=np.float64)
    strata = np.arange(random.shape[1]) + random
    u = strata * (weights.sum(axis=1, dtype=np.float64, keepdims=True) / max(random.shape[1], 1))
    passed = (edges[:, None, :] <= u[:, :, None]).sum(axis=2)
    chosen = np.minimum(passed, np.count_nonzero(weights, axis=1)[:, None] - 1)
    own = np.take_along_axis(weights, chosen, axis=1)
    return chosen, np.clip(1.0 - (np.take_along_axis(edges, chosen, axis=1) - u) / own, 0.0, 1.0)


def _along(
    gaussians: Gaussians, rows: NDArray[np.int64], origin: NDArray[np.float64], directions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[R] where Gaussians are largest on rays [R, 3] from the origin, and [R] their standard deviations along them."""
    axes = rotation_matrices(gaussians.quats[rows])
    scales = np.exp(gaussians.log_scales[rows].astype(np.float64).clip(-60.0, 60.0))
    offset = gaussians.means[rows] - origin
    middle = (offset * directions).sum(axis=1)
    # Centre minus the point of the ray nearest to it: keeps digits where the Gaussian is small and far.
    offset -= middle[:, None] * directions
    d, m = (np.einsum("rij,ri->rj", axes, vector) for vector in (directions, offset))
    precision = ((d / scales) ** 2).sum(axis=1)
    reach = FARTHEST * np.sqrt(((d * scales) ** 2).sum(axis=1))
    step = (d * m / scales**2).sum(axis=1) / precision
    return middle + step.clip(-reach, reach), 1.0 / np.sqrt(precision)


def _lengths(at: NDArray[np.float64], first: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    """[P, S] lengths of the samples' intervals: each from ``first`` to ``last``, cut halfway to the next sample's."""
    left, right = first.copy(), last.copy()
    meet = first[:, 1:] <= last[:, :-1]
    halfway = np.minimum(last[:, :-1], np.maximum(first[:, 1:], 0.5 * (at[:, :-1] + at[:, 1:])))
    right[:, :-1] = np.where(meet, halfway, last[:, :-1])
    left[:, 1:] = np.where(meet, halfway, first[:, 1:])
    return right - left
