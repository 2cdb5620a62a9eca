# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules register what with Blender, in which order."""

from __future__ import annotations

import importlib
from types import ModuleType

import bpy

#: In order of dependence: properties first, what draws and listens last. Each may have ``CLASSES``, a tuple of Blender
#: classes, and ``register()`` and ``unregister()``, which run after and before those of its classes.
MODULES = (
    "bridge.properties",
    "ui.preferences",
    "bridge.splats",
    "bridge.native",
    "bridge.scenes",  # unregistered after the worker, which reads its files
    "bridge.worker",
    "bridge.viewport",
    "ops.import_export",
    "ops.convert",
    "ops.objects",
    "ops.prompts",
    "ops.showing",
    "ops.views",
    "ops.check",
    "ops.preview",
    "ops.run",
    "ops.heal",
    "ops.match",
    "ops.prompts_file",
    "ops.render",
    "ops.environment",
    "ui.lists",
    "ui.panels",
    "ui.tool",
    "ui.overlays",
)

_registered: list[ModuleType] = []


def register() -> None:
    """Registers everything, or nothing: when one part fails, what was registered before it is taken back."""
    try:
        for name in MODULES:
            module = importlib.import_module(f".{name}", __package__)
            _registered.append(module)
            for cls in getattr(module, "CLASSES", ()):
                bpy.utils.register_class(cls)
            getattr(module, "register", _nothing)()
    except BaseException:
        unregister()
        raise


def unregister() -> None:
    """Takes everything back, in reverse."""
    while _registered:
        module = _registered.pop()
        getattr(module, "unregister", _nothing)()
        for cls in reversed(getattr(module, "CLASSES", ())):
            if getattr(cls, "is_registered", False):
                bpy.utils.unregister_class(cls)


def _nothing() -> None:
    pass
