# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds and path-traces the demo scene: photos, exact object masks, cameras and surface points.

Needs Blender as a Python module, in an environment of its own:

    python3 scripts/set_up.py bpy45
    .venv-bpy45/bin/python scripts/dev/demo_scene/render.py --out demo
    .venv-bpy45/bin/python scripts/dev/demo_scene/render.py --out demo --plates build/demo_scene/plates

About half an hour on two cores. Finished pictures are kept: an interrupted run goes on where it stopped.

Writes under --out: images/<view>.jpg, masks/<object>/<view>.png (share of the pixel that the object covers, as seen,
0..255), alone/<object>/<view>.png (the same with everything else removed; test views), cameras.json, splits.json; and
under --work (build/demo_scene): points.npz (points on the surfaces: position, normal, colour, label).

With --plates it writes only what the photos would show without an object (plates.py).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import bpy
import capture
import model
import numpy as np
import plates
import surface_points
from capture import Shot
from mathutils import Matrix
from PIL import Image


def set_up_camera() -> None:
    """Adds the camera with the capture's intrinsics and the settings common to all renders."""
    scene = bpy.context.scene
    data = bpy.data.cameras.new("camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
    data.lens = 36.0 * capture.FOCAL / capture.WIDTH
    data.clip_start, data.clip_end = 0.05, 100.0
    camera = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y = capture.WIDTH, capture.HEIGHT
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.cycles.device = "CPU"
    scene.cycles.seed = 1
    scene.render.use_persistent_data = True


def aim(shot: Shot) -> None:
    """Moves the camera to the shot's pose (Blender's cameras look along -z with y up)."""
    flip = np.diag([1.0, -1.0, -1.0, 1.0])
    bpy.context.scene.camera.matrix_world = Matrix((shot.world_from_camera @ flip).tolist())


def rendered(path: Path) -> np.ndarray:
    """Renders to a PNG, reads it and deletes it. Returns [H, W, 3] uint8."""
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    path.unlink()
    return pixels


def photo_settings(samples: int) -> None:
    """Full light transport, denoised, display-referred sRGB."""
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.max_bounces, scene.cycles.diffuse_bounces = 4, 2
    scene.cycles.pixel_filter_type = "BLACKMAN_HARRIS"
    scene.cycles.filter_width = 1.5


def render_photos(shots: list[Shot], folder: Path, scratch: Path) -> None:
    """Renders those photos that are not there yet."""
    for shot in shots:
        target = folder / f"{shot.name}.jpg"
        if not target.exists():
            aim(shot)
            partial = target.with_suffix(".part")
            Image.fromarray(rendered(scratch)).save(partial, "JPEG", quality=92, subsampling=0)
            partial.replace(target)
            print(f"photo {shot.name}", flush=True)


def mask_settings(samples: int) -> None:
    """No light: every object glows in its own colour, values are written as they are, pixels are area averages."""
    scene = bpy.context.scene
    glow = bpy.data.materials.new("glow")
    glow.use_nodes = True
    tree = glow.node_tree
    tree.nodes.clear()
    colour = tree.nodes.new("ShaderNodeObjectInfo")
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(colour.outputs["Color"], emission.inputs[0])
    tree.links.new(emission.outputs[0], output.inputs[0])
    bpy.context.view_layer.material_override = glow
    scene.view_settings.view_transform = "Raw"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 0
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.filter_width = 1.0
    scene.render.dither_intensity = 0.0
    scene.world.node_tree.nodes["Background"].inputs[1].default_value = 0.0
    for name in ("key", "rim"):
        bpy.data.objects[name].hide_render = True


def object_masks(names: list[str], scratch: Path) -> dict[str, np.ndarray]:
    """[H, W] uint8 coverage of each named object (three at a time, one a colour channel) from the current camera."""
    masks = {}
    for first in range(0, len(names), 3):
        group = names[first : first + 3]
        for thing in bpy.context.scene.objects:
            if thing.type == "MESH":
                thing.color = (*(float(name == thing.name) for name in (*group, "", "")[:3]), 1.0)
        pixels = rendered(scratch)
        masks |= {name: pixels[:, :, channel] for channel, name in enumerate(group)}
    return masks


def save_mask(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Builds and path-traces the demo scene.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--work", type=Path, default=Path("build/demo_scene"), help="folder for points.npz and scratch files"
    )
    parser.add_argument("--only", nargs="*", help="names of views (default: all)")
    parser.add_argument("--samples", type=int, default=14)
    parser.add_argument("--mask-samples", type=int, default=36)
    parser.add_argument("--plates", type=Path, help="write plates without each object to this folder, and nothing else")
    arguments = parser.parse_args()
    out: Path = arguments.out
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    (out / "images").mkdir(parents=True, exist_ok=True)
    scratch = work.resolve() / "scratch.png"

    all_shots = capture.shots()
    chosen = [shot for shot in all_shots if not arguments.only or shot.name in arguments.only]
    if arguments.plates:
        model.build()
        set_up_camera()
        photo_settings(arguments.samples)
        for name, hidden, shot, target in plates.missing(chosen, list(model.OBJECTS), arguments.plates):
            plates.render(hidden, shot, out / "masks", target, scratch)
            print(f"plate without {name}: {shot.name}", flush=True)
        return
    (out / "cameras.json").write_text(
        json.dumps([shot.entry(index) for index, shot in enumerate(all_shots)], indent=1) + "\n", encoding="utf-8"
    )
    splits = {
        "train": [shot.name for shot in all_shots if not shot.test],
        "test": [shot.name for shot in all_shots if shot.test],
    }
    (out / "splits.json").write_text(json.dumps(splits, indent=1) + "\n", encoding="utf-8")

    items = model.build()
    set_up_camera()
    photo_settings(arguments.samples)
    for test in (False, True):  # training can start as soon as its photos and points are there
        render_photos([shot for shot in chosen if shot.test is test], out / "images", scratch)
        if not test and not arguments.only:
            training = [shot for shot in all_shots if not shot.test]
            photos = {shot.name: np.asarray(Image.open(out / "images" / f"{shot.name}.jpg")) for shot in training}
            surface_points.sample(items, training, photos, work / "points.npz")

    mask_settings(arguments.mask_samples)
    for shot in chosen:
        if all((out / "masks" / name / f"{shot.name}.png").exists() for name in model.OBJECTS):
            continue
        aim(shot)
        for name, mask in object_masks(list(model.OBJECTS), scratch).items():
            save_mask(out / "masks" / name / f"{shot.name}.png", mask)
        print(f"masks {shot.name}", flush=True)
    for name in model.OBJECTS:
        for thing in bpy.context.scene.objects:
            thing.hide_render = thing.name != name
        for shot in chosen:
            target = out / "alone" / name / f"{shot.name}.png"
            if shot.test and not target.exists():
                aim(shot)
                save_mask(target, object_masks([name], scratch)[name])
        print(f"alone {name}", flush=True)


if __name__ == "__main__":
    main()
