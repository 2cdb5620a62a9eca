# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module imports without Blender; run with numpy alone, this says that nothing else is needed."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[3] / "blender_addon" / "core"


@pytest.mark.parametrize("name", sorted(path.stem for path in CORE.glob("*.py")))
def test_it_imports(name: str) -> None:
    importlib.import_module("blender_addon.core" if name == "__init__" else f"blender_addon.core.{name}")
