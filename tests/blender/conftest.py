# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the add-on as users have it: built, installed from its .zip, and enabled, in a Blender of its own.

Works in the environments with Blender as a Python module (``python3 scripts/test.py --only blender45,blender53``) and
inside a real Blender (``python3 scripts/dev/run_in_blender.py``). Elsewhere these tests are not collected. Tests import
the add-on as ``bl_ext.user_default.splatcut``.

Variables: SPLATCUT_EXTENSION_ZIP is a .zip to test instead of building one; SPLATCUT_WORKER_PYTHON the interpreter that
the worker runs in, by default the engine's environment.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from blender_driver import Driver

REPOSITORY = Path(__file__).resolve().parents[2]
MODULE = "bl_ext.user_default.splatcut"
_DEMO = REPOSITORY / "demo"
HAVE_BLENDER = importlib.util.find_spec("bpy") is not None
collect_ignore_glob = [] if HAVE_BLENDER else ["test_*.py"]

_exit_code = 4  # pytest's for wrong usage, until a session has ended
_scratch: Path | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module is imported: they import the installed add-on."""
    global _scratch
    if not HAVE_BLENDER or _scratch is not None:
        return
    _scratch = Path(tempfile.mkdtemp(prefix="splatcut-blender-"))
    # What is tested is what was installed, not the sources, which pyproject.toml makes importable for other tests.
    sys.path[:] = [folder for folder in sys.path if Path(folder) not in (REPOSITORY, REPOSITORY / "backend")]
    if "bpy" not in sys.modules:
        # Nobody's preferences and add-ons get in or are changed.
        os.environ["BLENDER_USER_RESOURCES"] = str(_scratch / "user")
    elif not os.environ.get("BLENDER_USER_RESOURCES"):
        raise pytest.UsageError("Inside a Blender these tests are started with scripts/dev/run_in_blender.py.")
    os.environ.setdefault("SPLATCUT_WORKER_PYTHON", str(engine_python()))
    _install(_extension())


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Disables the add-on, which ends its worker."""
    global _exit_code
    _exit_code = int(exitstatus)
    if HAVE_BLENDER:
        import bpy

        bpy.ops.preferences.addon_disable(module=MODULE)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the process without Blender's clean-up, in which some versions of the module hang or crash."""
    if _scratch is None:
        return
    shutil.rmtree(_scratch, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_code)


def engine_python() -> Path:
    """The interpreter of the engine's environment."""
    return REPOSITORY / (".venv/Scripts/python.exe" if os.name == "nt" else ".venv/bin/python")


def _extension() -> Path:
    """The .zip to install; built when none is given."""
    assert _scratch is not None
    given = os.environ.get("SPLATCUT_EXTENSION_ZIP")
    if given:
        return Path(given)
    python = engine_python()
    if not python.is_file():
        raise pytest.UsageError(
            "These tests build the extension, for which python3 scripts/set_up.py engine is needed."
        )
    command = [str(python), str(REPOSITORY / "scripts/build_extension.py"), "--out", str(_scratch)]
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "LD_"))}
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise pytest.UsageError(f"The extension cannot be built.\n{result.stdout}{result.stderr}")
    return next(_scratch.glob("*.zip"))


def _install(archive: Path) -> None:
    import bpy

    try:
        bpy.ops.extensions.package_install_files(filepath=str(archive), repo="user_default", enable_on_install=True)
    except RuntimeError as error:
        raise pytest.UsageError(f"The extension cannot be installed and enabled. {error}") from error
    if MODULE not in bpy.context.preferences.addons:
        raise pytest.UsageError("The extension does not register; the reason stands above.")


@pytest.fixture(scope="session")
def addon() -> str:
    """The name of the add-on's package."""
    return MODULE


@pytest.fixture(autouse=True)
def clean_scene() -> None:
    """An empty file before each test; add-ons and preferences stay (read_factory_settings would disable them)."""
    import bpy

    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small PLY of a layout (``odd_plys.variants``)."""
    import odd_plys

    def write(name: str = "degree 1", called: str = "thing.ply") -> Path:
        path = tmp_path / called
        path.write_bytes(odd_plys.variants()[name])
        return path

    return write


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of their own for these tests, which share the views' embeddings."""
    folder = tmp_path_factory.mktemp("cache")
    before = {name: os.environ.get(name) for name in ("SPLATCUT_CACHE", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS")}
    os.environ["SPLATCUT_CACHE"] = str(folder)
    yield folder
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


@pytest.fixture
def driver(addon: str, cache: Path) -> Iterator[Driver]:
    """The add-on's modules, with a worker that nothing has used yet."""
    from blender_driver import Driver

    made = Driver(addon)
    made.worker.close()
    before = list(made.state.listeners)
    yield made
    made.run.abandon()
    made.worker.close()
    made.worker.limits = made.client.Limits()
    made.state.listeners[:] = before
    made.state.clear()


@pytest.fixture
def splat(driver: Driver, tmp_path: Path) -> Any:
    """The demo scene, imported from a file that is gone, moved about, with the teapot prompted."""
    import bpy
    from small_demo import write_small_demo

    source = tmp_path / "capture.ply"
    shutil.copyfile(_DEMO / "scene.ply", source)
    bpy.ops.splatcut.import_splats(filepath=str(source))
    source.unlink()
    obj: Any = driver.splats.active(bpy.context)
    obj.location, obj.rotation_euler, obj.scale = (1.0, 2.0, 3.0), (0.3, 0.2, 0.1), (2.0, 2.0, 2.0)
    bpy.context.view_layer.update()
    cameras, prompts = write_small_demo(_DEMO, tmp_path)
    settings = obj.splatcut
    settings.view_source, settings.cameras_path, settings.images_path = "DATASET", str(cameras), str(_DEMO / "images")
    settings.quality, settings.heal = "draft", False  # healing has its own tests
    bpy.ops.splatcut.prompts_load(filepath=str(prompts))
    return obj
