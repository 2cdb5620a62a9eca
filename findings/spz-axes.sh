#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# gsply 0.4.6 and gaussforge 0.6.0 write .spz in the axes of the PLY that they were given (x right, y down, z forward).
# Niantic's specification says that the file's are x right, y up, z back (RUB), with an extension for other axes that
# neither writes. Readers that follow it, as Blender 5.3 and SplatCut do, find such a scene on its head and mirrored in
# depth. Nothing in the file tells the two kinds apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gaussforge==0.6.0 gsply==0.4.6 numpy==2.3.1 numba==0.68.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import gzip
import struct

import gaussforge
import gsply
import numpy as np

names = ["x", "y", "z", *(f"f_dc_{i}" for i in range(3)), "opacity", *(f"scale_{i}" for i in range(3)),
         *(f"rot_{i}" for i in range(4))]
rows = np.zeros(1, [(name, "<f4") for name in names])
rows["x"], rows["y"], rows["z"], rows["rot_0"] = 1.0, 2.0, 3.0, 1.0
header = ["ply", "format binary_little_endian 1.0", "element vertex 1"]
header += [f"property float {name}" for name in names] + ["end_header", ""]
plain = "\n".join(header).encode() + rows.tobytes()
with open("a.ply", "wb") as file:
    file.write(plain)


def position(packed):
    """The first Gaussian's position as it stands in an .spz of version 2 or 3."""
    data = gzip.decompress(packed)
    magic, version, count, degree, bits, flags, _ = struct.unpack("<IIIBBBB", data[:16])
    assert magic == 0x5053474E and version in (2, 3) and count == 1 and not flags & 2, (version, count, flags)
    values = [int.from_bytes(data[16 + 3 * i : 19 + 3 * i], "little", signed=True) / 2**bits for i in range(3)]
    return [round(value, 3) for value in values]


gsply.write_spz("a.spz", gsply.plyread("a.ply"))
with open("a.spz", "rb") as file:
    found = {f"gsply {gsply.__version__}": position(file.read())}
tool = gaussforge.GaussForge()
found[f"gaussforge {tool.get_version()}"] = position(tool.convert(plain, "ply", "spz")["data"])
print("of (1, 2, 3) in the PLY:", found, "by the specification: [1, -2, -3]")
assert all(value == [1.0, 2.0, 3.0] for value in found.values()), found
PYTHON
