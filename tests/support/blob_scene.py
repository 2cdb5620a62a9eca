# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A tiny data set: a red and a blue ball over a grey floor, six cameras, photos, exact masks, and a 2D model that sees
colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mask_scenes import WholeSegmenter
from numpy.typing import NDArray
from PIL import Image

from splatcut import raster
from splatcut.cameras import look_at, save_cameras
from splatcut.export.matte import object_masks
from splatcut.formats import SplatFile, write_splats
from splatcut.messages import InlineView, ObjectPrompt, ViewPrompt
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import SH_C0, Gaussians
from splatcut.segmenter import Embedding, Prediction, Prompt2D, low_res_from_mask

WIDTH, HEIGHT, VIEWS = 96, 80, 6
NAMES = ("blue", "red")
_COLOURS = {"red": (0.85, 0.1, 0.1), "blue": (0.1, 0.15, 0.85), "floor": (0.5, 0.5, 0.5)}
_CENTRES = {"red": (-0.55, 0.0, 0.0), "blue": (0.55, 0.0, 0.1)}


@dataclass(frozen=True, eq=False)
class BlobScene:
    """Where the data set lies, and its truth.

    Attributes:
        folder: holds scene.ply, cameras.json, images/ and masks/<name>/.
        gaussians: the scene; labels: [N] int32, 1 blue, 2 red, 0 the floor.
        views: the cameras, by name.
    """

    folder: Path
    gaussians: Gaussians
    labels: NDArray[np.int32]
    views: list[View]

    @property
    def scene(self) -> Path:
        return self.folder / "scene.ply"

    @property
    def cameras(self) -> Path:
        return self.folder / "cameras.json"

    def click(self, name: str, view: int = 2) -> tuple[float, float]:
        """The pixel of a ball's centre in a view."""
        pixels, _ = self.views[view].camera.project(np.array([_CENTRES[name]]))
        return round(float(pixels[0, 0]), 1), round(float(pixels[0, 1]), 1)

    def prompted(self, name: str = "red", view: str = "view_2", **more: Any) -> ObjectPrompt:
        """The object with a click on its ball as view_2 has it, in the view of that pose."""
        return ObjectPrompt(name, (ViewPrompt(view, ((*self.click(name), 1),)),), **more)

    def inline(self, name: str, photo: Path | None = None) -> InlineView:
        """View 2 under another name, as a job holds it."""
        c = self.views[2].camera
        rows: Any = tuple(tuple(row) for row in c.camera_from_world.tolist())
        return InlineView(name, c.width, c.height, c.fx, c.fy, c.cx, c.cy, rows, photo)

    def at(self, name: str, view: int = 2) -> str:
        """The value of --at for a click on a ball."""
        x, y = self.click(name, view)
        return f"{self.views[view].name}:{x:g},{y:g}"


def _ball(rng: np.random.Generator, name: str, count: int) -> tuple[NDArray[np.float64], str]:
    offsets = rng.normal(size=(count, 3))
    offsets *= 0.32 * rng.uniform(0.6, 1.0, (count, 1)) / np.linalg.norm(offsets, axis=1, keepdims=True)
    return np.array(_CENTRES[name]) + offsets, name


def make_gaussians(seed: int = 5) -> tuple[Gaussians, NDArray[np.int32]]:
    """400 Gaussians and their labels; y points down, the floor is at y = 0.4."""
    rng = np.random.default_rng(seed)
    floor = np.column_stack([rng.uniform(-1.6, 1.6, 160), np.full(160, 0.4), rng.uniform(-1.2, 1.2, 160)])
    parts = [_ball(rng, "blue", 120), _ball(rng, "red", 120), (floor, "floor")]
    means = np.concatenate([part for part, _ in parts])
    names = np.concatenate([np.full(len(part), name) for part, name in parts])
    order = rng.permutation(len(means))
    means, names = means[order], names[order]
    scales = np.where((names == "floor")[:, None], [0.16, 0.03, 0.16], [0.08, 0.08, 0.08])
    quats = rng.normal(size=(len(means), 4))
    quats[names == "floor"] = (1.0, 0.0, 0.0, 0.0)
    colours = np.array([_COLOURS[name] for name in names]) + rng.uniform(-0.04, 0.04, (len(means), 3))
    sh = np.zeros((len(means), 4, 3), np.float32)
    sh[:, 0] = (colours - 0.5) / SH_C0
    sh[:, 1:] = rng.normal(scale=0.01, size=(len(means), 3, 3))
    gaussians = Gaussians(
        means.astype(np.float32),
        np.log(scales).astype(np.float32),
        quats.astype(np.float32),
        rng.uniform(1.5, 4.0, len(means)).astype(np.float32),
        sh,
    )
    labels = np.select([names == "blue", names == "red"], [1, 2], 0).astype(np.int32)
    return gaussians, labels


def make_views() -> list[View]:
    """Cameras on an arc in front of the balls, slightly above."""
    views = []
    for number in range(VIEWS):
        angle = np.radians(-35.0 + 14.0 * number)
        place = np.array([2.6 * np.sin(angle), -0.9, -2.6 * np.cos(angle)])
        pose = look_at(place, np.array([0.0, 0.1, 0.0]), np.array([0.0, -1.0, 0.0]))
        views.append(View(f"view_{number}", Camera(WIDTH, HEIGHT, 85.0, 85.0, WIDTH / 2, HEIGHT / 2, pose)))
    return views


def make_scene(folder: Path) -> BlobScene:
    """Writes the data set into ``folder``."""
    gaussians, labels = make_gaussians()
    views = make_views()
    folder.mkdir(parents=True, exist_ok=True)
    write_splats(folder / "scene.ply", SplatFile.from_gaussians(gaussians))
    save_cameras(folder / "cameras.json", views)
    (folder / "images").mkdir()
    for name in NAMES:
        (folder / "masks" / name).mkdir(parents=True)
    for view in views:
        image = raster.render(gaussians, view.camera).image
        pixels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{view.name}.png")
        for name, mask in zip(NAMES, object_masks(gaussians, labels, 2, view.camera), strict=True):
            Image.fromarray((mask > 0.5).astype(np.uint8) * 255).save(folder / "masks" / name / f"{view.name}.png")
    return BlobScene(folder, gaussians, labels, views)


class ColourSegmenter(WholeSegmenter):
    """A 2D model that answers with all pixels whose colour is near that of the points (or of the box's middle)."""

    def __init__(self) -> None:
        super().__init__("colours", "colours-1")

    def encode(self, image: NDArray[np.uint8]) -> Embedding:
        frame = self.frame(image.shape[1], image.shape[0])
        return Embedding({"image": image.astype(np.float32) / np.float32(255)}, frame)

    def predict(self, embedding: Embedding, prompt: Prompt2D) -> Prediction:
        image = embedding.features["image"]
        points = prompt.points[prompt.labels == 1]
        if len(points) == 0:
            assert prompt.box is not None
            points = (prompt.box[:2] + prompt.box[2:])[None] / 2
        column = np.clip(np.floor(points[:, 0]).astype(int), 0, image.shape[1] - 1)
        row = np.clip(np.floor(points[:, 1]).astype(int), 0, image.shape[0] - 1)
        colour = image[row, column].mean(axis=0)
        near = (np.abs(image - colour).max(axis=2) < 0.2).astype(np.float32)
        low_res = low_res_from_mask(near, embedding.frame)[None]
        return Prediction(low_res, np.array([0.9], np.float32), np.array([False]), embedding.frame)
