#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# Blender 5.3 (bpy 5.3.0): Apply Transform moves the points of its own Gaussian splats and leaves their rotations, scales
# and view-dependent colours as they were, without a word; and ply_export writes "element vertex 0" for such an object and
# reports success. Python 3.13 is needed.
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
rng = np.random.default_rng(0)
before = {
    "position": rng.normal(size=(4, 3)),
    "scale": np.full((4, 3), 0.1),
    "rotation": np.tile([1.0, 0, 0, 0], (4, 1)),
    "radiance:base": np.full((4, 4), 0.9),
    "radiance:sh_0": rng.normal(size=(4, 3)),
}
splats = cloud("splats", before)
splats.select_set(True)
bpy.context.view_layer.objects.active = splats
splats.rotation_euler, splats.scale = (0, 0, np.pi / 2), (2, 2, 2)
bpy.context.view_layer.update()
print("Blender", bpy.app.version_string, bpy.ops.object.transform_apply(location=True, rotation=True, scale=True))
follows = {}
for name, numbers in before.items():
    found = np.empty(numbers.size, np.float32)
    field = "value" if name == "rotation" else "vector"
    splats.data.attributes[name].data.foreach_get(field, found)
    follows[name] = not np.array_equal(found.reshape(numbers.shape), numbers.astype(np.float32))
print("changed by Apply Transform:", follows)
assert follows == {name: name == "position" for name in before}, follows
print(bpy.ops.wm.ply_export(filepath="splats.ply"))
with open("splats.ply", "rb") as file:
    header = file.read().split(b"end_header")[0].decode()
print([line for line in header.splitlines() if line.startswith("element")])
assert "element vertex 0" in header, header
PYTHON
