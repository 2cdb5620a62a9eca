# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the user is, for the guide: read from Blender and from the running state."""

from __future__ import annotations

import time
from typing import Any

import bpy

from splatcut.errors import UserError

from ..bridge import prompts, splats, state, upgrade, worker
from ..core.guide import Situation

#: Idname of the prompt tool.
TOOL = "splatcut.prompt"
#: Seconds for which the answer to whether the engine is there is kept: drawing asks often, and looks at the disk.
_KEEP_SECONDS = 2.0

_engine: tuple[float, str] = (0.0, "")


def situation(context: bpy.types.Context) -> Situation:
    """What ``core.guide.hints`` needs to know."""
    job = state.job.kind if state.job is not None else ""
    problem = engine_problem()
    found: Any = splats.active(context)
    outdated = len(upgrade.outdated())
    if found is None:
        return Situation(engine_problem=problem, job=job, outdated=outdated)
    settings = found.splatcut
    placed, _ = prompts.read(settings)
    active = placed[settings.active_object] if 0 <= settings.active_object < len(placed) else None
    shown = state.preview(settings.uid)
    return Situation(
        splat=found.name,
        engine_problem=problem,
        job=job,
        objects=len(placed),
        ready=sum(item.is_ready for item in placed),
        active="" if active is None else active.name,
        active_ready=active is not None and active.is_ready,
        preview="none" if shown is None else "stale" if shown.stale else "early" if shown.early else "ready",
        views_missing=views_missing(settings),
        results=has_results(settings.uid),
        hidden=is_hidden(context, found),
        tool=tool_is_active(context),
        outdated=outdated,
        mode="" if context.mode == "OBJECT" else context.mode.replace("_", " ").lower() + " mode",
    )


def engine_problem() -> str:
    """Why the engine cannot be started, "" when it can."""
    global _engine
    now = time.monotonic()
    if now >= _engine[0]:
        try:
            worker.python()
            problem = ""
        except UserError as error:
            # Its remedy is the button beside it.
            problem = str(error).split(". ")[0].rstrip(".") + "."
        _engine = (now + _KEEP_SECONDS, problem)
    return _engine[1]


def views_missing(settings: Any) -> str:
    """What the chosen source of views lacks, or ""."""
    if settings.view_source == "DATASET" and not settings.cameras_path:
        return "Choose the cameras of the data set in step 3."
    if settings.view_source == "CAMERAS":
        collection = settings.camera_collection
        if collection is None:
            return "Choose the camera collection in step 3."
        if not any(obj.type == "CAMERA" for obj in collection.all_objects):
            return f"The collection {collection.name!r} contains no cameras."
    return ""


def has_results(uid: str) -> bool:
    """Whether there are splats that a run has cut from this one."""
    return any(splats.is_splat(obj) and obj.splatcut.result_of == uid for obj in bpy.data.objects)  # type: ignore[attr-defined]


def is_hidden(context: bpy.types.Context, obj: Any) -> bool:
    """Whether the current view layer does not show the object."""
    return obj.name in context.view_layer.objects and not obj.visible_get()


def tool_is_active(context: bpy.types.Context) -> bool:
    """Whether the prompt tool is the active one of the 3D view."""
    space = context.space_data
    if space is None or space.type != "VIEW_3D" or context.workspace is None:
        return False
    tool = context.workspace.tools.from_space_view3d_mode(context.mode, create=False)
    return tool is not None and tool.idname == TOOL
