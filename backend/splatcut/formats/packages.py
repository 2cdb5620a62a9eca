# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Packages that only some formats need, imported when they are."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from splatcut.errors import UserError


def require(package: str, purpose: str) -> Any:
    """The imported package; UserError with the remedy when it is missing. ``purpose`` begins the sentence."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        name = {"PIL.Image": "pillow", "pxr": "usd-core"}.get(package, package)
        raise UserError(
            f"{purpose} needs the Python package {name}, which is missing or damaged here ({error}). "
            f"Install it with: {install(name)}"
        ) from error


def install(words: str) -> str:
    """The command that installs packages where this process looks for them; Blender's user sees no other."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f"{python} -m pip install {words}"
