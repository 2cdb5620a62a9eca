# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Composed scenes: captured and synthetic objects put into a real scene, so that every Gaussian's label is known.

Each object stands on a point of the scene that a pixel of one of its views shows, as high as so many of that view's
pixels, upright. Views stand on a cone about the objects that opens from that view, those that look through empty space
or out of something left out; every fourth is a test view. Masks are rendered from the true labels, with occlusion.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.quality.scenes import Scene, scene_at
from bench.renders import extracted_mask, label_mask
from splatcut import formats, raster
from splatcut.cameras import candidate_quality, holdout, load_views, save_cameras, spiral_cone
from splatcut.errors import UserError
from splatcut.evaluation.scores import Mask
from splatcut.formats import SplatFile
from splatcut.lift import Problem
from splatcut.lift.variance import mask_variance
from splatcut.lift.vote import accumulate_views
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.masks import MaskSet
from splatcut.scene.transform import apply_transform

#: Every how many of a composed scene's views is a test view.
EVERY = 4
#: Raised when what is written changes, so that older folders are made anew.
_VERSION = 1


@dataclass(frozen=True)
class Placed:
    """An object of a composed scene.

    Attributes:
        name: of the object; file: in the folder of isolated captures, y axis down.
        foot: pixel (x, y) of the scene's view that shows where it stands.
        height: in pixels of that view.
        turn: degrees about its own vertical axis.
    """

    name: str
    file: str
    foot: tuple[int, int]
    height: float
    turn: float = 0.0


@dataclass(frozen=True)
class Composition:
    """What is put where.

    Attributes:
        name: of the composed scene; scene: the real scene; view: its view that the pixels are of.
        tilt: degrees by which that view's camera looks down.
        objects: what is put into it.
        cone: degrees between the view and the farthest of the new views.
        views: how many views, test views included.
    """

    name: str
    scene: str
    view: str
    tilt: float
    objects: tuple[Placed, ...]
    cone: float = 30.0
    views: int = 32


COMPOSITIONS = {
    item.name: item
    for item in (
        Composition(
            "statue+",
            "statue",
            "IMG_2721",
            14.0,
            (
                Placed("plant", "plant.splat", (187, 262), 120.0),
                Placed("armadillo", "armadillo_10k.splat", (352, 335), 100.0, 30.0),
            ),
        ),
        Composition(
            "horns+",
            "horns",
            "DJI_20200223_163054_672",
            12.0,
            (
                Placed("cards", "academic_tarot_cards.splat", (95, 345), 130.0, 60.0),
                Placed("dragon", "dragon_10k.splat", (330, 350), 100.0, 70.0),
            ),
            cone=22.0,
        ),
    )
}


def place(
    gaussians: Gaussians, camera: Camera, foot: NDArray[np.float64], height: float, tilt: float, turn: float
) -> Gaussians:
    """The object (y axis down), upright on the world point ``foot`` [3] and ``height`` world units high.

    Its lowest and highest 0.5% do not count for its height. ``tilt`` and ``turn``: see ``Composition`` and ``Placed``.
    """
    low, high = np.quantile(gaussians.means.astype(np.float64), [0.005, 0.995], axis=0)
    middle = np.median(gaussians.means.astype(np.float64), axis=0)
    angle = math.radians(tilt)
    world_from_camera = camera.camera_from_world[:3, :3].T
    down = world_from_camera @ [0.0, math.cos(angle), math.sin(angle)]
    ahead = world_from_camera @ [0.0, -math.sin(angle), math.cos(angle)]
    upright = np.stack([np.cross(down, ahead), down, ahead], axis=1)
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    rotation = upright @ np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    scale = height / (high[1] - low[1])
    matrix = np.eye(4)
    matrix[:3, :3] = scale * rotation
    matrix[:3, 3] = foot - scale * rotation @ [middle[0], high[1], middle[2]]
    return apply_transform(gaussians, matrix)


def _of_degree(gaussians: Gaussians, degree: int) -> Gaussians:
    sh = np.zeros((len(gaussians), (degree + 1) ** 2, 3), np.float32)
    count = min(sh.shape[1], gaussians.sh.shape[1])
    sh[:, :count] = gaussians.sh[:, :count]
    return Gaussians(gaussians.means, gaussians.log_scales, gaussians.quats, gaussians.opacity_logits, sh)


def _views(scene: Gaussians, base: Camera, centre: NDArray[np.float64], composition: Composition) -> list[View]:
    """The first good ones on the cone, evenly over it. Raises ``UserError`` when there are too few."""
    reference = float(1.0 - raster.mean_depth(scene, base)[1].mean())
    good: list[Camera] = []
    for camera in spiral_cone(base, centre, 2 * composition.views, composition.cone):
        depth, transmittance = raster.mean_depth(scene, camera)
        quality = candidate_quality(scene, camera, centre, depth, transmittance)
        if quality.accepted(reference, least_alpha=0.8, hidden=0.2):
            good.append(camera)
    if len(good) < composition.views:
        raise UserError(f"Only {len(good)} of {composition.views} views of {composition.name} see anything useful.")
    chosen = [good[round(i)] for i in np.linspace(0, len(good) - 1, composition.views)]
    return [View(f"view_{number:03d}", camera) for number, camera in enumerate(chosen)]


#: Mask variance above which a Gaussian is on the boundary (the paper's tau).
TAU = 0.6


def boundary_gaussians(gaussians: Gaussians, views: list[View], masks: dict[str, list[Mask]]) -> NDArray[np.bool_]:
    """[N] bool: Gaussians whose mask variance in these views is above the usual tau, for any object."""
    probability = [np.stack([each[number] for each in masks.values()]) for number in range(len(views))]
    confidence = np.ones((len(views), len(masks)), np.float32)
    given = MaskSet(
        tuple(masks),
        tuple(view.name for view in views),
        [values.astype(np.uint8) * np.uint8(255) for values in probability],
        confidence,
    )
    sums = accumulate_views(Problem(gaussians, views, given))
    return np.any(mask_variance(sums, len(gaussians), confidence) > TAU, axis=1)


def compose(composition: Composition, shared: Path, out: Path) -> Scene:
    """The composed scene in ``out/<name>``, made unless it is there as described.

    Written are ``scene.ply``, ``cameras.json``, ``masks/<object>/<view>.png``, ``alone/`` alike for the test views, and
    ``labels.npz`` with ``labels`` [N], ``names`` and ``boundary`` [N] (see ``boundary_gaussians``).

    Raises:
        UserError: the real scene or an object is not there; see ``_views``.
    """
    folder = out / composition.name
    stamp = json.dumps({"version": _VERSION, **asdict(composition)}, indent=1)
    known = folder / "composition.json"
    if not known.is_file() or known.read_text(encoding="utf-8") != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _write(composition, shared, folder)
        known.write_text(stamp, encoding="utf-8")
    return scene_at(composition.name, folder, "cameras.json", EVERY, exact=True)


def _write(composition: Composition, shared: Path, folder: Path) -> None:
    source = shared / "scenes" / composition.scene
    if not (source / "scene.ply").is_file():
        raise UserError(f"The scene {composition.scene} is not at {source}.")
    scene = formats.read_splats(source / "scene.ply").gaussians
    views = load_views(source / "sparse" / "0", source / "images")
    base = next(view.camera for view in views if view.name == composition.view)
    depth, _ = raster.mean_depth(scene, base)
    parts, labels, feet = [scene], [np.zeros(len(scene), np.int32)], []
    for number, item in enumerate(composition.objects, start=1):
        x, y = item.foot
        z = float(depth[y, x])
        feet.append(base.unproject(np.array([[x + 0.5, y + 0.5]]), np.array([z]))[0])
        isolated = formats.read_splats(shared / "splats" / "compose" / item.file).gaussians
        placed = place(isolated, base, feet[-1], item.height * z / base.fy, composition.tilt, item.turn)
        parts.append(_of_degree(placed, scene.sh_degree))
        labels.append(np.full(len(placed), number, np.int32))
    gaussians, label = concatenate(parts), np.concatenate(labels)
    made = _views(gaussians, base, _centre(gaussians, label), composition)
    training, test = holdout(made, EVERY)
    save_cameras(folder / "cameras.json", made)
    formats.write_splats(folder / "scene.ply", SplatFile.from_gaussians(gaussians))
    masks: dict[str, list[Mask]] = {}
    for number, item in enumerate(composition.objects, start=1):
        for kind, chosen, render in (
            ("masks", made, label_mask),
            ("alone", test, extracted_mask),
        ):
            (folder / kind / item.name).mkdir(parents=True)
            for view in chosen:
                mask = render(gaussians, label == number, view.camera)
                Image.fromarray(mask.astype(np.uint8) * 255).save(folder / kind / item.name / f"{view.name}.png")
                if kind == "masks" and view in training:
                    masks.setdefault(item.name, []).append(mask)
    np.savez_compressed(
        folder / "labels.npz",
        labels=label,
        names=np.array([item.name for item in composition.objects]),
        boundary=boundary_gaussians(gaussians, training, masks),
    )


def _centre(gaussians: Gaussians, labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """[3]: the middle of the objects' medians."""
    kinds = np.unique(labels[labels > 0])
    return np.mean([np.median(gaussians.means[labels == k].astype(np.float64), axis=0) for k in kinds], axis=0)
