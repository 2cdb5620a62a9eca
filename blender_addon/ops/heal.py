# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling what an object that was cut out, or all of them, hid of the scene."""

from typing import Any

import bpy
from bpy.props import StringProperty

from splatcut.errors import UserError
from splatcut.messages import worker as messages

from ..bridge import healed, scenes, views, worker
from . import run

_KIND = run.Kind(
    "heal",
    "Fill Hole",
    "The hole is filled. The scene appears as soon as you return to object mode.",
    "Stopped. Nothing was changed.",
    "Stopped. Fill the hole again to see it.",
)


def start(context: bpy.types.Context, uid: str, without: tuple[str, ...]) -> run.Running:
    """Asks the worker to heal the latest cut of a splat object.

    Args:
        without: names of the objects that are taken out, or none for all.

    Raises:
        UserError: there is no such object in the cut, or something is on.
    """
    run.check_free()
    source: Any = scenes.find(uid)
    folder, names = healed.of_cut(context, source)
    for name in without:
        if name not in names:
            raise UserError(f"{name!r} is not among the objects of the last cut: {', '.join(names)}. Cut it first.")
    settings = source.splatcut
    # Of other views than a data set's, the cut's folder has those that were used.
    chosen = views.sources(context, source) if settings.view_source == "DATASET" else None
    request = messages.Heal(
        folder,
        without,
        cameras=None if chosen is None else chosen.cameras,
        images=None if chosen is None else chosen.images,
        device=worker.option("device", "auto"),
        seed=settings.seed,
        trust_cameras=settings.trust_cameras,
    )
    worker.python()  # a missing environment is told at once

    def deliver(result: messages.HealResult) -> str:
        made = healed.deliver(bpy.context, uid, result, without)
        count = result.counts["made_up"]
        return f"Done: {made.name!r} has {count:,} Gaussians where the scene was hidden. They are marked as made up."

    return run.begin(run.Running(uid, _KIND, deliver), request)


class SPLATCUT_OT_heal(run.Cutting, bpy.types.Operator):
    """Fill what an object hid: show the scene as if that object alone had been taken out, or all of them"""

    bl_idname = "splatcut.heal"
    bl_label = "Fill Hole"
    # No UNDO: the scene arrives later, and its arrival is the step.
    bl_options = {"REGISTER"}

    name: StringProperty(  # type: ignore[valid-type]
        name="Object",
        description="The object that is taken out, of those that were cut out; empty for all of them",
        default="",
        options={"SKIP_SAVE"},
    )

    def begin(self, context: bpy.types.Context, uid: str) -> run.Running:
        return start(context, uid, (self.name,) if self.name else ())


CLASSES = (SPLATCUT_OT_heal,)
