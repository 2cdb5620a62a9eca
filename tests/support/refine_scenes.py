# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Small scenes for the refinement's tests: a ball before a wall, whose Gaussians are too large for its masks, and a
ball on a slab."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from mask_scenes import make_gaussians, sphere_points
from numpy.typing import NDArray

from splatcut import raster
from splatcut.lift.problem import Problem
from splatcut.progress import Quiet
from splatcut.refine.bands import Band, Movable, make_bands
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import Moving
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import F32, Gaussians, concatenate
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
        """All supported."""
        return Movable(self.gaussians, self.rows, self.probability, np.ones(len(self.gaussians), bool))

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


def edge_scene(views: int = 5, width: int = 75, height: int = 53, growth: float = 0.5) -> EdgeScene:
    """The ball of radius 0.5 at the origin, the wall at z = -1.5; ``views`` cameras on an arc at distance 3.

    Args:
        growth: how much the ball's Gaussians grew since the masks were taken, added to the logarithm of their scales.
    """
    ball = plain(RADIUS * sphere_points(400), 0.05, (0.9, 0.3, 0.2))
    x, y = np.meshgrid(np.linspace(-2.5, 2.5, 26), np.linspace(-2, 2, 21))
    wall = plain(np.stack([x.ravel(), y.ravel(), np.full(x.size, -1.5)], axis=1), 0.12, (0.2, 0.4, 0.7))
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


def slab_scene(views: int) -> tuple[Problem, NDArray[np.int32]]:
    """A ball of radius 0.5 about (0, 0.5, 0) that stands on a slab whose upper side is y = 0, and the labels.

    The objects are the ball (3000 Gaussians, first) and the slab; the masks are of what each view shows; the cameras
    stand on a ring 35 degrees up.
    """
    ball = make_gaussians(0.97 * RADIUS * sphere_points(3000) + [0.0, RADIUS, 0.0], 0.015, 0.9975)
    x, z = np.meshgrid(np.arange(-2, 2.01, 0.05), np.arange(-2, 2.01, 0.05))
    places = np.stack([x.ravel(), np.full(x.size, -0.02), z.ravel()], axis=1)
    scene = concatenate([ball, make_gaussians(places, (0.03, 0.002, 0.03), 0.9975)])
    labels = np.where(np.arange(len(scene)) < len(ball), 1, 2).astype(np.int32)
    placed, masks = [], []
    for turn in 2 * np.pi * np.arange(views) / views:
        up = np.deg2rad(35.0)
        at = 4.0 * np.array([np.cos(up) * np.cos(turn), np.sin(up), np.cos(up) * np.sin(turn)])
        camera = looking_at(at, np.array([0.0, 0.4, 0.0]), 160, 120)
        features = np.eye(2, dtype=np.float32)[labels - 1]
        shown = raster.render(scene, camera, colour=False, features=features).features
        assert shown is not None
        placed.append(View(f"view {len(placed)}", camera))
        masks.append(np.round(255 * np.clip(shown, 0, 1)).astype(np.uint8).transpose(2, 0, 1).copy())
    names = tuple(view.name for view in placed)
    return Problem(scene, placed, MaskSet(("ball", "slab"), names, masks, np.ones((views, 2), np.float32))), labels
