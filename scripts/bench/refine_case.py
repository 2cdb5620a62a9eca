# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What the refinement's benchmarks share: a scene with ready masks, at any size of image, refined under a clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from splatcut import formats, raster
from splatcut.cameras import load_photo, load_views
from splatcut.errors import UserError
from splatcut.lift import Labelled, Problem, lift
from splatcut.masks.ready import from_folder
from splatcut.progress import Quiet
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.masks import MaskSet


@dataclass(frozen=True, eq=False)
class Case:
    """A scene and the masks of its objects; ``photos`` by the views' names, at the size of the views' cameras."""

    gaussians: Gaussians
    views: list[View]
    masks: MaskSet
    photos: dict[str, NDArray[np.uint8]]

    def photo(self, view: View) -> NDArray[np.uint8] | None:
        """The view's photo [H, W, 3], None if there is none."""
        return self.photos.get(view.name)

    def lifted(self, tau: float = 0.6, device: raster.Device = "cpu") -> Labelled:
        """The masks lifted into the scene as it is."""
        return lift(Problem(self.gaussians, self.views, self.masks, device), tau, Quiet())


def load_case(folder: Path, scale: float = 1.0) -> Case:
    """The case of a folder with ``scene.ply``, ``sparse/0``, ``images`` and ``masks``; images ``scale`` times as wide.

    Raises:
        UserError: something is missing or unusable.
    """
    gaussians = formats.read_splats(folder / "scene.ply").gaussians
    views = load_views(folder / "sparse" / "0", folder / "images")
    masks = from_folder(folder / "masks", views, views, Quiet())
    known = {view.name: view for view in views}
    made, soft, photos = [], [], {}
    for name, probability in zip(masks.views, masks.probability, strict=True):
        view = known[name]
        size = (round(view.camera.width * scale), round(view.camera.height * scale))
        made.append(View(name, view.camera.resized(*size), view.photo, view.undistortion))
        soft.append(np.stack([_resized(mask, size) for mask in probability]))
        if view.photo is not None:
            photos[name] = _resized(load_photo(view), size)
    if not made:
        raise UserError(f"There are no masks of the views in {folder / 'masks'}.")
    return Case(gaussians, made, MaskSet(masks.objects, masks.views, soft, masks.confidence, masks.notes), photos)


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[1::-1] == size:
        return image
    smaller = size[0] < image.shape[1]
    kind = Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize(size, kind))


class Clock(Quiet):
    """Takes the time of every stage that reports to it; several stages of one name are added up.

    Attributes:
        cpu, wall: seconds by name; what comes after a stage's last step is its, too. steps: number of steps by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cpu: dict[str, float] = {}
        self.wall: dict[str, float] = {}
        self.steps: dict[str, int] = {}
        self._now = ""
        self._started = (time.process_time(), time.perf_counter())

    def stage(self, name: str, total: int) -> None:
        self.stop()
        self._now, self._started = name, (time.process_time(), time.perf_counter())

    def step(self, count: int = 1) -> None:
        self.steps[self._now] = self.steps.get(self._now, 0) + count

    def stop(self) -> None:
        """Ends the current stage."""
        if self._now:
            cpu, wall = time.process_time() - self._started[0], time.perf_counter() - self._started[1]
            self.cpu[self._now] = self.cpu.get(self._now, 0.0) + cpu
            self.wall[self._now] = self.wall.get(self._now, 0.0) + wall
        self._now = ""


@dataclass(frozen=True, eq=False)
class Timed:
    """A refinement and what it took; ``cpu`` and ``wall`` in seconds by stage."""

    labelled: Labelled
    summary: dict[str, Any]
    cpu: dict[str, float]
    wall: dict[str, float]

    @property
    def iterations(self) -> int:
        return int(self.summary["iterations"])


def refined(case: Case, labelled: Labelled, options: Any, device: raster.Device = "cpu") -> Timed:
    """Refines under a clock; ``options`` are ``splatcut.refine.options.RefineOptions``."""
    from splatcut.pipeline.refinement import refine_scene

    clock = Clock()
    made = refine_scene(case.gaussians, labelled, case.views, case.masks, options, clock, device, photo=case.photo)
    clock.stop()
    return Timed(made.labelled, made.summary, clock.cpu, clock.wall)
