# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Masks as bad as a 2D model's, made from good ones, to see what the method forgives.

Every view draws one of: eroded, dilated, shifted, each by 1 to 3 pixels. In 20% of the views that show the object a
part of it is missing besides, or something that is not the object sticks to it: a blob of 10 to 20% of the object's
area that begins at its edge. What is drawn depends on (scene, object, view) alone, so every variant gets the same masks
and a rerun does, too.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from bench.quality.scenes import Scene
from splatcut.errors import UserError
from splatcut.mask_files import MaskFile

Grey = NDArray[np.uint8]
Part = Literal["added", "removed"]


#: Largest erosion, dilation or shift; at least 1 pixel is drawn.
PIXELS = 3
#: Share of the views with a wrong part, and the part's size as a share of the object's area, from and to.
WRONG_VIEWS = 0.2
WRONG_PART = (0.1, 0.2)


def _seed(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:8], "little")


def wrong_parts(scene: str, name: str, views: Sequence[str], share: float) -> dict[str, Part]:
    """``share`` of the views, rounded, half of them with a part added; the same ones whatever order they come in."""
    ranked = sorted(views, key=lambda view: _seed("part", scene, name, view))
    kinds: tuple[Part, Part] = ("removed", "added")
    return {view: kinds[n % 2] for n, view in enumerate(ranked[: round(share * len(ranked))])}


def _disc(radius: int) -> NDArray[np.bool_]:
    across = np.arange(-radius, radius + 1)
    return across[:, None] ** 2 + across[None, :] ** 2 <= (radius + 0.5) ** 2


def _blob(height: int, width: int, centre: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """[H, W]: distance from ``centre`` (row, column), uneven by direction, so that its level lines are blobs."""
    y, x = np.mgrid[0:height, 0:width]
    y, x = y - centre[0], x - centre[1]
    angle = np.arctan2(y, x)
    radius = np.ones_like(angle)
    for wave in (2, 3, 5):
        radius += rng.uniform(0.0, 0.5 / wave) * np.cos(wave * angle + rng.uniform(0.0, 2 * math.pi))
    return np.hypot(x, y) / radius


def damage_mask(mask: Grey, rng: np.random.Generator, part: Part | None = None) -> tuple[Grey, dict[str, Any]]:
    """A damaged copy of a mask, and what was done to it.

    Args:
        mask: [H, W] uint8, 255 for object; in between at the edges of soft masks, which stay soft.
        rng: what is drawn from.
        part: which wrong part there is besides.
    """
    if not (mask > 127).any():
        return mask.copy(), {"kind": "none"}
    kind = str(rng.choice(["erode", "dilate", "shift"]))
    pixels = int(rng.integers(1, PIXELS + 1))
    done: dict[str, Any] = {"kind": kind, "pixels": pixels}
    if kind == "erode":
        result = np.asarray(ndimage.grey_erosion(mask, footprint=_disc(pixels), mode="nearest"))
    elif kind == "dilate":
        result = np.asarray(ndimage.grey_dilation(mask, footprint=_disc(pixels), mode="nearest"))
    else:
        angle = rng.uniform(0.0, 2 * math.pi)
        offset = [round(pixels * math.sin(angle)), round(pixels * math.cos(angle))]
        done["offset"] = offset
        result = np.asarray(ndimage.shift(mask, offset, order=0, mode="nearest"))
    inside = result > 127
    if part is not None and inside.any():
        edge = np.argwhere(inside & ~ndimage.binary_erosion(inside))
        blob = _blob(mask.shape[0], mask.shape[1], edge[rng.integers(len(edge))].astype(float), rng)
        wanted = round(rng.uniform(*WRONG_PART) * int(inside.sum()))
        candidates = np.flatnonzero(~inside if part == "added" else inside)
        chosen = candidates[np.argsort(blob.flat[candidates], kind="stable")[:wanted]]
        result.flat[chosen] = 255 if part == "added" else 0
        done |= {"part": part, "part_share": len(chosen) / int(inside.sum())}
    return result, done


def write_damaged_masks(scene: Scene, folder: Path) -> dict[str, Any]:
    """Writes ``folder/<object>/<view>.png`` for the scene's training views, replacing what is there.

    What was done to each is returned and stands in ``damage.json`` beside the folder.

    Raises:
        UserError: the scene has no masks.
    """
    if scene.masks is None:
        raise UserError(f"The scene {scene.name} has no masks that could be damaged.")
    training = {view.name for view in scene.views[0]}
    shutil.rmtree(folder, ignore_errors=True)
    notes: dict[str, Any] = {}
    for name, files in scene.masks.items():
        masks = {view: _grey(mask) for view, mask in files.items() if view in training}
        showing = [view for view, mask in masks.items() if (mask > 127).any()]
        wrong = wrong_parts(scene.name, name, showing, WRONG_VIEWS)
        (folder / name).mkdir(parents=True)
        for view, mask in masks.items():
            rng = np.random.default_rng(_seed("mask", scene.name, name, view))
            damaged, done = damage_mask(mask, rng, wrong.get(view))
            Image.fromarray(damaged).save(folder / name / f"{view}.png")
            notes.setdefault(name, {})[view] = done
    folder.with_name(f"{folder.name}.json").write_text(json.dumps(notes, indent=1) + "\n", encoding="utf-8")
    return notes


def _grey(mask: MaskFile) -> Grey:
    """[H, W] uint8 of a mask file: soft 8-bit masks as they are, others as 0 and 255."""
    from splatcut.evaluation.folders import read_mask

    with Image.open(mask.path) as image:
        if image.mode == "L":
            values = np.array(image)
            if values.max() > 1:
                return values
    return read_mask(mask).astype(np.uint8) * np.uint8(255)
