#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# Blender 4.5 (bpy 4.5.15), wm.ply_import with import_attributes: vertex properties of integers become attributes of
# float32. Numbers above 2^24 change without a word (a uint label of 16,777,217 comes back as 16,777,216), those from 2^31
# on become negative (3,000,000,000 is -1,294,967,296), and wm.ply_export writes "property float". A property that is called id never arrives. Python 3.11 is needed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q bpy==4.5.15 numpy==1.26.4
cd "$folder"
venv/bin/python - <<'PYTHON'
import bpy
import numpy as np

rows = np.zeros(3, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("label", "<u4"), ("id", "<u4")])
rows["label"] = 7, 16777217, 3000000000
header = ["ply", "format binary_little_endian 1.0", "element vertex 3", *(f"property float {n}" for n in "xyz"),
          "property uint label", "property uint id", "end_header", ""]
with open("a.ply", "wb") as file:
    file.write("\n".join(header).encode() + rows.tobytes())
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.wm.ply_import(filepath="a.ply", import_attributes=True)
mesh = bpy.data.objects[0].data
found = {name: mesh.attributes[name].data_type for name in ("label", "id") if name in mesh.attributes}
values = [int(item.value) for item in mesh.attributes["label"].data]
bpy.ops.wm.ply_export(filepath="b.ply", export_attributes=True)
with open("b.ply", "rb") as file:
    lines = file.read().split(b"end_header")[0].decode().splitlines()
print("Blender", bpy.app.version_string, found, values, [line for line in lines if line.endswith((" id", " label"))])
assert found == {"label": "FLOAT"}, found
assert values == [7, 16777216, -1294967296], values
assert "property float label" in lines and not any(line.endswith(" id") for line in lines), lines
PYTHON
