# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension as a package: what is installed, what it brings along, that it comes and goes without a trace."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import bpy
import pytest


def _folder(addon: str) -> Path:
    return Path(sys.modules[addon].__file__).parent


def test_the_add_on_is_enabled(addon: str) -> None:
    assert addon in bpy.context.preferences.addons
    assert hasattr(bpy.types.Object, "splatcut")


def test_the_engine_comes_from_the_extensions_wheel(addon: str) -> None:
    import splatcut.formats

    user = os.environ["BLENDER_USER_RESOURCES"]
    assert Path(splatcut.formats.__file__).is_relative_to(Path(user).resolve())
    wheels = tomllib.loads((_folder(addon) / "blender_manifest.toml").read_text(encoding="utf-8"))["wheels"]
    assert len(wheels) == 2
    assert all((_folder(addon) / wheel).is_file() for wheel in wheels)


@pytest.mark.parametrize(
    "name", ["engine-requirements.txt", "LICENSES/GPL-3.0-or-later.txt", "LICENSES/Apache-2.0.txt"]
)
def test_what_else_is_installed(addon: str, name: str) -> None:
    assert (_folder(addon) / name).is_file()


def test_the_requirements_are_exact(addon: str) -> None:
    lines = (_folder(addon) / "engine-requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    assert any(line.startswith("torch==") for line in wanted)
    assert all("==" in line for line in wanted)


def test_disabling_takes_everything_back(addon: str) -> None:
    """Twice: what was left behind would make the second time fail."""
    for _ in range(2):
        assert bpy.ops.preferences.addon_disable(module=addon) == {"FINISHED"}
        assert not hasattr(bpy.types.Object, "splatcut")
        assert [name for name in dir(bpy.types) if name.lower().startswith("splatcut")] == []
        assert bpy.ops.preferences.addon_enable(module=addon) == {"FINISHED"}
        assert hasattr(bpy.types.Object, "splatcut")
