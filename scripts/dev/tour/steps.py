# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What window_tour.py does inside Blender. A timer goes from step to step; what a user does by hand is simulated."""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from hands import (
    MODULE,
    OUT,
    PLAN,
    SCENE,
    VIEW,
    WORK,
    Failed,
    Pause,
    area,
    check,
    click,
    counts,
    drag,
    key,
    look_from,
    on_screen,
    override,
    part,
    picture,
    preview_is_ready,
    region,
    report,
    results,
    said,
    splat,
    window,
)

# ------------------------------------------------------------------------------------------------------- the steps


def install() -> Iterator[Pause]:
    """Installs the .zip and shows its preferences."""
    preferences: Any = bpy.context.preferences
    bpy.ops.extensions.package_install_files(filepath=PLAN["extension"], repo="user_default", enable_on_install=True)
    check(MODULE in preferences.addons, "The extension is not enabled.")
    yield 0.5
    space = area()
    space.type = "PREFERENCES"
    preferences.active_section = "ADDONS"
    bpy.context.window_manager.addon_search = "SplatCut"
    with bpy.context.temp_override(window=window(), screen=window().screen, area=space):
        bpy.ops.preferences.addon_expand(module=MODULE)
    yield 1.0
    yield from picture("preferences")
    space.type = "VIEW_3D"
    preferences.addons[MODULE].preferences.python_path = PLAN["python"]
    yield 0.5


def import_scene() -> Iterator[Pause]:
    """Imports the splat and shows it from where a photo was taken."""
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    with override():
        ops: Any = bpy.ops
        ops.splatcut.import_splats("EXEC_DEFAULT", filepath=str(SCENE / "scene.ply"), axes="Z_UP")
    yield (lambda: len(bpy.data.objects) == 1, 120)
    space = area().spaces.active
    space.show_region_ui = True
    space.show_region_toolbar = True
    space.overlay.show_floor = space.overlay.show_axis_x = space.overlay.show_axis_y = False
    space.overlay.show_cursor = space.overlay.show_object_origins = False
    space.shading.background_type = "VIEWPORT"
    yield 1.0
    region("UI").active_panel_category = "SplatCut"
    look_from(VIEW)
    said(f"{len(splat().data.attributes)} attributes")
    yield 2.0
    yield from picture("imported")


def views() -> Iterator[Pause]:
    """Chooses the photos of the capture."""
    settings = splat().splatcut
    settings.view_source = "DATASET"
    settings.cameras_path, settings.images_path = str(SCENE / "cameras.json"), str(SCENE / "images")
    with override():
        bpy.ops.ed.undo_push(message="Choose Views")
        ops: Any = bpy.ops
        check(ops.splatcut.load_views("INVOKE_DEFAULT") == {"FINISHED"}, "The views cannot be loaded.")
    yield (lambda: part("bridge.state").job is None and "view" in part("bridge.state").message, 180)
    said(part("bridge.state").message)
    yield from picture("views")


def first_click() -> Iterator[Pause]:
    """Chooses the tool and clicks on the pot: an object appears, and soon its preview."""
    with override():
        bpy.ops.wm.tool_set_by_id(name="splatcut.prompt")
    yield 1.0
    yield from click(on_screen((190, 150)))
    yield (lambda: len(splat().splatcut.objects) == 1, 20)
    check(len(splat().splatcut.objects[0].prompts) == 1, "The click left no prompt.")
    yield from picture("click")
    yield (preview_is_ready, 600)
    said(counts())
    yield from picture("preview")


def corrections() -> Iterator[Pause]:
    """More clicks for what is missing, a click with Ctrl for what is too much."""
    for pixel in ((165, 60), (250, 150)):
        yield from click(on_screen(pixel))
    for pixel in ((110, 150), (225, 143)):
        yield from click(on_screen(pixel), ctrl=True)
    prompts = splat().splatcut.objects[0].prompts
    check([p.positive for p in prompts] == [True, True, True, False, False], "The clicks are not what was clicked.")
    yield (preview_is_ready, 600)
    said(counts())
    yield from picture("corrected")


def undo_and_redo() -> Iterator[Pause]:
    """Ctrl-Z takes the last click back, with its preview; Ctrl-Shift-Z brings it again."""
    before = len(splat().splatcut.objects[0].prompts)
    yield from key("Z", ctrl=True)
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before - 1, 20)
    yield from key("Z", ctrl=True, shift=True)
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before, 20)
    yield (preview_is_ready, 600)
    said(counts())


def second_object() -> Iterator[Pause]:
    """Another object, with a box dragged around it, and names."""
    with override():
        ops: Any = bpy.ops
        ops.splatcut.object_rename(name="teapot")
        ops.splatcut.object_add(name="pear")
    yield 0.5
    yield from click(on_screen((220, 215)))
    yield from click(on_screen((235, 240)))
    yield from click(on_screen((275, 220)), ctrl=True)
    middle, top = on_screen((220, 215)), on_screen((237, 196))
    reach = 2.2 * abs(top[1] - middle[1])
    yield from drag(
        (middle[0] - 1.2 * reach, middle[1] + 1.2 * reach), (middle[0] + 1.2 * reach, middle[1] - 1.4 * reach)
    )
    check([o.name for o in splat().splatcut.objects] == ["teapot", "pear"], "The list is not teapot, pear.")
    kinds = [p.kind for p in splat().splatcut.objects[1].prompts]
    check(kinds == ["POINT", "POINT", "POINT", "BOX"], f"The second object's prompts are {kinds}.")
    yield (preview_is_ready, 600)
    said(counts())
    yield from picture("two_objects")


def cut() -> Iterator[Pause]:
    """Runs the job in the background; a picture while it is on."""
    splat().splatcut.quality, splat().splatcut.refine = PLAN["quality"], PLAN["refine"]
    with override():
        bpy.ops.wm.tool_set_by_id(name="builtin.select_box")
        ops: Any = bpy.ops
        check(ops.splatcut.run("INVOKE_DEFAULT") == {"FINISHED"}, "The run does not start.")
    began = time.monotonic()
    state = part("bridge.state")
    yield (lambda: state.job is None or (state.job.fraction or 0) > 0.3, 2400)
    check(state.job is not None, f"The run ended early: {state.message}")
    yield from picture("progress")
    seen: list[float] = []

    def ended() -> bool:
        if state.job is not None and state.job.fraction is not None:
            seen.append(state.job.fraction)
        return state.job is None

    yield (ended, 3600)
    check(seen == sorted(seen), "The progress went back.")
    check({"teapot", "pear", ""} <= set(results()), f"The results are {sorted(results())}: {state.message}")
    check(splat().hide_get(), "The original is not hidden.")
    said(f"{time.monotonic() - began:.0f} s; {state.message}")
    yield 2.0
    yield from picture("results")


def separate() -> Iterator[Pause]:
    """Moves the object away from the scene, as G and X do."""
    obj = results()["teapot"]
    obj.location.x -= 0.55
    obj.location.z += 0.35
    with override():
        bpy.ops.ed.undo_push(message="Move")
    yield 1.0
    yield from picture("moved")


def export() -> Iterator[Pause]:
    """Writes the results as files and compares them with what the engine wrote."""
    folder = WORK / "exported"
    folder.mkdir()
    with override():
        bpy.context.view_layer.objects.active = results()["teapot"]
        ops: Any = bpy.ops
        check(
            ops.splatcut.export_splats("EXEC_DEFAULT", filepath=str(folder / "x.ply"), what="RESULTS") == {"FINISHED"},
            "The export failed.",
        )
    yield (lambda: len(list(folder.glob("*.ply"))) == 3, 120)
    yield 2.0
    runs = list((WORK / "cache").glob("scenes/*/runs/*"))
    check(len(runs) == 1, f"There are {len(runs)} runs.")
    for name in ("teapot", "pear"):
        mine, engine = (folder / f"{name}.ply").read_bytes(), (runs[0] / "objects" / f"{name}.ply").read_bytes()
        check(mine == engine, f"{name}.ply is not what the engine wrote.")
    said("the files are the engine's, bit by bit")


def save_and_open() -> Iterator[Pause]:
    """Saves, opens again, and finds everything as it was."""
    before = describe()
    path = WORK / "tour.blend"
    with override():
        bpy.ops.wm.save_as_mainfile(filepath=str(path))
    yield 1.0
    with override():
        bpy.ops.wm.open_mainfile(filepath=str(path))
    yield 3.0
    check(describe() == before, f"After opening: {describe()}, before: {before}.")
    said(f"{path.stat().st_size / 1e6:.0f} MB")
    yield from picture("opened")


def describe() -> dict[str, Any]:
    """What has to survive."""
    return {
        "objects": [(o.name, len(o.prompts)) for o in splat().splatcut.objects],
        "results": sorted(results()),
        "hidden": splat().hide_get(),
        "places": {name: [round(v, 4) for v in o.location] for name, o in sorted(results().items())},
        "views": len(splat().splatcut.prompt_views),
    }


def go_on_clicking() -> Iterator[Pause]:
    """The opened file is worked on: show the splat again, one more click, preview; then undo."""
    with override():
        bpy.context.view_layer.objects.active = results()["teapot"]
        ops: Any = bpy.ops
        ops.splatcut.show_source()
        bpy.context.view_layer.objects.active = splat()
        bpy.ops.wm.tool_set_by_id(name="splatcut.prompt")
        splat().splatcut.active_object = 0
        # By hand, each of these would have been a step; the undo below is to take back the click alone.
        bpy.ops.ed.undo_push(message="Show Splat")
    yield 1.0
    check(not splat().hide_get(), "The splat is still hidden.")
    before = len(splat().splatcut.objects[0].prompts)
    yield from click(on_screen((103, 35)))
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before + 1, 20)
    yield (preview_is_ready, 600)
    said(counts())
    yield from picture("again")
    yield from key("Z", ctrl=True)
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before, 20)


def render() -> Iterator[Pause]:
    """Sets the results up for Cycles and shows them rendered."""
    if part("bridge.native").native():
        return
    with override():
        ops: Any = bpy.ops
        ops.splatcut.show_source()
        for obj in bpy.data.objects:
            obj.select_set(bool(obj.splatcut.result_of))  # type: ignore[attr-defined]
        bpy.context.view_layer.objects.active = results()["teapot"]
        ops.splatcut.render_setup("EXEC_DEFAULT")
    yield 1.0
    yield from picture("render_setup")


STEPS = (
    install,
    import_scene,
    views,
    first_click,
    corrections,
    undo_and_redo,
    second_object,
    cut,
    separate,
    export,
    save_and_open,
    go_on_clicking,
    render,
)


# ---------------------------------------------------------------------------------------------------------- the timer


def whole() -> Iterator[Pause]:
    for step in STEPS:
        began = time.monotonic()
        report["steps"].append({"name": step.__name__, "seconds": 0.0})
        print(f"TOUR {step.__name__}", flush=True)
        yield 0.1
        yield from step()
        report["steps"][-1]["seconds"] = round(time.monotonic() - began, 1)


_tour = whole()
_waiting: tuple[Callable[[], object], float] | None = None


def tick() -> float | None:
    """Goes on until the next pause; ends Blender after the last step or the first problem."""
    global _waiting
    try:
        if _waiting is not None:
            condition, end = _waiting
            if not condition():
                if time.monotonic() > end:
                    raise Failed(
                        f"Waited too long in the step {report['steps'][-1]['name']}. {part('bridge.state').message}"
                    )
                return 0.1
            _waiting = None
        pause = next(_tour)
        if isinstance(pause, tuple):
            _waiting = (pause[0], time.monotonic() + pause[1])
            return 0.1
        return pause
    except StopIteration:
        report["finished"] = True
        return _end(0)
    except Exception as error:
        traceback.print_exc()
        report["problem"] = f"{type(error).__name__}: {error}"
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("LD_", "PYTHON"))}
        subprocess.run(["import", "-window", "root", str(OUT / "99_problem.png")], check=False, env=variables)
        return _end(1)


def _end(code: int) -> None:
    (OUT / "tour.json").write_text(json.dumps(report, indent=1))
    try:
        part("bridge.worker").close()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


bpy.context.preferences.view.show_splash = False  # before it is shown
bpy.app.timers.register(tick, first_interval=2.0, persistent=True)
