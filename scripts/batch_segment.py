# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts objects out of one splat scene or of many, in Blender without a window.

    blender -b --python scripts/batch_segment.py -- scene.ply --prompts prompts.json \\
        --cameras colmap/ --images photos/ --out cut/ --blend cut/scene.blend --render cut/picture.png
    blender -b --python scripts/batch_segment.py -- --manifest scenes.csv --out cut/

The same works with the Python of an environment that has Blender as a module (bpy) in place of "blender -b --python"
and without the "--". It uses the installed SplatCut extension, or the sources that this script lies beside.

Under --out, each scene gets a folder with its objects and the background, contact_sheet.png and report.json, and
summary.md and summary.json tell how it went. What an earlier run has finished is not done again; a scene that was
interrupted goes on from its last finished stage. scripts/lib/batch/manifest.py says what a manifest holds.

Exit codes: 0 all scenes are done; 1 some failed, the others are done; 2 the command line or the manifest is wrong, and
nothing was done; 3 there is no add-on or no engine, and nothing was done; 130 interrupted.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib.batch import summary
from lib.batch.summary import Result

if TYPE_CHECKING:
    from lib.batch.manifest import Batch, Task

REPOSITORY = Path(__file__).resolve().parents[1]


class NoEngine(Exception):
    """There is no add-on, or it has no engine; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Does the batch; returns the exit code."""
    try:
        package = find_add_on()
        # Not at the top: what the options are stands in the engine's messages, which come with the add-on.
        from lib.batch import manifest

        try:
            batch = manifest.parse(manifest.parser((__doc__ or "").replace("%", "%%")).parse_args(arguments))
        except manifest.InputError as error:
            print(f"batch_segment.py: {error}", file=sys.stderr)
            return summary.BAD_INPUT
        check_engine(batch, package)
    except NoEngine as error:
        print(f"batch_segment.py: {error}", file=sys.stderr)
        return summary.NO_ENGINE
    results, interrupted = do_all(batch, package)
    summary.write(batch.out, results)
    print("\n" + summary.table(results), flush=True)
    part(package, "bridge.worker").close()
    return summary.exit_code(results, interrupted=interrupted)


def do_all(batch: Batch, package: str) -> tuple[list[Result], bool]:
    """Does every task that is not done yet; returns what became of them, and whether the user stopped it."""
    results: list[Result] = []
    failed = interrupted = False
    for number, task in enumerate(batch.tasks, start=1):
        folder = batch.out / task.name
        if interrupted or (failed and batch.stop_at_failure):
            results.append(Result(task.name, "left"))
            continue
        missing = task.missing()
        key = "" if missing else task.key()
        earlier = None if missing or batch.again else summary.finished(folder, key)
        print(f"\n[{number}/{len(batch.tasks)}] {task.name}{': done earlier' if earlier else ''}", flush=True)
        if earlier is not None:
            results.append(earlier)
            continue
        began = time.monotonic()
        try:
            if missing:
                raise RuntimeError(missing)
            result = cut(task, folder, package, key)
            summary.keep(folder, result)
        except KeyboardInterrupt:
            interrupted = True
            result = Result(task.name, "left")
        except (RuntimeError, OSError, importlib.import_module("splatcut.errors").UserError) as error:
            result = Result(task.name, "failed", problem=sentence(error), seconds=time.monotonic() - began)
        except Exception as error:
            traceback.print_exc()
            problem = f"{type(error).__name__}: {error}. The traceback is in the log."
            result = Result(task.name, "failed", problem=problem, seconds=time.monotonic() - began)
        failed = failed or result.status == "failed"
        if result.problem:
            print(f"FAILED: {result.problem}", flush=True)
        results.append(result)
        summary.write(batch.out, results)
    return results, interrupted


def cut(task: Task, folder: Path, package: str, key: str) -> Result:
    """One scene, as a user does it with the panel; raises RuntimeError with a sentence when an operator refuses."""
    began = time.monotonic()
    ops: Any = bpy.ops
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    ops.splatcut.import_splats(filepath=str(task.scene), axes=task.axes)
    splats: Any = bpy.context.view_layer.objects.active
    settings = splats.splatcut
    # The same for the same scene, so that an interrupted run is found again.
    settings.uid = f"batch-{key[:24]}"
    if task.cameras is not None:
        settings.view_source = "DATASET"
        settings.cameras_path = str(task.cameras)
        settings.images_path = str(task.images) if task.images else ""
    for name in importlib.import_module("splatcut.messages").SCENE_OPTIONS:
        setattr(settings, name, getattr(task.options, name))
    with_progress(package, lambda: ops.splatcut.prompts_load(filepath=str(task.prompts)))
    with_progress(package, ops.splatcut.run)

    state = part(package, "bridge.state")
    warnings = (state.message,) if state.message_level == "WARNING" and state.message else ()
    folder.mkdir(parents=True, exist_ok=True)
    run = part(package, "bridge.scenes").folder(settings.uid) / "runs"
    files = copied(latest(run), folder)
    made = {o.splatcut.result_name: o for o in bpy.data.objects if o.splatcut.result_of == settings.uid}  # type: ignore[attr-defined]
    suffix = {"PLY": ".ply", "SPLAT": ".splat", "SPZ": ".spz", "COMPRESSED": ".compressed.ply"}[task.format]
    for name, obj in sorted(made.items()):
        # A healed background is called "healed/background".
        target = folder / ("objects" if name and "/" not in name else "") / f"{name or 'background'}{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        select_only(obj)
        ops.splatcut.export_splats(filepath=str(target), what="SELECTED", file_format=task.format)
        files.append(str(target))
    counts = {name: len(obj.data.vertices if obj.type == "MESH" else obj.data.points) for name, obj in made.items()}
    if task.render is not None or task.blend is not None:
        from lib.batch import picture

        picture.set_up(splats, [made[name] for name in sorted(made)], package, samples=task.samples)
    if task.render is not None:
        from lib.batch import picture

        picture.render(task.render)
        files.append(str(task.render))
    if task.blend is not None:
        task.blend.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(task.blend), compress=True)
        files.append(str(task.blend))
    return Result(
        task.name,
        "done",
        key,
        gaussians=len(splats.data.vertices if splats.type == "MESH" else splats.data.points),
        objects={name: count for name, count in sorted(counts.items()) if name and "/" not in name},
        background=counts.get("", 0),
        seconds=round(time.monotonic() - began, 1),
        files=tuple(files),
        warnings=warnings,
    )


def with_progress(package: str, operator: Callable[[], Any]) -> None:
    """Runs a blocking operator while the engine's stages are printed."""
    state = part(package, "bridge.state")
    told: list[str] = []

    def tell() -> None:
        job = state.job
        if job is not None and job.stage and job.stage not in told:
            told.append(job.stage)
            share = "" if job.fraction is None else f"{job.fraction:4.0%}  "
            print(f"  {share}{job.message or job.stage}", flush=True)

    state.listeners.append(tell)
    try:
        operator()
    finally:
        state.listeners.remove(tell)


def select_only(obj: Any) -> None:
    """Selects one object, shown for the moment where it is hidden."""
    layer = bpy.context.view_layer
    for other in list(layer.objects.selected):
        other.select_set(False)
    obj.hide_set(False)
    obj.select_set(True)
    layer.objects.active = obj


def latest(runs: Path) -> Path | None:
    """The folder of the run that ended last."""
    reports = sorted(runs.glob("*/report.json"), key=lambda path: path.stat().st_mtime)
    return reports[-1].parent if reports else None


def copied(run: Path | None, folder: Path) -> list[str]:
    """Copies what the engine wrote besides the objects; returns the files."""
    files = []
    for name in ("contact_sheet.png", "report.json", "labels.npz"):
        if run is not None and (run / name).is_file():
            shutil.copyfile(run / name, folder / name)
            files.append(str(folder / name))
    return files


def sentence(error: BaseException) -> str:
    """What an operator reported, without Blender's frame."""
    text = str(error).strip()
    return text.removeprefix("Error:").strip()


def find_add_on() -> str:
    """The package of the add-on, enabled: the installed one, or the sources beside this script. Raises ``NoEngine``."""
    package = _enabled() or _installed() or _sources()
    if package is None:
        raise NoEngine(
            "The SplatCut extension is not installed in this Blender, and its sources are not beside this script. "
            "Install the extension, start Blender without --factory-startup, and try again."
        )
    return package


def check_engine(batch: Batch, package: str) -> None:
    """Raises ``NoEngine`` when the add-on has no Python to run the engine with."""
    if batch.worker_python is not None:
        os.environ["SPLATCUT_WORKER_PYTHON"] = str(batch.worker_python)
    try:
        part(package, "bridge.worker").python()
    except importlib.import_module("splatcut.errors").UserError as error:
        raise NoEngine(f"{error} Or name one with --worker-python.") from error


def part(package: str, name: str) -> Any:
    """A module of the add-on."""
    return importlib.import_module(f"{package}.{name}")


def _enabled() -> str | None:
    names = [addon.module for addon in bpy.context.preferences.addons]
    return next((name for name in names if name.endswith(".splatcut")), None)


def _installed() -> str | None:
    import addon_utils

    for module in addon_utils.modules(refresh=True):
        if module.__name__.startswith("bl_ext.") and module.__name__.endswith(".splatcut"):
            addon_utils.enable(module.__name__)
            return _enabled()
    return None


def _sources() -> str | None:
    if not (REPOSITORY / "blender_addon" / "registry.py").is_file():
        return None
    for folder in (REPOSITORY, REPOSITORY / "backend"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    environment = REPOSITORY / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.is_file():
        os.environ.setdefault("SPLATCUT_WORKER_PYTHON", str(python))
    if importlib.util.find_spec("platformdirs") is None:  # the extension brings it along, Blender has none
        sys.path += map(str, (*environment.glob("lib/python*/site-packages"), environment / "Lib" / "site-packages"))
        if importlib.util.find_spec("platformdirs") is None:
            raise NoEngine(
                "The SplatCut extension is not installed in this Blender, and its sources need the engine's "
                "environment. Run python3 scripts/set_up.py engine, or install the extension."
            )
    importlib.import_module("blender_addon").register()
    return "blender_addon"


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    try:
        code = main(given)
    except SystemExit as stop:  # argparse has told why
        code = stop.code if isinstance(stop.code, int) else summary.BAD_INPUT
    except BaseException:
        traceback.print_exc()
        code = summary.SOME_FAILED
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's own end would take another exit code, and some versions of the module hang in it.
    os._exit(code)
