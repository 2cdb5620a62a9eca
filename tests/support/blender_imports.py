# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports in Blender: small files of many layouts, and what an import leaves active."""

# pyright: reportMissingImports=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import odd_plys

VARIANTS = odd_plys.variants()


def active() -> Any:
    """The active object."""
    return bpy.context.view_layer.objects.active


def import_(path: Path, **options: Any) -> Any:
    """Imports a file; returns the object."""
    assert bpy.ops.splatcut.import_splats(filepath=str(path), **options) == {"FINISHED"}
    return active()
