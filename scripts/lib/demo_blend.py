# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the demo's result into a .blend and renders it. scripts/demo.py runs this in Blender as a Python module.

The scene with its prompts and views, the objects as the add-on places them after a run, the teapot taken out of the
scene, and everything set up for Cycles. Where the cut is healed, the healed background is shown, and the one as cut is
there as well, hidden.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "backend"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import blender_addon
import bpy
from blender_addon.bridge import healed, results, worker

from lib.batch import picture
from splatcut.messages.worker import RunResult

#: What is taken out of the scene, and where to: to the side and up, units.
MOVED, BY = "teapot", (-0.28, -0.16, 0.5)


def main(arguments: list[str]) -> None:
    """Writes the .blend and the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, required=True, help="the demo scene's folder")
    parser.add_argument("--cut", type=Path, required=True, help="folder that splatcut segment wrote")
    parser.add_argument("--blend", type=Path, required=True)
    parser.add_argument("--render", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--width", type=int, default=480)
    options = parser.parse_args(arguments)

    blender_addon.register()
    ops: Any = bpy.ops
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    ops.splatcut.import_splats(filepath=str(options.demo / "scene.ply"), axes="Z_UP")
    splats: Any = bpy.context.view_layer.objects.active
    settings = splats.splatcut
    settings.view_source = "DATASET"
    settings.cameras_path, settings.images_path = str(options.demo / "cameras.json"), str(options.demo / "images")
    ops.splatcut.prompts_load(filepath=str(options.demo / "prompts.json"))

    names = tuple(item.name for item in settings.objects)
    result = RunResult(
        out=options.cut,
        objects={name: path for name in names if (path := options.cut / "objects" / f"{name}.ply").is_file()},
        background=options.cut / "background.ply",
        counts={},
        warnings=(),
        report=options.cut / "report.json",
        healed=filled if (filled := options.cut / "healed" / "background.ply").is_file() else None,
    )
    collection = results.deliver(bpy.context, settings.uid, result, names, tuple(item.uid for item in settings.objects))
    made = {o.splatcut.result_name: o for o in bpy.data.objects if o.splatcut.result_of == settings.uid}  # type: ignore[attr-defined]
    if result.healed is not None:
        for name, called in ((healed.BACKGROUND, "Healed background"), ("", "Background as cut")):
            own = bpy.data.collections.new(called)
            collection.children.link(own)
            own.objects.link(made[name])
            collection.objects.unlink(made[name])
    made[MOVED].location = made[MOVED].location.__class__(BY)
    picture.set_up(splats, list(made.values()), "blender_addon", samples=options.samples)
    scene: Any = bpy.context.scene
    factor = options.width / scene.render.resolution_x
    scene.render.resolution_x = options.width
    scene.render.resolution_y = round(scene.render.resolution_y * factor)
    blend = options.blend.absolute()
    # The checkout may be moved.
    for name in ("cameras_path", "images_path"):
        setattr(settings, name, bpy.path.relpath(getattr(settings, name), start=str(blend.parent)))
    bpy.ops.wm.save_as_mainfile(filepath=str(blend), compress=True)
    picture.render(options.render.absolute())
    worker.close()


if __name__ == "__main__":
    code = 0
    try:
        main(sys.argv[1:])
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # some versions of the module do not end cleanly
