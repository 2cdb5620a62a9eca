# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo and modes, for what arrives when no operator is running."""

from __future__ import annotations

import contextlib

import bpy


def push(message: str) -> None:
    """One step of undo, where there is undo."""
    windows = bpy.context.window_manager.windows
    with contextlib.suppress(RuntimeError):
        if bpy.context.window is None and len(windows):  # as in a timer
            with bpy.context.temp_override(window=windows[0]):
                bpy.ops.ed.undo_push(message=message)
        else:
            bpy.ops.ed.undo_push(message=message)


def leave_mode() -> None:
    """Puts Blender into object mode, in which objects can be made."""
    windows = bpy.context.window_manager.windows
    if bpy.context.window is None and len(windows):
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.object.mode_set(mode="OBJECT")
    else:
        bpy.ops.object.mode_set(mode="OBJECT")
