# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creating and testing the engine's environment from Blender. What is fetched is replaced by a process that prints."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest


class Modules:
    """The add-on's modules that these tests look at."""

    def __init__(self, addon: str) -> None:
        def module(name: str) -> Any:
            return importlib.import_module(f"{addon}.{name}")

        self.operators, self.creation = module("ops.environment"), module("core.creation")
        self.environment, self.state, self.worker = (
            module("core.environment"),
            module("bridge.state"),
            module("bridge.worker"),
        )


@pytest.fixture
def addon_modules(addon: str) -> Iterator[Modules]:
    modules = Modules(addon)
    yield modules
    modules.operators.unregister()
    modules.state.clear()


def steps_of(modules: Modules, *codes: str) -> Any:
    python = os.environ["SPLATCUT_WORKER_PYTHON"]
    return lambda plan: [modules.creation.Step("Downloading", (python, "-c", code), 1.0) for code in codes]


def refused(**arguments: str) -> str:
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.splatcut.create_environment(**arguments)
    return str(caught.value)


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch, addon_modules: Modules) -> None:
    monkeypatch.setattr(addon_modules.environment, "check_online", lambda online: None)


def test_offline_is_respected(addon_modules: Modules, tmp_path: Path) -> None:
    if bpy.app.online_access:
        pytest.skip("this Blender was started with online access")
    said = refused(folder=str(tmp_path / "env"))
    assert "Allow Online Access" in said
    assert not (tmp_path / "env").exists()


@pytest.mark.usefixtures("online")
def test_an_environment_is_created_tested_and_found(
    addon_modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = Path(os.environ["SPLATCUT_WORKER_PYTHON"])
    folder = tmp_path / "env"
    target = addon_modules.environment.python_in(folder)
    code = f"import os; os.makedirs({str(target.parent)!r}); os.symlink({str(python)!r}, {str(target)!r})"
    monkeypatch.setattr(addon_modules.creation, "steps", steps_of(addon_modules, code))
    shown: list[str] = []
    addon_modules.state.listeners.append(
        lambda: shown.append(addon_modules.state.job.stage) if addon_modules.state.job else None
    )
    before = time.monotonic()
    assert bpy.ops.splatcut.create_environment(folder=str(folder), interpreter=str(python), build="cpu") == {"FINISHED"}
    addon_modules.state.listeners.pop()
    assert time.monotonic() - before < 20
    assert [stage for stage in dict.fromkeys(shown) if stage != "Starting"] == ["Searching for Python", "Downloading"]
    assert f"ready in {folder}" in addon_modules.state.message
    assert addon_modules.state.job is None
    stamp = addon_modules.environment.stamp(folder)
    assert stamp["build"] == "cpu"
    assert addon_modules.environment.worker_python(folder) == target


@pytest.mark.usefixtures("online")
def test_a_creation_that_fails_says_why_and_leaves_its_mark(
    addon_modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        addon_modules.creation, "steps", steps_of(addon_modules, "print('ERROR: no network'); raise SystemExit(1)")
    )
    python = os.environ["SPLATCUT_WORKER_PYTHON"]
    said = refused(folder=str(tmp_path / "env"), interpreter=python)
    assert "no network" in said
    assert addon_modules.state.message_level == "ERROR"
    assert (tmp_path / "env" / addon_modules.environment.UNFINISHED).exists()
    with pytest.raises(Exception, match="is incomplete"):
        addon_modules.environment.worker_python(tmp_path / "env")
    assert "not a Python interpreter" in refused(folder=str(tmp_path / "env"), interpreter=str(tmp_path))


@pytest.mark.usefixtures("online")
def test_a_creation_can_be_cancelled(addon_modules: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addon_modules.creation, "steps", steps_of(addon_modules, "import time; time.sleep(60)"))
    waited: list[float] = []

    def cancel() -> None:
        job = addon_modules.state.job
        if job is not None and job.stage == "Downloading" and not waited:
            waited.append(time.monotonic())
            bpy.ops.splatcut.cancel()

    addon_modules.state.listeners.append(cancel)
    said = refused(folder=str(tmp_path / "env"), interpreter=os.environ["SPLATCUT_WORKER_PYTHON"])
    addon_modules.state.listeners.pop()
    assert time.monotonic() - waited[0] < 5
    assert "is incomplete" in said
    assert addon_modules.state.job is None


def test_the_preferences_draw_in_every_state(addon_modules: Modules, addon: str) -> None:
    """Against a layout that takes everything: what is read from Blender and the disk must not fail."""
    preferences: Any = bpy.context.preferences.addons[addon].preferences
    draw = type(preferences).draw

    texts: list[str] = []

    class Layout:
        def label(self, text: str = "", **kwargs: object) -> None:
            texts.append(text)

        def prop(self, data: object, name: str, **kwargs: object) -> None:
            assert hasattr(data, name)

        def __getattr__(self, name: str) -> Any:
            return lambda *args, **kwargs: self

        def __setattr__(self, name: str, value: object) -> None:
            pass

    class Shown:
        layout = Layout()

        def __getattr__(self, name: str) -> Any:
            return getattr(preferences, name)

    for job in (None, addon_modules.state.JobStatus("environment", "Downloading", 0.3, None, "Collecting numpy")):
        addon_modules.state.set_job(job)
        for build in ("cpu", "cuda"):
            preferences.build = build
            Shown._draw_environment = type(preferences)._draw_environment  # type: ignore[attr-defined]
            draw(Shown(), bpy.context)
    preferences.build = "cpu"
    text = " ".join(texts)
    assert "of disk space" in text
    assert "Cache folder" in text
