# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demo's photos would show had an object been taken away: the truth for healing.

<folder>/<object>/<view>.png, and <folder>/all/<view>.png without any object: RGBA, of the photo's size. Only what the
objects hid is rendered, with some pixels around; alpha is 0 elsewhere. Test views come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy
import capture
import numpy as np
from capture import Shot
from PIL import Image

#: Pixels around the objects' outlines that are rendered too.
MARGIN = 8


def missing(shots: list[Shot], objects: list[str], folder: Path) -> Iterator[tuple[str, list[str], Shot, Path]]:
    """Plates that are not there yet: name, objects to hide, shot and file."""
    for shot in sorted(shots, key=lambda shot: not shot.test):
        for name in [*objects, "all"]:
            target = folder / name / f"{shot.name}.png"
            if not target.exists():
                yield name, (objects if name == "all" else [name]), shot, target


def render(hidden: list[str], shot: Shot, masks: Path, target: Path, scratch: Path) -> None:
    """Renders one plate with the settings of the photos."""
    from render import aim, rendered

    outline = np.zeros((capture.HEIGHT, capture.WIDTH), bool)
    for name in hidden:
        with Image.open(masks / name / f"{shot.name}.png") as image:
            outline |= np.asarray(image) > 0
    pixels = np.zeros((*outline.shape, 4), np.uint8)
    if outline.any():
        rows, columns = (np.flatnonzero(outline.any(axis=axis)) for axis in (1, 0))
        top, bottom = max(0, rows[0] - MARGIN), min(capture.HEIGHT, rows[-1] + 1 + MARGIN)
        left, right = max(0, columns[0] - MARGIN), min(capture.WIDTH, columns[-1] + 1 + MARGIN)
        settings = bpy.context.scene.render
        settings.use_border = settings.use_crop_to_border = True
        # half a pixel more, since Blender rounds down
        settings.border_min_x, settings.border_max_x = ((x + 0.5) / capture.WIDTH for x in (left, right))
        settings.border_min_y, settings.border_max_y = (
            (capture.HEIGHT - y + 0.5) / capture.HEIGHT for y in (bottom, top)
        )
        for name in hidden:
            bpy.data.objects[name].hide_render = True
        aim(shot)
        pixels[top:bottom, left:right, :3] = rendered(scratch)
        pixels[top:bottom, left:right, 3] = 255
        for name in hidden:
            bpy.data.objects[name].hide_render = False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".part")
    Image.fromarray(pixels).save(partial, "PNG", optimize=True)
    partial.replace(target)
