# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What window_tour.py does inside Blender. A timer goes from step to step; what a user does by hand is simulated."""

# pyright: reportMissingImports=false

from __future__ import annotations

import importlib
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
import numpy as np
from bpy_extras import view3d_utils
from mathutils import Matrix, Vector

PLAN = json.loads(Path(sys.argv[sys.argv.index("--") + 1]).read_text())
OUT, WORK, SCENE = Path(PLAN["out"]), Path(PLAN["work"]), Path(PLAN["scene"])
MODULE = "bl_ext.user_default.splatcut"
#: The picture that the clicks are taken from.
VIEW = "view_049"

#: What a step yields: seconds to wait, or a condition to wait for with the longest time that it may take.
Pause = float | tuple[Callable[[], object], float]

report: dict[str, Any] = {"blender": bpy.app.version_string, "pictures": 0, "steps": []}


class Failed(Exception):
    """A check did not hold."""


def check(condition: object, sentence: str) -> None:
    """Ends the tour when ``condition`` does not hold."""
    if not condition:
        raise Failed(sentence)


def part(name: str) -> Any:
    """A module of the installed add-on."""
    return importlib.import_module(f"{MODULE}.{name}")


# ------------------------------------------------------------------------------------------------------ the window


def window() -> Any:
    return bpy.context.window_manager.windows[0]


def area() -> Any:
    return next(a for a in window().screen.areas if a.type == "VIEW_3D")


def region(kind: str = "WINDOW") -> Any:
    return next(r for r in area().regions if r.type == kind)


def override() -> Any:
    """The context of the 3D view."""
    return bpy.context.temp_override(window=window(), screen=window().screen, area=area(), region=region())


def press(kind: str, value: str = "PRESS", at: tuple[float, float] | None = None, /, **modifiers: bool) -> None:
    """An event; ``at`` in window pixels, y up."""
    place = at or press.at
    press.at = place  # type: ignore[attr-defined]
    window().event_simulate(type=kind, value=value, x=round(place[0]), y=round(place[1]), **modifiers)


press.at = (400.0, 300.0)  # type: ignore[attr-defined]


def click(at: tuple[float, float], **modifiers: bool) -> Iterator[Pause]:
    """Moves the mouse there and clicks."""
    press("MOUSEMOVE", "NOTHING", at)
    yield 0.3
    press("LEFTMOUSE", "PRESS", at, **modifiers)
    yield 0.1
    press("LEFTMOUSE", "RELEASE", at, **modifiers)
    yield 0.5


def drag(start: tuple[float, float], end: tuple[float, float]) -> Iterator[Pause]:
    """Drags with the left button."""
    press("MOUSEMOVE", "NOTHING", start)
    yield 0.3
    press("LEFTMOUSE", "PRESS", start)
    yield 0.1
    for share in (0.1, 0.4, 0.7, 1.0):
        press("MOUSEMOVE", "NOTHING", tuple(a + share * (b - a) for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]
        yield 0.15
    press("LEFTMOUSE", "RELEASE", end)
    yield 0.5


def key(kind: str, **modifiers: bool) -> Iterator[Pause]:
    """Presses a key with the mouse over the 3D view."""
    middle = region()
    press("MOUSEMOVE", "NOTHING", (middle.x + middle.width * 0.5, middle.y + 30))
    yield 0.2
    press(kind, "PRESS", **modifiers)
    yield 0.1
    press(kind, "RELEASE")
    yield 0.8


def picture(name: str) -> Iterator[Pause]:
    """Takes a picture of the screen once everything is drawn."""
    for item in window().screen.areas:
        item.tag_redraw()
    yield 1.5
    report["pictures"] += 1
    path = OUT / f"{report['pictures']:02d}_{name}.png"
    # Blender's own screenshots are black on a virtual screen. Blender's libraries are not for other programs.
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("LD_", "PYTHON"))}
    subprocess.run(["import", "-window", "root", str(path)], check=True, env=variables)


# ------------------------------------------------------------------------------------------------------ the scene


def splat() -> Any:
    """The imported splat object."""
    return next(o for o in bpy.data.objects if part("bridge.splats").is_splat(o) and not o.splatcut.result_of)  # type: ignore[attr-defined]


def results() -> dict[str, Any]:
    """What was cut out, by name ("" the background)."""
    return {o.splatcut.result_name: o for o in bpy.data.objects if o.splatcut.result_of}  # type: ignore[attr-defined]


def look_from(name: str, closer: float = 1.0) -> None:
    """Puts the viewport where a photo was taken."""
    entry = next(e for e in json.loads((SCENE / "cameras.json").read_text()) if e["img_name"] == name)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = entry["rotation"], entry["position"]
    world = splat().matrix_world @ Matrix((pose @ np.diag([1.0, -1, -1, 1])).tolist())
    data = area().spaces.active.region_3d
    data.view_perspective = "PERSP"
    data.view_rotation = world.to_quaternion()
    distance = 3.6 * closer
    data.view_distance = distance
    data.view_location = world.translation - world.to_quaternion() @ Vector((0, 0, 3.6))
    area().spaces.active.lens = 45
    area().spaces.active.clip_start = 0.01


def on_screen(pixel: tuple[float, float]) -> tuple[float, float]:
    """Where in the window the surface is that a pixel of the photo shows."""
    entry = next(e for e in json.loads((SCENE / "cameras.json").read_text()) if e["img_name"] == VIEW)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = entry["rotation"], entry["position"]
    camera = part("core.camera").Pinhole(
        *(entry[k] for k in ("width", "height", "fx", "fy", "cx", "cy")), np.linalg.inv(pose)
    )
    hit = part("core.picking").pick(part("bridge.splats").arrays(splat()), camera, *pixel)
    check(hit is not None, f"There is nothing at pixel {pixel}.")
    place = splat().matrix_world @ Vector(hit[0].tolist())
    main = region()
    found = view3d_utils.location_3d_to_region_2d(main, area().spaces.active.region_3d, place)
    return main.x + found.x, main.y + found.y


def preview_is_ready() -> bool:
    """Whether the last prompts have their full preview."""
    found = part("bridge.state").preview.get(splat().splatcut.uid)
    return found is not None and not found.stale and not found.first


def counts() -> str:
    found = part("bridge.state").preview[splat().splatcut.uid]
    return f"{found.counts} in {found.seconds:.1f} s"


def said(text: str) -> None:
    """A remark for the report."""
    report["steps"][-1]["said"] = text


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
    yield (preview_is_ready, 300)
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
    yield (preview_is_ready, 300)
    said(counts())
    yield from picture("corrected")


def undo_and_redo() -> Iterator[Pause]:
    """Ctrl-Z takes the last click back, with its preview; Ctrl-Shift-Z brings it again."""
    before = len(splat().splatcut.objects[0].prompts)
    yield from key("Z", ctrl=True)
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before - 1, 20)
    yield from key("Z", ctrl=True, shift=True)
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before, 20)
    yield (preview_is_ready, 300)
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
    yield (preview_is_ready, 300)
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
    yield (lambda: state.job is None or (state.job.fraction or 0) > 0.3, 600)
    check(state.job is not None, f"The run ended early: {state.message}")
    yield from picture("progress")
    seen: list[float] = []

    def ended() -> bool:
        if state.job is not None and state.job.fraction is not None:
            seen.append(state.job.fraction)
        return state.job is None

    yield (ended, 1500)
    check(seen == sorted(seen), "The progress went back.")
    check(set(results()) == {"teapot", "pear", ""}, f"The results are {sorted(results())}: {state.message}")
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
    yield 1.0
    check(not splat().hide_get(), "The splat is still hidden.")
    splat().splatcut.active_object = 0
    before = len(splat().splatcut.objects[0].prompts)
    yield from click(on_screen((103, 35)))
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before + 1, 20)
    yield (preview_is_ready, 300)
    said(counts())
    yield from picture("again")
    yield from key("Z", ctrl=True)
    yield (lambda: len(splat().splatcut.objects[0].prompts) == before, 20)


def render() -> Iterator[Pause]:
    """Sets the results up for Cycles and shows them rendered."""
    if part("bridge.splats").native():
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
