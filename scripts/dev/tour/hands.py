# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hands and eyes of the tour: events, pictures, what is in the scene. Runs inside Blender (steps.py)."""

# pyright: reportMissingImports=false

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
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
    camera = part("core.cameras").Camera(
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
    found = part("bridge.state").preview(splat().splatcut.uid)
    return found is not None and not found.stale and not found.early


def counts() -> str:
    found = part("bridge.state").preview(splat().splatcut.uid)
    return f"{found.counts} in {found.seconds:.1f} s"


def said(text: str) -> None:
    """A remark for the report."""
    report["steps"][-1]["said"] = text
