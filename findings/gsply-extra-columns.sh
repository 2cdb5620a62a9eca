#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# gsply 0.4.6, plyread: a binary PLY of Gaussians with one more vertex property that is no float32 (an object's number as
# int, a flag as uchar, a weight as double) is read without an error, and every number of every Gaussian but the first
# few is wrong: rows are taken to be as long as float32 properties alone would make them.
# PLY allows it; segmenters write such labels. With a float32 property more, all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gsply==0.4.6 numpy==2.3.1 numba==0.68.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import gsply
import numpy as np

rng = np.random.default_rng(0)
names = ["x", "y", "z", *(f"f_dc_{i}" for i in range(3)), "opacity", *(f"scale_{i}" for i in range(3)),
         *(f"rot_{i}" for i in range(4))]
outcome = {}
for kind, numpy_type in (("float", "<f4"), ("int", "<i4"), ("uchar", "u1"), ("double", "<f8")):
    rows = np.zeros(8, [(name, "<f4") for name in names] + [("label", numpy_type)])
    for name in names:
        rows[name] = rng.normal(size=8)
    header = ["ply", "format binary_little_endian 1.0", "element vertex 8"]
    header += [f"property float {name}" for name in names] + [f"property {kind} label", "end_header", ""]
    with open(f"{kind}.ply", "wb") as file:
        file.write("\n".join(header).encode() + rows.tobytes())
    means = gsply.plyread(f"{kind}.ply").means
    outcome[kind] = bool(np.array_equal(means, np.stack([rows["x"], rows["y"], rows["z"]], axis=1)))
print("gsply", gsply.__version__, "positions right with one more property of type:", outcome)
assert outcome == {"float": True, "int": False, "uchar": False, "double": False}, outcome
PYTHON
