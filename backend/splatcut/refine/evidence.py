# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The views' evidence about points of space: is it the object, or is it not (method: exempt pixels).

What a view says about a point and an object depends on where the point projects to and on what the pixel shows there:

                            in front of the surface, or on it     behind the surface
    mask: the object        supports                              supports down to a plausible thickness, else unknown
    mask: not the object    refutes                               unknown: something hides it

A pixel's surface is where its transmittance falls below a half. An object is taken to be about as thick as it is wide:
behind its front surface, at a pixel d pixels from its outline, it may go on for 2 d pixels' worth of depth. In a ball
that is all of it in the middle and never more than the ball: what lies deep behind a ball's rim stays unknown. Better
too little support than too much, since what is wanted is to tell what sticks out of an object unseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from scipy import ndimage

from splatcut.lift.problem import Problem
from splatcut.progress import Progress
from splatcut.raster import cpu, cpu_depth
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import F32, Gaussians

#: How far behind a surface a point still counts as on it, in pixels' widths at its distance.
SLACK = 3.0
#: Plausible depth of an object behind its front surface, in distances to its outline: 2 for a ball, 0 for shells.
THICKNESS = 2.0
#: Transmittance at which a pixel's surface is.
LEVEL = 0.5
#: Longer side of the depth maps in pixels; larger views are rendered smaller.
LARGEST = 640
#: At most so many views are asked about each object, those that differ most.
VIEWS = 40
#: Pixels by which the masks are widened first: edges are the optimisation's matter, and masks err.
WIDEN = 1
#: Share of the views that see a point that have to support it.
SUPPORTED = 0.02
#: Share of views in whose mask a point has to lie, however deep, to stay without support: what is inside of an object.
ENCLOSED = 0.9
#: Share of views that may refute a point in any case, and as a share of those that support it.
REFUTED, CONTESTED = 0.15, 0.5

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the views say about M points and one object. Views count by their confidence.

    Attributes:
        supported: [M] float32, views that show the point, or what it may plausibly be inside of, as the object.
        refuted: [M] float32, views that would show the point and show something else.
        inside: [M] float32, views in whose mask the point lies, however far behind the surface.
        seen: [M] float32, views in whose image the point lies; what is not refuted or supported of it is unknown.
    """

    supported: F32
    refuted: F32
    inside: F32
    seen: F32


def depth_maps(gaussians: Gaussians, views: Sequence[View], progress: Progress) -> list[F32]:
    """Per view the camera z of the surface, [h, w] float32 with the view's aspect, infinite where there is none.

    To be computed once and used for all objects. Runs on the CPU on every device: where the light is gone is no sum of
    blending weights, which is what the other rasterisers give.
    """
    maps: list[F32] = []
    progress.stage("depths", len(views))
    for view in views:
        progress.step()
        camera = view.camera
        shrink = min(1.0, LARGEST / max(camera.width, camera.height))
        if shrink < 1.0:
            camera = camera.resized(max(1, round(camera.width * shrink)), max(1, round(camera.height * shrink)))
        maps.append(cpu_depth.surface_depth(cpu.prepare(gaussians, camera), gaussians, LEVEL))
    return maps


@dataclass(frozen=True, eq=False)
class Witness:
    """What one view knows of one object: its camera, mask [H, W] uint8, confidence above 0, surface depths [h, w] from
    ``depth_maps``, and ``interior`` of the mask."""

    camera: Camera
    mask: NDArray[np.uint8]
    confidence: float
    depth: F32
    interior: F32


def call_witnesses(problem: Problem, progress: Progress) -> list[list[Witness]]:
    """For every object the views that are asked about it."""
    masks = problem.masks
    chosen = [_spread(problem.views, confidence) for confidence in masks.confidence.T]
    used = sorted({number for numbers in chosen for number in numbers})
    depths = dict(zip(used, depth_maps(problem.scene, [problem.views[n] for n in used], progress), strict=True))
    size = 2 * WIDEN + 1
    found: list[list[Witness]] = []
    for k, numbers in enumerate(chosen):
        found.append([])
        for n in numbers:
            mask = ndimage.grey_dilation(masks.probability[n][k], size=(size, size))
            confidence = float(masks.confidence[n, k])
            found[k].append(Witness(problem.views[n].camera, mask, confidence, depths[n], interior(mask)))
    return found


def supported(gaussians: Gaussians, labels: NDArray[np.integer], witnesses: Sequence[Sequence[Witness]]) -> Bools:
    """[N] bool: objects' Gaussians whose centre the views take for the object's.

    Where such Gaussians are covered by something else, the object alone may cover more than its mask shows (L_alone).

    Args:
        labels: [N], 0 the background, k the k-th object (from 1); witnesses: of every object.
    """
    result = np.zeros(len(gaussians), bool)
    for k, asked in enumerate(witnesses):
        rows = np.flatnonzero(np.asarray(labels) == k + 1)
        if rows.size and asked:
            result[rows] = is_object(gaussians.means[rows].astype(np.float64), asked)
    return result


def is_object(points: NDArray[np.floating], witnesses: Sequence[Witness]) -> Bools:
    """Whether points [..., 3], world frame, are the object's that the witnesses are asked about."""
    found = evidence(points.reshape(-1, 3), witnesses)
    refuted = (found.refuted > CONTESTED * found.supported) & (found.refuted > REFUTED * found.seen)
    known = (found.supported > SUPPORTED * found.seen) | (found.inside >= ENCLOSED * found.seen)
    return (known & ~refuted & (found.seen > 0)).reshape(points.shape[:-1])


def evidence(points: NDArray[np.floating], witnesses: Sequence[Witness]) -> Evidence:
    """Asks every witness about every point [M, 3], world frame. Soft masks speak for both sides, in proportion."""
    points = np.ascontiguousarray(points, np.float64)
    found = np.zeros((4, len(points)))
    for w in witnesses:
        lens = (w.camera.fx, w.camera.fy, w.camera.cx, w.camera.cy)
        _ask(
            points, w.camera.camera_from_world, lens, w.camera.near, w.mask, w.interior, w.depth, w.confidence, SLACK,
            THICKNESS, found,
        )  # fmt: skip
    supported, refuted, inside, seen = found.astype(np.float32)
    return Evidence(supported, refuted, inside, seen)


@njit(parallel=True, cache=True, nogil=True)
def _ask(
    points: Any, transform: Any, lens: Any, near: float, mask: Any, inner: Any, depth: Any, trust: float, slack: float,
    thickness: float, found: Any,
) -> None:  # fmt: skip
    """Adds what one view says about points [M, 3] to ``found`` [4, M]: supported, refuted, inside, seen."""
    fx, fy, cx, cy = lens
    height, width = mask.shape
    rows, columns = depth.shape
    focal = (fx * fy) ** 0.5
    for i in prange(points.shape[0]):
        x, y, z = points[i]
        ahead = transform[2, 0] * x + transform[2, 1] * y + transform[2, 2] * z + transform[2, 3]
        if not ahead > near:
            continue
        u = fx * (transform[0, 0] * x + transform[0, 1] * y + transform[0, 2] * z + transform[0, 3]) / ahead + cx
        v = fy * (transform[1, 0] * x + transform[1, 1] * y + transform[1, 2] * z + transform[1, 3]) / ahead + cy
        if not (0 <= u < width and 0 <= v < height):
            continue
        shown = mask[int(v), int(u)] / 255.0
        surface = depth[min(int(v * rows / height), rows - 1), min(int(u * columns / width), columns - 1)]
        # In pixels' widths at the nearer of point and surface; minus infinity where there is no surface.
        behind = (ahead - surface) * focal / min(ahead, surface)
        if behind <= slack + thickness * inner[int(v), int(u)]:
            found[0, i] += trust * shown
        if behind <= slack:
            found[1, i] += trust * (1.0 - shown)
        found[2, i] += trust * shown
        found[3, i] += trust


def interior(mask: NDArray[np.uint8]) -> F32:
    """[H, W] float32: distance to the outline in pixels, 0 outside the mask. The image's border is no outline."""
    whole = mask > 127
    if whole.all():
        return np.full(mask.shape, max(mask.shape), np.float32)
    result = np.zeros(mask.shape, np.float32)
    across, down = np.flatnonzero(whole.any(axis=0)), np.flatnonzero(whole.any(axis=1))
    if across.size:
        # The nearest pixel of the other side touches the mask, so no more than its box need be looked at.
        box = (slice(max(0, down[0] - 1), down[-1] + 2), slice(max(0, across[0] - 1), across[-1] + 2))
        # The transform measures to the nearest pixel of the other side; the outline lies half a pixel before it.
        result[box] = np.maximum(0, ndimage.distance_transform_edt(whole[box]) - 0.5)
    return result


def _spread(views: Sequence[View], confidence: F32) -> list[int]:
    """Numbers of at most ``VIEWS`` trusted views, ascending: each one the farthest in place and direction from those
    before it."""
    trusted = np.flatnonzero(confidence > 0)
    if trusted.size <= VIEWS:
        return trusted.tolist()
    cameras = [views[int(number)].camera for number in trusted]
    places = np.array([camera.position for camera in cameras])
    size = float(np.sqrt(((places - places.mean(axis=0)) ** 2).sum(axis=1).mean())) or 1.0
    poses = np.concatenate([places / size, np.array([c.camera_from_world[2, :3] for c in cameras])], axis=1)
    taken = [0]
    nearest = np.linalg.norm(poses - poses[0], axis=1)
    while len(taken) < VIEWS:
        taken.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.linalg.norm(poses - poses[taken[-1]], axis=1))
    return np.sort(trusted[taken]).tolist()
