# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Small scenes whose objects are known exactly, cameras around them, and a 2D model that needs no weights.

Up is -y, as COLMAP and 3DGS have it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatcut import raster
from splatcut.cameras import look_at
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import SH_C0, Gaussians, concatenate
from splatcut.scene.masks import MaskSet
from splatcut.segmenter import Embedding, Prediction, Prompt2D, Segmenter

UP = (0.0, -1.0, 0.0)


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def make_gaussians(
    means: ArrayLike,
    scales: ArrayLike,
    opacity: ArrayLike = 0.9,
    colour: ArrayLike = (0.5, 0.5, 0.5),
    quats: ArrayLike = (1.0, 0.0, 0.0, 0.0),
) -> Gaussians:
    """Gaussians at ``means`` [N, 3]; everything else is broadcast to them. ``colour`` is sRGB in [0, 1]."""
    places = np.array(means, np.float32).reshape(-1, 3)
    count = len(places)
    chance = np.broadcast_to(np.asarray(opacity, np.float64), count)
    return Gaussians(
        places,
        np.log(np.broadcast_to(np.asarray(scales, np.float64), (count, 3))).astype(np.float32),
        np.broadcast_to(np.asarray(quats, np.float32), (count, 4)).copy(),
        np.log(chance / (1.0 - chance)).astype(np.float32),
        ((np.broadcast_to(np.asarray(colour, np.float64), (count, 3)) - 0.5) / SH_C0).astype(np.float32)[:, None, :],
    )


def camera_at(position: ArrayLike, target: ArrayLike = (0.0, 0.0, 0.0), width: int = 64, height: int = 48) -> Camera:
    """A camera whose focal length is its width, with the principal point in the middle."""
    return Camera(width, height, float(width), float(width), width / 2, height / 2, look_at(position, target, UP))


def ring(
    count: int, radius: float = 3.0, elevation: float = 30.0, width: int = 64, height: int = 48, turn: float = 360.0
) -> list[View]:
    """Views ``view_00``, ... on a horizontal circle, looking at the origin from ``elevation`` degrees above it."""
    up = np.radians(elevation)
    views = []
    for number, angle in enumerate(np.radians(np.arange(count) * turn / count)):
        place = radius * np.array([np.cos(up) * np.sin(angle), -np.sin(up), -np.cos(up) * np.cos(angle)])
        views.append(View(f"view_{number:02d}", camera_at(place, width=width, height=height)))
    return views


def sphere_points(count: int) -> NDArray[np.float64]:
    """[count, 3] points spread evenly over the unit sphere."""
    height = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    around = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count)
    flat = np.sqrt(1.0 - height**2)
    return np.stack([flat * np.cos(around), height, flat * np.sin(around)], axis=1)


@dataclass(frozen=True, eq=False)
class Scene:
    """Gaussians with the number of the object that each belongs to, 0 for the background."""

    gaussians: Gaussians
    owner: NDArray[np.int32]

    def truth(self, camera: Camera, number: int = 1) -> NDArray[np.bool_]:
        """[H, W] bool: where object ``number`` is most of what is seen."""
        labels = (self.owner == number).astype(np.float32)[:, None]
        blended = raster.render(self.gaussians, camera, features=labels, colour=False).features
        assert blended is not None
        return blended[..., 0] > 0.5


def balls_on_floor(*centres: tuple[float, float, float], radius: float = 0.4, floor: float = 1.6) -> Scene:
    """Balls of saturated colours (the first is red, then green, then blue) on a grey floor at y = 0.4.

    The floor reaches ``floor`` to all sides of the origin.
    """
    steps = np.arange(-floor, floor + 1e-6, 0.1)
    x, z = np.meshgrid(steps, steps)
    ground = np.stack([x.ravel(), np.full(x.size, 0.4), z.ravel()], axis=1)
    parts = [make_gaussians(ground, (0.06, 0.01, 0.06), 0.95, (0.5, 0.5, 0.5))]
    owner = [np.zeros(x.size, np.int32)]
    for number, centre in enumerate(centres):
        colour = np.full(3, 0.1)
        colour[number] = 0.9
        places = radius * sphere_points(500) + centre
        parts.append(make_gaussians(places, 0.1 * radius, 0.95, colour))
        owner.append(np.full(len(places), number + 1, np.int32))
    return Scene(concatenate(parts), np.concatenate(owner))


def hard_masks(views: list[View], masks: list[NDArray[np.bool_]], confidence: ArrayLike | None = None) -> MaskSet:
    """A set of masks [K, H, W] per view, with full confidence unless given [V, K]."""
    kinds = masks[0].shape[0]
    trust = np.ones((len(views), kinds)) if confidence is None else np.asarray(confidence)
    return MaskSet(
        tuple(f"object {k + 1}" for k in range(kinds)),
        tuple(view.name for view in views),
        [mask.astype(np.uint8) * np.uint8(255) for mask in masks],
        trust.astype(np.float32),
    )


class WholeSegmenter(Segmenter):
    """A 2D model that embeds and predicts as a whole, and has no halves."""

    def features(self, pixels: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        raise AssertionError("encode stands in for this")

    def masks(self, embedding: Embedding, prompt: Prompt2D) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        raise AssertionError("predict stands in for this")


class ColourSegmenter(WholeSegmenter):
    """Answers with all pixels that look like the one under the first positive point (or the box's middle)."""

    def __init__(self) -> None:
        super().__init__("colour", "colour-1")
        self.prompts: list[Prompt2D] = []

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        return Embedding({"image": image.astype(np.float32)}, self.frame(image.shape[1], image.shape[0]))

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        self.prompts.append(prompt)
        image = embedding.features["image"]
        if (prompt.labels == 1).any():
            place = prompt.points[prompt.labels == 1][0]
        else:
            assert prompt.box is not None
            place = prompt.box.reshape(2, 2).mean(axis=0)
        column, row = np.minimum(np.floor(place).astype(int), [image.shape[1] - 1, image.shape[0] - 1])
        alike = np.abs(image - image[row, column]).max(axis=2) < 60
        logits = embedding.frame.to_low_res(np.where(alike, 10.0, -10.0), outside=-10.0)
        return Prediction(logits[None], np.array([0.9], np.float32), np.array([False]), embedding.frame)
