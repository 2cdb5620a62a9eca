# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's preferences: the worker's environment, model, device and cache."""

import textwrap
from typing import Any

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

import splatcut

from ..bridge import state, worker
from ..bridge.properties import option_property
from ..core import environment, jobs

#: Width of a letter in the interface's font at scale 1, pixels, a little on the safe side.
_LETTER = 6.9


def _restart(self: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    """The next request starts a worker with the new choices; one in the middle of a run is let finish it."""
    if state.job is None or state.job.kind not in state.LONG:
        worker.restart()


class SplatCutPreferences(bpy.types.AddonPreferences):
    """Where the engine runs, and with what."""

    bl_idname = worker.ADDON

    python_path: StringProperty(  # type: ignore[valid-type]
        name="Existing environment",
        description=(
            "Python interpreter or folder of an environment with the engine. Leave empty to use the one created here"
        ),
        subtype="FILE_PATH",
        update=_restart,
    )
    environment_path: StringProperty(  # type: ignore[valid-type]
        name="Folder",
        description="Where the environment is created. Leave empty for the default location",
        subtype="DIR_PATH",
        update=_restart,
    )
    interpreter_path: StringProperty(  # type: ignore[valid-type]
        name="Python",
        description="Interpreter to create the environment with (3.11 to 3.13). Leave empty to search for one",
        subtype="FILE_PATH",
    )
    build: EnumProperty(  # type: ignore[valid-type]
        name="Build",
        items=(
            ("cpu", "CPU", "Runs everywhere"),
            ("cuda", "CUDA", "For NVIDIA GPUs, on Linux; a much larger download"),
        ),
        default="cpu",
    )
    device: option_property("device", update=_restart)  # type: ignore[valid-type]
    model_path: option_property("model", subtype="FILE_PATH", update=_restart)  # type: ignore[valid-type]
    cache_path: StringProperty(  # type: ignore[valid-type]
        name="Cache",
        description=(
            "Folder for files that can be recomputed, such as embeddings and runs. Leave empty for the system's cache "
            "folder"
        ),
        subtype="DIR_PATH",
        update=_restart,
    )
    cache_gigabytes: FloatProperty(  # type: ignore[valid-type]
        name="Cache size (GB)",
        description="When the cache grows beyond this size, the files that were not used for longest are deleted",
        min=0.1,
        soft_max=100.0,
        max=10000.0,
        default=5.0,
        update=_restart,
    )

    def draw(self, context: bpy.types.Context) -> None:
        self._draw_environment(self.layout.box())
        column = self.layout.column()
        column.use_property_split = True
        for name in ("device", "model_path", "cache_path", "cache_gigabytes"):
            column.prop(self, name)
        column.label(text=f"Cache folder: {worker.cache()}")

    def _draw_environment(self, box: Any) -> None:
        from ..ops import environment as operators

        box.label(text="Engine", icon="SETTINGS")
        good, text = environment.environment_text(worker.chosen_environment(), splatcut.__version__)
        draw_text(box, text, icon="CHECKMARK" if good else "ERROR")
        if state.worker.phase != "off":
            draw_text(box, worker_text(), icon="INFO")
        column = box.column()
        column.use_property_split = True
        column.prop(self, "python_path")
        if state.job is not None and state.job.kind == "environment":
            draw_progress(box, state.job)
            box.operator("splatcut.cancel", icon="CANCEL")
            return
        if not self.python_path:
            column.prop(self, "environment_path")
            column.prop(self, "interpreter_path")
            row = column.row()
            row.prop(self, "build", expand=True)
            download, disk = environment.SIZES[self.build]
            free = jobs.free_space(worker.creation_folder())
            draw_text(
                box,
                f"This downloads {jobs.bytes_text(download)} and needs about {jobs.bytes_text(disk)} of disk space"
                f"{'' if free is None else f' ({jobs.bytes_text(free)} free)'}. Nothing is installed into Blender.",
            )
            if self.build not in environment.builds():
                draw_text(box, "The CUDA build is available on Linux only.", icon="ERROR")
            if not bpy.app.online_access:
                draw_text(
                    box,
                    "Blender is set to work offline. Turn on System > Network > Allow Online Access to create the "
                    "environment.",
                    icon="INTERNET_OFFLINE",
                )
        row = box.row()
        if not self.python_path:
            row.operator("splatcut.create_environment", icon="IMPORT")
        row.operator("splatcut.test_environment", icon="CHECKMARK")
        row.operator("splatcut.show_log", icon="TEXT")
        for line in operators.answer:
            draw_text(box, line)
        if state.message and state.message_level == "ERROR":
            draw_text(box, state.message, icon="ERROR")


def worker_text() -> str:
    """One line on the worker."""
    status = state.worker
    if status.phase in ("ready", "busy"):
        memory = f", using {jobs.bytes_text(status.rss)} of memory" if status.rss else ""
        return f"The engine is running on {status.device} with {status.model}{memory}."
    return {"starting": "The engine is starting.", "dead": status.detail}.get(
        status.phase, "The engine is not running."
    )


def draw_progress(layout: Any, job: state.JobStatus) -> None:
    """A bar with the job's line."""
    layout.progress(factor=job.fraction or 0.0, type="BAR", text=job.stage)
    draw_text(layout, job.message)


def draw_text(layout: Any, text: str, *, icon: str = "NONE") -> None:
    """Text in as many labels as the region's width asks for: Blender cuts out the middle of longer ones."""
    region = bpy.context.region
    width = region.width if region is not None else 700
    room = width / (bpy.context.preferences.system.ui_scale or 1) - (70 if icon != "NONE" else 45)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, part in enumerate(textwrap.wrap(text, max(int(room / _LETTER), 30)) or [""]):
        column.label(text=part, icon=icon if number == 0 else "BLANK1" if icon != "NONE" else "NONE")


CLASSES = (SplatCutPreferences,)
