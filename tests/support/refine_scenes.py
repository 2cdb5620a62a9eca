# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Small scenes for the refinement's tests: a ball before a wall, whose Gaussians are too large for its masks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mask_scenes import sphere_points
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift.problem import Problem
from splatcut.progress import Quiet
from splatcut.refine.bands import Band, Movable, make_bands
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import Moving
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import CLASSIC, F32, Gaussians, PixelFilter, concatenate
from splatcut.scene.masks import MaskSet

RADIUS = 0.5


@dataclass(frozen=True, eq=False)
class EdgeScene:
    """What the optimisation begins with.

    Attributes:
        gaussians: the ball's first, then the wall's.
        views: without photos; the images' sides are no multiples of a tile's.
        masks: of the ball as it was before its Gaussians were made too large, 0 or 255.
        rows: ascending, the Gaussians that may move: the ball's.
        probability: [N, 1], 1 for the ball.
    """

    gaussians: Gaussians
    views: list[View]
    masks: MaskSet
    rows: NDArray[np.int64]
    probability: F32

    @property
    def problem(self) -> Problem:
        return Problem(self.gaussians, self.views, self.masks)

    @property
    def movable(self) -> Movable:
        return Movable(self.gaussians, self.rows, self.probability)

    def moving(self) -> Moving:
        return Moving.of(self.gaussians, self.rows, self.probability)

    def bands(self, **options: Any) -> list[Band]:
        return make_bands(self.movable, self.problem, RefineOptions(**options), Quiet())


def plain(means: NDArray[np.floating], scale: float, colour: tuple[float, float, float]) -> Gaussians:
    """Round Gaussians of one size and colour, of opacity 0.95, SH degree 1 with small linear terms."""
    count = len(means)
    sh = np.zeros((count, 4, 3), np.float32)
    sh[:, 0] = (np.array(colour) - 0.5) / 0.28209479177387814
    sh[:, 1:] = np.random.default_rng(count).normal(scale=0.02, size=(count, 3, 3))
    return Gaussians(
        means=np.asarray(means, np.float32),
        log_scales=np.full((count, 3), np.log(scale), np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
        opacity_logits=np.full(count, np.log(19.0), np.float32),
        sh=sh,
    )


def looking_at(position: NDArray[np.floating], target: NDArray[np.floating], width: int, height: int) -> Camera:
    """A camera with y down in its picture where the world's y is up."""
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    transform = np.eye(4)
    transform[:3, :3] = [right, np.cross(forward, right), forward]
    transform[:3, 3] = -transform[:3, :3] @ position
    return Camera(width, height, 1.2 * width, 1.2 * width, 0.5 * width, 0.5 * height, transform)


def edge_scene(
    views: int = 5, width: int = 75, height: int = 53, growth: float = 0.5, pixel_filter: PixelFilter = CLASSIC
) -> EdgeScene:
    """The ball of radius 0.5 at the origin, the wall at z = -1.5; ``views`` cameras on an arc at distance 3.

    Args:
        growth: how much the ball's Gaussians grew since the masks were taken, added to the logarithm of their scales.
        pixel_filter: of the scene.
    """
    ball = replace(plain(RADIUS * sphere_points(400), 0.05, (0.9, 0.3, 0.2)), pixel_filter=pixel_filter)
    x, y = np.meshgrid(np.linspace(-2.5, 2.5, 26), np.linspace(-2, 2, 21))
    wall = plain(np.stack([x.ravel(), y.ravel(), np.full(x.size, -1.5)], axis=1), 0.12, (0.2, 0.4, 0.7))
    wall = replace(wall, pixel_filter=pixel_filter)
    placed, shown = [], []
    for turn in np.linspace(-0.6, 0.6, views):
        position = 3.0 * np.array([np.sin(turn), 0.2 * np.cos(3 * turn), np.cos(turn)])
        camera = looking_at(position, np.array([0.0, 0.0, -0.2]), width, height)
        placed.append(View(f"view {len(placed)}", camera))
        alone = 1 - raster.render(ball, camera, colour=False).transmittance
        shown.append(((alone > 0.5) * 255).astype(np.uint8)[None])
    names = tuple(view.name for view in placed)
    masks = MaskSet(("ball",), names, shown, np.ones((views, 1), np.float32))
    grown = replace(ball, log_scales=(ball.log_scales + np.float32(growth)).astype(np.float32))
    scene = concatenate([grown, wall])
    probability = (np.arange(len(scene)) < len(ball)).astype(np.float32)[:, None]
    return EdgeScene(scene, placed, masks, np.arange(len(ball)), probability)


def iou_alone(scene: EdgeScene, gaussians: Gaussians) -> float:
    """Mean over the views of the IoU of the ball alone (alpha above 1/2) and its mask."""
    values = []
    for number, view in enumerate(scene.views):
        ball = gaussians.take(scene.probability[:, 0] > 0.5)
        alone = 1 - raster.render(ball, view.camera, colour=False).transmittance > 0.5
        mask = scene.masks.probability[number][0] > 127
        values.append(float((alone & mask).sum() / (alone | mask).sum()))
    return float(np.mean(values))
