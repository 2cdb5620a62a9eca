#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# Blender 4.5 (bpy 4.5.15), wm.ply_import: positions that a PLY holds as doubles are rounded to float32 without a word,
# and the object's location stays 0. A georeferenced scene (northing 5,411,932.68 m) is off by up to a quarter of a metre,
# and wm.ply_export writes the rounded numbers as floats. Python 3.11 is needed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q bpy==4.5.15 numpy==1.26.4
cd "$folder"
venv/bin/python - <<'PYTHON'
import bpy
import numpy as np

rows = np.zeros(500, [(name, "<f8") for name in "xyz"])
places = np.random.default_rng(0).uniform(-1, 1, (500, 3)) + (448262.37, 5411932.68, 116.0)
for axis, name in enumerate("xyz"):
    rows[name] = places[:, axis]
header = ["ply", "format binary_little_endian 1.0", "element vertex 500", *(f"property double {n}" for n in "xyz"),
          "end_header", ""]
with open("a.ply", "wb") as file:
    file.write("\n".join(header).encode() + rows.tobytes())
bpy.ops.wm.read_factory_settings(use_empty=True)
result = bpy.ops.wm.ply_import(filepath="a.ply")
thing = bpy.data.objects[0]
found = np.empty(1500, np.float32)
thing.data.vertices.foreach_get("co", found)
error = float(np.abs(found.reshape(-1, 3) - places).max())
bpy.ops.wm.ply_export(filepath="b.ply")
with open("b.ply", "rb") as file:
    lines = file.read().split(b"end_header")[0].decode().splitlines()
print("Blender", bpy.app.version_string, result, "largest error", error, "location", tuple(thing.location))
assert result == {"FINISHED"} and 0.2 < error <= 0.25, error
assert tuple(thing.location) == (0, 0, 0)
assert "property float x" in lines, lines
PYTHON
