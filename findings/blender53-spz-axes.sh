#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# Blender 5.3 (bpy 5.3.0): the same scene comes in with other coordinates from a PLY and from an .spz. ply_import leaves the
# data as they are (a capture stands on its head), spz_import turns them upright, and neither turns the object: cameras of
# the capture fit one of the two. Python 3.13 is needed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.13 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q bpy==5.3.0 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import gzip
import struct

import bpy
import numpy as np

# One Gaussian at (1, 2, 3) of a 3DGS file, y down: as a PLY, and as an .spz, whose y points up and z back.
names = ["x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2"]
names += ["rot_0", "rot_1", "rot_2", "rot_3"]
row = np.array([1, 2, 3, 0, 0, 0, 2, -2, -2, -2, 1, 0, 0, 0], "<f4")
lines = ["ply", "format binary_little_endian 1.0", "element vertex 1", *(f"property float {n}" for n in names)]
with open("a.ply", "wb") as file:
    file.write("\n".join([*lines, "end_header", ""]).encode() + row.tobytes())
body = struct.pack("<4sIIBBBB", b"NGSP", 2, 1, 0, 12, 0, 0)
for value in (1, -2, -3):
    body += struct.pack("<i", value << 12)[:3]
body += bytes([225, 128, 128, 128, 128, 128, 128, 128, 128, 128])
with gzip.open("a.spz", "wb") as file:
    file.write(body)
places = {}
for kind, operator in (("ply", bpy.ops.wm.ply_import), ("spz", bpy.ops.wm.spz_import)):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    operator(filepath=f"a.{kind}")
    splats = bpy.data.objects[0]
    assert (splats.data.type, tuple(splats.rotation_euler)) == ("GAUSSIAN_SPLAT", (0, 0, 0))
    places[kind] = [round(v) for v in splats.data.points[0].co]
print("Blender", bpy.app.version_string, places)
assert places == {"ply": [1, 2, 3], "spz": [1, 3, -2]}, places
PYTHON
