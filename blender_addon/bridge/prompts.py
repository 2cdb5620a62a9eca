# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects, prompts and prompted views: from and to the properties of a splat object."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from splatcut.scene.camera import Camera
from splatcut.scene.rotations import nearest_rotation

from ..core.prompts import PlacedObject, PlacedPrompt, PlacedView, same_view


def new_uid() -> str:
    """An identifier that nothing else has."""
    return uuid.uuid4().hex


def read(settings: Any) -> tuple[tuple[PlacedObject, ...], tuple[PlacedView, ...]]:
    """What ``Object.splatcut`` holds, as ``core.prompts.build_objects`` takes it."""
    objects = tuple(
        PlacedObject(item.uid, item.name, float(item.grow), tuple(read_prompt(prompt) for prompt in item.prompts))
        for item in settings.objects
    )
    return objects, tuple(PlacedView(view.uid, read_view(view), view.name) for view in settings.prompt_views)


def read_prompt(prompt: Any) -> PlacedPrompt:
    """A ``SplatCutPrompt``."""
    x0, y0, x1, y1 = (float(value) for value in prompt.pixels)
    position = None
    if prompt.has_position:
        x, y, z = (float(value) for value in prompt.position)
        position = (x, y, z)
    return PlacedPrompt(prompt.uid, prompt.kind, prompt.view, bool(prompt.positive), (x0, y0, x1, y1), position)


def read_view(view: Any) -> Camera:
    """The camera of a ``SplatCutView``."""
    matrix = np.array(view.camera_from_file[:], dtype=np.float64).reshape(4, 4)
    # The .blend holds float32: what came out of a rotation is made one again.
    matrix[:3, :3] = nearest_rotation(matrix[:3, :3])
    matrix[3] = 0, 0, 0, 1
    fx, fy, cx, cy = (float(value) for value in view.intrinsics)
    return Camera(view.width, view.height, fx, fy, cx, cy, matrix)


def place_view(settings: Any, camera: Camera, name: str = "") -> str:
    """The uid of the view with this camera and name: one that is there, or a new one."""
    for view in settings.prompt_views:
        if view.name == name and same_view(read_view(view), camera):
            return view.uid
    view = settings.prompt_views.add()
    view.uid, view.name = new_uid(), name
    view.width, view.height = camera.width, camera.height
    view.intrinsics = camera.fx, camera.fy, camera.cx, camera.cy
    view.camera_from_file = camera.camera_from_world.ravel().tolist()
    return view.uid


def prune_views(settings: Any) -> None:
    """Removes the views that no prompt is in any more."""
    used = {prompt.view for item in settings.objects for prompt in item.prompts}
    for index in reversed(range(len(settings.prompt_views))):
        if settings.prompt_views[index].uid not in used:
            settings.prompt_views.remove(index)


def write_prompt(
    prompt: Any,
    *,
    kind: str,
    view: str,
    positive: bool,
    pixels: Sequence[float],
    position: ArrayLike | None,
) -> None:
    """Fills in a ``SplatCutPrompt``; a new one gets its uid."""
    prompt.uid = prompt.uid or new_uid()
    prompt.kind, prompt.view, prompt.positive = kind, view, positive
    prompt.pixels = (*pixels, 0.0, 0.0, 0.0, 0.0)[:4]
    prompt.has_position = position is not None
    prompt.position = (0.0, 0.0, 0.0) if position is None else tuple(np.asarray(position, dtype=float).tolist())


def find_prompt(settings: Any, uid: str) -> tuple[int, int] | None:
    """Indices of the object and of its prompt with this uid, or None."""
    for index, item in enumerate(settings.objects):
        for number, prompt in enumerate(item.prompts):
            if prompt.uid == uid:
                return index, number
    return None


def active_object(settings: Any) -> Any | None:
    """The ``SplatCutObject`` that is chosen in the list, or None."""
    index = settings.active_object
    return settings.objects[index] if 0 <= index < len(settings.objects) else None
