#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# Blender 5.3 (bpy 5.3.0), Cycles: a sheet of opaque blue splats shows through a sheet of opaque red ones before it, once
# the splats are so large that the camera is within three standard deviations of both. Python 3.13 is needed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.13 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q bpy==5.3.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import bpy
import numpy as np


def cloud(name, values):
    """Splats as Blender's own importer makes them, from attributes by name."""
    data = bpy.data.pointclouds.new(name)
    data.resize(len(values["position"]))
    data.type = "GAUSSIAN_SPLAT"
    kinds = {"rotation": ("QUATERNION", "value"), "radiance:base": ("FLOAT4", "vector")}
    for key, numbers in values.items():
        kind, field = kinds.get(key, ("FLOAT_VECTOR", "vector"))
        made = data.attributes.get(key) or data.attributes.new(key, kind, "POINT")
        made.data.foreach_set(field, np.array(numbers, np.float32).ravel())
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    return made


bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))  # at the origin, looks along -z
scene.collection.objects.link(scene.camera)
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 64, False
scene.render.resolution_x = scene.render.resolution_y = 16
scene.render.image_settings.file_format, scene.render.film_transparent = "PNG", True
scene.view_settings.view_transform = "Standard"
grid = [(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)]
blues = {}
for size in (1.0, 2.5):
    sheets = cloud("sheets", {
        "position": [(x, y, z) for z in (-4, -6) for x, y in grid],
        "scale": [(size, size, 0.01)] * 50,
        "rotation": [(1, 0, 0, 0)] * 50,
        "radiance:base": [(1.5, -1.5, -1.5, 1)] * 25 + [(-1.5, -1.5, 1.5, 1)] * 25,
    })
    scene.render.filepath = f"//{size}.png"
    bpy.ops.wm.save_as_mainfile(filepath="a.blend")
    bpy.ops.render.render(write_still=True)
    bpy.data.objects.remove(sheets)
    image = bpy.data.images.load(f"{size}.png")
    image.colorspace_settings.name = "Non-Color"
    middle = np.array(image.pixels[:]).reshape(16, 16, 4)[7:9, 7:9].mean(axis=(0, 1))
    blues[size] = round(float(middle[2]), 2)
print("Blender", bpy.app.version_string, "blue in the middle, by standard deviation:", blues)
assert blues[1.0] < 0.15 < 0.3 < blues[2.5], blues
PYTHON
