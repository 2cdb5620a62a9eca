# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The scenes that are run: the real captures, the demo scene, scenes composed of captures."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bench.shared import REPOSITORY
from splatcut.cameras import holdout, load_views, save_cameras
from splatcut.errors import UserError
from splatcut.mask_files import MaskFile, find_masks
from splatcut.messages import ViewPrompt, load_prompts
from splatcut.scene.camera import View

#: Object -> view -> mask file.
Masks = Mapping[str, Mapping[str, MaskFile]]

#: The captures and the demo scene, and the folds whose spread stands for all of them (none: no true masks).
SPREAD_FOLDS: dict[str, tuple[int, ...]] = {
    "demo": (0, 1, 2, 3),
    "statue": (0, 2, 4, 6),
    "goldcape": (0, 4),
    "skull": (0, 4),
    "horns": (),
}


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene to run.

    Attributes:
        name: of the scene; folder: where it lies.
        fold: the first of the test views, by name.
        cameras: what --cameras takes; holdout: what --holdout takes.
        images: folder of the photos, or None when the scene's own renders stand in.
        masks: object -> view -> file of the visible masks; None when there are none.
        alone: object -> view -> file of the silhouettes without the rest; None when they are not known.
        labels: file of every Gaussian's true label, or None: arrays ``labels`` [N], 0 the background, and ``names``,
            the objects in the labels' order (from 1), or, without the latter, in the order of the prompts.
        exact: whether these labels are true beyond doubt, so that objects can be rendered from anywhere.
    """

    name: str
    folder: Path
    cameras: Path
    holdout: int
    images: Path | None
    masks: Masks | None
    alone: Masks | None
    labels: Path | None
    exact: bool = False
    fold: int = 0

    @property
    def run_name(self) -> str:
        """For names of folders."""
        return f"{self.name}-fold{self.fold}" if self.fold else self.name

    @functools.cached_property
    def views(self) -> tuple[list[View], list[View]]:
        """Training views, test views."""
        return holdout(load_views(self.cameras, self.images), self.holdout)


def scene_at(name: str, folder: Path, cameras: str, every: int, *, exact: bool = False) -> Scene:
    """The scene in a folder with ``scene.ply`` and what else there is of ``images``, ``masks``, ``alone`` and
    ``labels.npz``. Raises ``UserError`` when it is not there."""
    if not (folder / "scene.ply").is_file():
        raise UserError(f"The scene {name} is not at {folder}.")

    def masks(kind: str) -> Masks | None:
        return find_masks(folder / kind) if (folder / kind).is_dir() else None

    images, labels = folder / "images", folder / "labels.npz"
    return Scene(
        name,
        folder,
        folder / cameras,
        every,
        images if images.is_dir() else None,
        masks("masks"),
        masks("alone"),
        labels if labels.is_file() else None,
        exact,
    )


def find_scene(name: str, shared: Path) -> Scene:
    """The capture or demo scene of that name. Raises ``UserError`` when it is not there."""
    if name == "demo":
        return scene_at(name, REPOSITORY / "demo", "cameras.json", 4)
    return scene_at(name, shared / "scenes" / name, "sparse/0", 8)


def folded(scene: Scene, fold: int, place: Path) -> Scene:
    """The scene with other test views: every ``scene.holdout``-th by name from number ``fold`` on, beginning again at
    the first. It is written to the folder ``place``, where links lead to the scene's own files; its prompts name
    views as they were, so they tell the objects' names and no more.
    What is there already stays if it is the same, as other runs may be reading it.

    Raises:
        UserError: ``fold`` is not in [0, holdout).
    """
    if not 0 <= fold < scene.holdout:
        raise UserError(f"{scene.name} has the folds 0 to {scene.holdout - 1}, not {fold}.")
    views = sorted(load_views(scene.cameras, scene.images), key=lambda view: view.name)
    new = place.with_name(f".{place.name}-{os.getpid()}")
    shutil.rmtree(new, ignore_errors=True)
    # What is held out goes by the order of the names.
    names = {view.name: f"{(i - fold) % len(views):04d}_{view.name}" for i, view in enumerate(views)}
    for kind in ("images", "masks", "alone"):
        for path in sorted((scene.folder / kind).rglob("*")):
            if path.stem in names and path.is_file():
                link = new / path.relative_to(scene.folder).with_name(names[path.stem] + path.suffix)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path)
    for name in ("scene.ply", "labels.npz", "prompts.json"):
        if (scene.folder / name).is_file():
            (new / name).symlink_to(scene.folder / name)
    save_cameras(new / "cameras.json", [replace(view, name=names[view.name]) for view in views])
    if _listing(place) == _listing(new):
        shutil.rmtree(new)
    else:
        shutil.rmtree(place, ignore_errors=True)
        new.rename(place)
    made = scene_at(scene.name, place, "cameras.json", scene.holdout, exact=scene.exact)
    return replace(made, fold=fold)


def _listing(folder: Path) -> dict[str, str | bytes]:
    """Every link's target and every other file's content."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    return {name: os.readlink(path) if path.is_symlink() else path.read_bytes() for name, path in files.items()}


def prompted_camera(scene: Scene, path: Path) -> None:
    """Writes a cameras.json with the prompted views' cameras and nothing else."""
    objects = load_prompts(scene.folder / "prompts.json")
    names = {prompt.view for item in objects for prompt in item.prompts if isinstance(prompt, ViewPrompt)}
    training, _ = scene.views
    save_cameras(path, [view for view in training if view.name in names])
