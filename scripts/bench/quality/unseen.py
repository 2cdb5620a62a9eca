# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Unseen angles: how much of an extracted object falls outside of its silhouette from where no training camera was.

Where a scene has the objects' true silhouettes (``alone/``: the demo scene), its test views are scored. Elsewhere
cameras about the object are, which are turned away from all training cameras by 8 degrees and more. In composed scenes
the true object is rendered from there; captures have masks only, so there the visual hull of the masks of all views,
test views included, stands for the truth. Hull and cameras depend on the scene alone, so all variants are scored alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.quality.angles import Outside, outside_share, unseen_cameras
from bench.quality.cut import Cut, partners
from bench.quality.hull import carve, hull_silhouette, object_box, points_in_hull, surface_points
from bench.quality.scenes import Scene
from bench.quality.scores import true_labels
from bench.renders import coverage
from splatcut import formats
from splatcut.evaluation.folders import read_mask
from splatcut.evaluation.scores import Mask
from splatcut.mask_files import MaskFile
from splatcut.scene.camera import Camera

#: Figures, and the pixels by which the silhouette is widened for each: the second one leaves soft edges out.
SLACKS = {"share": 0, "sticking_out": 2}


@dataclass(frozen=True, eq=False)
class Angle:
    """One view of an object alone.

    Attributes:
        name: of the view.
        camera: from where.
        truth: [H, W] bool or float in [0, 1], what the object may cover.
        degrees: to the nearest training camera as seen from the object, or None where it is not known.
    """

    name: str
    camera: Camera
    truth: NDArray[Any]
    degrees: float | None


def _soft(mask: MaskFile) -> NDArray[Any]:
    """[H, W] float in [0, 1] of an 8-bit grey file, else bool."""
    with Image.open(mask.path) as image:
        if image.mode == "L":
            values = np.asarray(image)
            if values.max() > 1:
                return values.astype(np.float32) / np.float32(255)
    return read_mask(mask)


@cache
def angles(scene: Scene, name: str) -> list[Angle]:
    """The views in which an object of the ground truth is scored; empty without masks or where there is no room."""
    if scene.exact:
        return _composed(scene, name)
    if scene.alone is not None:
        files = scene.alone[name]
        return [Angle(v.name, v.camera, _soft(files[v.name]), None) for v in scene.views[1] if v.name in files]
    return [] if scene.masks is None else _captured(scene, scene.masks[name])


def _cameras(scene: Scene, points: NDArray[np.floating]) -> list[tuple[Camera, float]]:
    training, test = scene.views
    return unseen_cameras([v.camera for v in test], [v.camera for v in training], np.median(points, axis=0))


def _composed(scene: Scene, name: str) -> list[Angle]:
    labels, names = true_labels(scene)
    gaussians = formats.read_splats(scene.folder / "scene.ply").gaussians.take(labels == names.index(name) + 1)
    chosen = _cameras(scene, gaussians.means)
    return [Angle(f"angle_{n}", c, coverage(gaussians, c), degrees) for n, (c, degrees) in enumerate(chosen)]


def _captured(scene: Scene, files: Mapping[str, MaskFile]) -> list[Angle]:
    views = [view for part in scene.views for view in part if view.name in files]
    cameras, masks = [view.camera for view in views], [read_mask(files[view.name]) for view in views]
    points = surface_points(formats.read_splats(scene.folder / "scene.ply").gaussians, cameras, masks)
    points = points_in_hull(points, cameras, masks)
    hull = carve(cameras, masks, object_box(points))
    chosen = _cameras(scene, points)
    return [Angle(f"angle_{n}", c, hull_silhouette(hull, c), degrees) for n, (c, degrees) in enumerate(chosen)]


def score_unseen(cut: Cut, scene: Scene, picture: Path) -> dict[str, Any]:
    """By object: coverage outside as a share of all coverage, over all views, and in each view.

    ``picture`` is written, too: views from left to right, objects from top to bottom; red is outside of the silhouette,
    white inside, blue the part of the silhouette that the object leaves bare.
    """
    result: dict[str, Any] = {}
    rows = []
    for name, other in partners(cut.names, scene.masks or {}).items():
        views = angles(scene, other)
        if not views:
            continue
        gaussians = cut.object(name)
        total = dict.fromkeys(SLACKS, Outside(0.0, 0.0))
        each, row = {}, []
        for view in views:
            alpha = coverage(gaussians, view.camera)
            scores = {key: outside_share(alpha, view.truth, slack) for key, slack in SLACKS.items()}
            total = {key: total[key] + score for key, score in scores.items()}
            each[view.name] = {key: _known(score) for key, score in scores.items()}
            if view.degrees is not None:
                each[view.name]["degrees"] = round(view.degrees, 1)
            row.append(_picture(alpha, view.truth))
        result[name] = {key: _known(score) for key, score in total.items()}
        result[name] |= {"against": "truth" if scene.exact or scene.alone is not None else "hull", "views": each}
        rows.append(np.concatenate(row[:: max(1, len(row) // 8)][:8], axis=1))
    if rows:
        picture.parent.mkdir(parents=True, exist_ok=True)
        width = min(row.shape[1] for row in rows)
        Image.fromarray(np.concatenate([row[:, :width] for row in rows])).save(picture)
    return result


def _known(score: Outside) -> float | None:
    return score.share if score.total > 0 else None


def _picture(alpha: NDArray[np.floating], truth: NDArray[Any] | Mask) -> NDArray[np.uint8]:
    """[H / 2, W / 2, 3]"""
    known = np.asarray(truth, dtype=np.float64)
    within = np.minimum(alpha, known)
    image = np.stack([within + np.maximum(alpha - known, 0), within, within + np.maximum(known - alpha, 0)], axis=-1)
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)[::2, ::2]
