# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A job: everything ``splatcut segment`` needs to know, and its JSON form (``job.json``)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splatcut.errors import UserError
from splatcut.messages.names import check_object_names, check_view_name
from splatcut.messages.options import JobOptions
from splatcut.messages.prompts import ObjectPrompt, objects_to_json, parse_objects
from splatcut.messages.reading import (
    SCHEMA_VERSION,
    as_integer,
    as_list,
    as_number,
    as_object,
    as_path,
    as_text,
    check_keys,
    check_version,
    located,
    parse_json,
)


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
        check_view_name(as_text(self.name, "A view's name"))
        for name in ("width", "height"):
            if as_integer(getattr(self, name), f"{name} of the view {self.name!r}") < 1:
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
        check_view_names([*(self.cameras if isinstance(self.cameras, tuple) else ()), *self.prompt_views])


def check_view_names(views: Iterable[InlineView]) -> None:
    """Raises ``UserError`` when two views have one name."""
    for name, uses in Counter(view.name for view in views).items():
        if uses > 1:
            raise UserError(f"Two views have the name {name!r}. View names must be unique.")


def job_to_json(job: Job) -> dict[str, Any]:
    """The document that ``job_from_json`` reads, ready for ``json.dumps``. Only what is given stands in it."""
    result: dict[str, Any] = {"version": SCHEMA_VERSION, "scene": job.scene.as_posix()}
    if isinstance(job.cameras, Path):
        result["cameras"] = job.cameras.as_posix()
    elif job.cameras is not None:
        result["cameras"] = views_to_json(job.cameras)
    if job.prompt_views:
        result["prompt_views"] = views_to_json(job.prompt_views)
    if job.images is not None:
        result["images"] = job.images.as_posix()
    if job.objects:
        result["objects"] = objects_to_json(job.objects)
    if job.masks is not None:
        result["masks"] = job.masks.as_posix()
    result["options"] = options_to_json(job.options)
    result["out"] = job.out.as_posix()
    return result


def job_from_json(source: str | Mapping[str, Any], base: Path) -> Job:
    """The job in a JSON text or in what it parses to; relative paths are relative to ``base``. Raises ``UserError``."""
    document = parse_json(source)
    check_version(document)
    optional = ["version", "cameras", "images", "objects", "masks", "options", "prompt_views"]
    check_keys(document, "The job", required=["scene", "out"], optional=optional)

    def path(key: str) -> Path | None:
        return None if document.get(key) is None else as_path(document[key], f'"{key}"', base)

    cameras = document.get("cameras")
    return Job(
        scene=as_path(document["scene"], '"scene"', base),
        out=as_path(document["out"], '"out"', base),
        cameras=parse_views(cameras, base) if isinstance(cameras, (list, tuple)) else path("cameras"),
        images=path("images"),
        objects=() if document.get("objects") is None else parse_objects(document["objects"], base),
        masks=path("masks"),
        options=_parse_options(document.get("options", {})),
        prompt_views=parse_views(as_list(document.get("prompt_views", []), '"prompt_views"'), base),
    )


def options_to_json(options: JobOptions) -> dict[str, Any]:
    """The mapping under a job's ``"options"``; ``experiment`` is in it only where there is one."""
    result = dataclasses.asdict(options)
    if not options.experiment:
        del result["experiment"]
    return result


def _parse_options(value: Any) -> JobOptions:
    fields = as_object(value, '"options"')
    check_keys(fields, '"options"', required=[], optional=[item.name for item in dataclasses.fields(JobOptions)])
    return JobOptions(**fields)


def parse_views(value: Sequence[Any], base: Path) -> tuple[InlineView, ...]:
    """The views of a list of cameras; relative photos are relative to ``base``. Raises ``UserError``."""
    views: list[InlineView] = []
    for number, item in enumerate(value, start=1):
        with located(f"camera {number} of the job"):
            fields = as_object(item, "A camera")
            numbers = ["fx", "fy", "cx", "cy"]
            required = ["name", "width", "height", *numbers, "camera_from_world"]
            check_keys(fields, "The camera", required=required, optional=["photo"])
            rows = [as_list(row, "A row of the matrix") for row in as_list(fields["camera_from_world"], "The matrix")]
            matrix: Any = tuple(tuple(as_number(cell, "A cell of the matrix") for cell in row) for row in rows)
            photo = fields.get("photo")
            views.append(
                InlineView(
                    name=as_text(fields["name"], '"name"'),
                    width=as_integer(fields["width"], '"width"'),
                    height=as_integer(fields["height"], '"height"'),
                    **{key: as_number(fields[key], f'"{key}"') for key in numbers},
                    camera_from_world=matrix,  # its shape is checked by InlineView
                    photo=None if photo is None else as_path(photo, '"photo"', base),
                )
            )
    return tuple(views)


def views_to_json(views: Sequence[InlineView]) -> list[dict[str, Any]]:
    """The list that ``parse_views`` reads."""
    return [_view_to_json(view) for view in views]


def _view_to_json(view: InlineView) -> dict[str, Any]:
    result = dataclasses.asdict(view)
    result["camera_from_world"] = [list(row) for row in view.camera_from_world]
    if view.photo is None:
        del result["photo"]
    else:
        result["photo"] = view.photo.as_posix()
    return result


def _is_rigid(matrix: Sequence[Sequence[float]], tolerance: float = 1e-4) -> bool:
    """Whether four rows of four are a rotation (no mirror, no scale) and a translation."""
    if len(matrix) != 4 or any(len(row) != 4 for row in matrix):
        return False
    for row in matrix:
        for cell in row:
            as_number(cell, "A cell of camera_from_world")
    if any(abs(cell - wanted) > tolerance for cell, wanted in zip(matrix[3], (0, 0, 0, 1), strict=True)):
        return False
    a, b, c = (row[:3] for row in matrix[:3])
    for first, second, wanted in ((a, a, 1), (b, b, 1), (c, c, 1), (a, b, 0), (a, c, 0), (b, c, 0)):
        if abs(sum(x * y for x, y in zip(first, second, strict=True)) - wanted) > tolerance:
            return False
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return sum(x * y for x, y in zip(cross, c, strict=True)) > 0
