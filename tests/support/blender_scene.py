# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes and viewports for the tests that run in Blender."""

# pyright: reportMissingImports=false

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bl_ext.user_default.splatcut.bridge import attributes, splats, state
from bl_ext.user_default.splatcut.core.preview import Request
from bl_ext.user_default.splatcut.ops import preview
from mathutils import Matrix
from two_balls import two_balls

WIDTH, HEIGHT = 800, 600
#: Focal length of ``front`` in pixels, and how far away it stands.
FOCAL, DISTANCE = 720.0, 6.0


def balls(name: str = "balls", **options: Any) -> Any:
    """The splat object of ``two_balls``, active."""
    obj = splats.create(bpy.context, two_balls(), name, **options)
    bpy.context.view_layer.objects.active = obj
    bpy.context.view_layer.update()
    return obj


def count_of(obj: Any) -> int:
    """How many Gaussians a splat object has."""
    return attributes.count(obj.data)


def front(distance: float = DISTANCE, turn: float = 0.0) -> dict[str, Any]:
    """A viewport that looks down the z axis at the origin; ``turn`` (radians) around the y axis."""
    window = Matrix(
        (
            (2 * FOCAL / WIDTH, 0, 0, 0),
            (0, 2 * FOCAL / HEIGHT, 0, 0),
            (0, 0, -1.0002, -0.2),
            (0, 0, -1, 0),
        )
    )
    view = Matrix.Translation((0, 0, -distance)) @ Matrix.Rotation(turn, 4, "Y")
    return {"view_matrix": view, "window_matrix": window, "width": WIDTH, "height": HEIGHT}


def orthographic(size: float = 4.0) -> dict[str, Any]:
    """A viewport as ``front`` without perspective, ``size`` units high."""
    window = Matrix.Diagonal((2 / (size * WIDTH / HEIGHT), 2 / size, -0.01, 1.0))
    return {**front(), "window_matrix": window}


def pixel(x: float, y: float, z: float = 0.0, distance: float = DISTANCE) -> dict[str, float]:
    """Where ``front`` shows a point."""
    scale = FOCAL / (distance - z)
    return {"x": WIDTH / 2 + scale * x, "y": HEIGHT / 2 - scale * y}


def show_preview(
    obj: Any, labels: Any = 1, objects: tuple[str, ...] | None = None, *, stale: bool = False, early: bool = False
) -> object:
    """Shows a preview as if the worker had sent it; returns the key of the prompts that it answers to.

    Args:
        labels: [N], or one for all Gaussians; objects: their uids, by default those in the list.
    """
    settings, live = obj.splatcut, state.live_preview(obj.splatcut.uid)
    uids = tuple(item.uid for item in settings.objects) if objects is None else objects
    request = Request(preview.key_of(obj) or "no prompts", uids)
    live.begin(request)
    labels = np.full(count_of(obj), labels, np.int32) if np.isscalar(labels) else labels
    probability = np.ones(len(labels), np.float32)
    if early:
        live.show_early(request, labels, probability)
    else:
        live.finish(request, labels, probability, {item.name: 12345 for item in settings.objects}, 0.1)
    if stale:
        live.invalidate()
    return request.key


def error_of(operator: Any, **properties: Any) -> str:
    """What an operator that fails tells a script."""
    try:
        result = operator(**properties)
    except RuntimeError as error:
        return str(error)
    raise AssertionError(f"It did not fail: {result}.")
