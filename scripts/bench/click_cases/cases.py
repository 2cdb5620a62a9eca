# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Random clicks on things whose true masks are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.click_cases import bonsai
from bench.quality.scenes import find_scene
from splatcut import formats, raster
from splatcut.cameras.pictures import MASK_SIDE, WorkingView, working_view
from splatcut.errors import UserError
from splatcut.evaluation.folders import read_mask
from splatcut.scene.camera import View
from splatcut.scene.gaussians import Gaussians

Bool = NDArray[np.bool_]

#: An object that covers less of a picture is not clicked there.
LEAST = 0.01
#: Clicks lie at least this far inside the object, pixels, or half as far as its deepest pixel.
INSIDE = 3.0


@dataclass(frozen=True, eq=False)
class Meant:
    """One thing that a click can mean.

    Attributes:
        mask: [h, w] bool, its visible pixels.
        valid: [h, w] bool, the pixels that count.
    """

    mask: Bool
    valid: Bool

    def score(self, answer: Bool) -> float:
        """Intersection over union."""
        union = ((answer | self.mask) & self.valid).sum()
        return float((answer & self.mask & self.valid).sum() / union) if union else 0.0


@dataclass(frozen=True, eq=False)
class Case:
    """An object in a view, and where it is clicked.

    Attributes:
        scene, thing: names; view: at working size.
        meant: what a click can mean; the best match counts.
        clicks: [P, 2] (x, y) in the view's pixels.
    """

    scene: str
    thing: str
    view: WorkingView
    meant: Sequence[Meant]
    clicks: NDArray[np.float64]

    def score(self, answer: Bool) -> float:
        """Intersection over union with the best match of what the click can mean."""
        return max(meant.score(answer) for meant in self.meant)


def draw(mask: Bool, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """[P, 2] pixel centres drawn uniformly from a mask without its rim; P is ``count``, or less in tiny masks."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    places = np.argwhere(depth > min(INSIDE, 0.5 * float(depth.max())))
    chosen = rng.choice(len(places), min(count, len(places)), replace=False)
    return places[chosen][:, ::-1].astype(np.float64) + 0.5


def bonsai_meant(gaussians: Gaussians, view: View) -> tuple[Meant, Meant]:
    """The pot (the earth in it may belong to it or not), pot and tree."""
    features = np.stack(bonsai.regions(gaussians.means), axis=1).astype(np.float32)
    shown = raster.render(gaussians, view.camera, features=features, colour=False).features
    assert shown is not None
    pot = shown[..., 0] > 0.5
    everywhere = np.ones_like(pot)
    return Meant(pot, pot | (shown[..., 1] < 0.3)), Meant(shown.sum(axis=-1) > 0.5, everywhere)


def load_scene(name: str, shared: Path) -> Gaussians:
    """The Gaussians of a scene. Raises ``UserError`` when it is not there."""
    file = shared / bonsai.FILE if name == "bonsai" else find_scene(name, shared).folder / "scene.ply"
    if not file.is_file():
        raise UserError(f"The scene {name} is not at {file}.")
    return formats.read_splats(file).gaussians


def cases(name: str, gaussians: Gaussians, shared: Path, views: int, clicks: int, seed: int) -> Iterator[Case]:
    """Clicks on the objects of a scene: in up to ``views`` views drawn from the training views (bonsai: from all
    around), up to ``clicks`` on every object that the view shows enough of."""
    rng = np.random.default_rng([seed, *name.encode()])
    if name == "bonsai":
        for view in bonsai.views(views, rng):
            meant = bonsai_meant(gaussians, view)
            if meant[0].mask.mean() >= LEAST:
                yield Case(name, "pot", WorkingView(view, view), meant, draw(meant[0].mask, clicks, rng))
        return
    scene = find_scene(name, shared)
    if scene.masks is None:
        raise UserError(f"The scene {name} has no masks to draw clicks from.")
    training, _ = scene.views
    for number in sorted(rng.choice(len(training), min(views, len(training)), replace=False)):
        view = working_view(training[number], MASK_SIDE)
        for thing, files in sorted(scene.masks.items()):
            if view.name not in files:
                continue
            mask = view.mask(read_mask(files[view.name]).astype(np.uint8) * np.uint8(255)) > 127
            if mask.mean() >= LEAST:
                yield Case(name, thing, view, [Meant(mask, np.ones_like(mask))], draw(mask, clicks, rng))
