# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A job: everything ``splatcut segment`` needs to know, and the options, objects and views that belong to it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from splatcut.errors import UserError
from splatcut.messages.conversion import as_number
from splatcut.messages.names import check_object_names, check_view_name
from splatcut.messages.options import JobOptions
from splatcut.messages.prompts import ObjectPrompt


@dataclass(frozen=True)
class InlineView:
    """A view whose pinhole camera stands in the job itself.

    Attributes:
        name: unique in the job.
        width, height: pixels.
        fx, fy, cx, cy: pixels; the origin is the top-left corner of the top-left pixel.
        camera_from_world: four rows of a rigid transform from the scene's world frame to OpenCV camera axes
            (x right, y down, z forward).
        photo: image file of the view, or None.
    """

    name: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    camera_from_world: tuple[tuple[float, float, float, float], ...]
    photo: Path | None = None

    def __post_init__(self) -> None:
        check_view_name(self.name)
        for name in ("width", "height"):
            if getattr(self, name) < 1:
                raise UserError(f"The {name} of the view {self.name!r} must be at least 1 pixel.")
        for name in ("fx", "fy", "cx", "cy"):
            as_number(getattr(self, name), f"{name} of the view {self.name!r}")
        if self.fx <= 0 or self.fy <= 0:
            raise UserError(f"The focal lengths of the view {self.name!r} must be positive.")
        if not _is_rigid(self.camera_from_world):
            raise UserError(
                f"camera_from_world of the view {self.name!r} is not a rigid transform: it must be four rows of four "
                "numbers, a rotation without mirroring or scaling, a translation, and the last row 0, 0, 0, 1."
            )


@dataclass(frozen=True)
class Job:
    """What to segment and where to write it. Exactly one of ``objects`` and ``masks`` is given.

    Attributes:
        scene: the splat file.
        out: folder of the results.
        cameras: file or folder of cameras, views that stand here themselves, or None (virtual views).
        images: folder of the photos, or None (renders of the scene stand in).
        objects: prompted objects.
        masks: folder of ready masks.
        options: how the work is done.
        prompt_views: views that hold prompts besides the cameras, such as Blender's viewport at the time of a click.
            They are never held out, and get no final masks unless there are no other views.
    """

    scene: Path
    out: Path
    cameras: Path | tuple[InlineView, ...] | None = None
    images: Path | None = None
    objects: tuple[ObjectPrompt, ...] = ()
    masks: Path | None = None
    options: JobOptions = field(default_factory=JobOptions)
    prompt_views: tuple[InlineView, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.objects) == (self.masks is not None):
            found = "has both" if self.objects else "has neither"
            raise UserError(f"A job needs either objects with prompts or a folder of masks. This one {found}.")
        check_object_names(item.name for item in self.objects)
        if isinstance(self.cameras, tuple) and not self.cameras:
            raise UserError("The list of cameras is empty. Give at least one view, or leave the cameras out.")
        if self.prompt_views and self.masks is not None:
            raise UserError("Prompt views were given together with ready masks, which take no prompts.")
        views = (*(self.cameras if isinstance(self.cameras, tuple) else ()), *self.prompt_views)
        for name, uses in Counter(view.name for view in views).items():
            if uses > 1:
                raise UserError(f"Two views have the name {name!r}. View names must be unique.")


def _is_rigid(matrix: Sequence[Sequence[float]], tolerance: float = 1e-4) -> bool:
    """Whether four rows of four are a rotation (no mirror, no scale) and a translation."""
    if len(matrix) != 4 or any(len(row) != 4 or not math.isfinite(row[3]) for row in matrix):
        return False
    a, b, c = (row[:3] for row in matrix[:3])
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    products = (sum(x * y for x, y in zip(first, second, strict=True)) for first, second in ((a, a), (b, b), (a, b)))
    found, wanted = (*products, *cross, *matrix[3]), (1, 1, 0, *c, 0, 0, 0, 1)
    return all(abs(value - other) <= tolerance for value, other in zip(found, wanted, strict=True))
