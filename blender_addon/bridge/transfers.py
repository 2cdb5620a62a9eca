# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports and exports that go on beside Blender, and how their results arrive."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np

from splatcut.errors import UserError
from splatcut.formats import SplatFile

from ..core import exports
from . import exchange, splats, state, undo

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.05

#: Called in turn until they return True; True makes them stop.
under_way: list[Callable[[bool], bool]] = []


class Target:
    """Where splats go, by name: what was current when the import began may be gone at its end."""

    def __init__(self, context: bpy.types.Context, path: Path, matrix: np.ndarray) -> None:
        self.path = path
        self._matrix = matrix
        self._scene = context.scene.name
        self._collection = context.collection.name if context.collection is not None else ""

    def place(self, read: SplatFile, progress: Callable[[float], None] | None = None) -> None:
        """Makes the object (one for each that the file tells apart), selects it alone and pushes the undo step."""
        context = bpy.context
        scene = bpy.data.scenes.get(self._scene) or context.scene
        collection = bpy.data.collections.get(self._collection) or scene.collection
        if collection.library is not None:
            collection = scene.collection
        name = exports.object_name(self.path)
        parts = [(name, read)]
        if read.objects is not None:
            whole, labels = replace(read, objects=None), read.objects.labels
            parts = [
                (part or f"{name} background", whole.take(labels == number))
                for number, part in enumerate(("", *read.objects.names))
                if (labels == number).any()
            ]
            inside = bpy.data.collections.new(name)
            collection.children.link(inside)
            collection = inside
        made = [
            splats.create(
                context,
                part,
                called,
                collection=collection,
                matrix=_moved(self._matrix, read),
                source=self.path,
                progress=progress,
            )
            for called, part in parts
        ]
        layer = context.view_layer
        active = layer.objects.active
        if active is not None and active.mode != "OBJECT":
            undo.leave_mode()
        layer.update()  # before that it does not know of the new object
        shown = [obj for obj in made if obj.name in layer.objects]
        if shown:
            for obj in list(layer.objects.selected):
                obj.select_set(False)
            for obj in shown:
                obj.select_set(True)
            layer.objects.active = shown[-1]
        undo.push("Import Splats")


def _moved(matrix: np.ndarray, read: SplatFile) -> np.ndarray:
    """[4, 4] world_from_local of an object whose data are relative to the world offset."""
    result = np.array(matrix, dtype=np.float64)
    result[:3, 3] += result[:3, :3] @ read.offset
    return result


def importing(loading: exchange.Loading, target: Target) -> Callable[[bool], bool]:
    def step(stop: bool) -> bool:
        try:
            if stop:
                raise UserError(f"The import of {target.path.name} was stopped.")
            read = loading.step()
            if read is None:
                return _show_job("import", loading.stage, target.path)
            target.place(read)
            state.say(exports.imported_sentence(read, target.path))
        except UserError as error:
            state.say(str(error), "INFO" if stop else "ERROR")
        except Exception as error:
            _log.exception("The import failed.")
            state.say(
                f"The import of {target.path} failed ({error}). See Blender's system console for details.", "ERROR"
            )
        loading.close()
        _end_job("import")
        return True

    return step


def exporting(storing: exchange.Storing) -> Callable[[bool], bool]:
    def step(stop: bool) -> bool:
        try:
            if stop:
                raise UserError(f"The export to {storing.path.name} was stopped.")
            lost = storing.step()
            if lost is None:
                return _show_job("export", "Writing", storing.path)
            state.say(" ".join([f"Wrote {storing.path}.", *lost]), "WARNING" if lost else "INFO")
        except UserError as error:
            state.say(str(error), "INFO" if stop else "ERROR")
        except Exception as error:
            _log.exception("The export failed.")
            state.say(
                f"The export to {storing.path} failed ({error}). See Blender's system console for details.", "ERROR"
            )
        storing.close()
        _end_job("export")
        return True

    return step


def _show_job(kind: str, stage: str, path: Path) -> bool:
    if state.job is None or (state.job.kind == kind and state.job.stage != stage):
        state.set_job(state.JobStatus(kind, stage, None, None, f"{stage} {path.name}"))
    return False


def _end_job(kind: str) -> None:
    if state.job is not None and state.job.kind == kind:
        state.set_job(None)


def cancel() -> bool:
    """Stops the import or export that is shown; whether there was one."""
    if not under_way:
        return False
    under_way.pop(0)(True)
    return True


def go_on(step: Callable[[bool], bool]) -> None:
    under_way.append(step)
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=_TICK_SECONDS, persistent=True)


def _tick() -> float | None:
    if under_way and under_way[0](False):
        under_way.pop(0)
    return _TICK_SECONDS if under_way else None


def close() -> None:
    """Stops everything."""
    while cancel():
        pass
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
