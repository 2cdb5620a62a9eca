#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# gaussforge 0.6.0, convert(..., "ply", "compressed.ply"): the view-dependent colours are written in another order than
# the format's. A PLY, compressed or not, has all coefficients of red in f_rest_0 on, then green's, then blue's; written
# are red, green and blue of the first coefficient, then of the second. The library's own reader takes the right order,
# so that its own way there and back mixes them up. Without harmonics of a degree above 0 nothing shows.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gaussforge==0.6.0 gsply==0.4.6 numpy==2.3.1 numba==0.68.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import gaussforge
import gsply
import numpy as np

names = ["x", "y", "z", *(f"f_dc_{i}" for i in range(3)), *(f"f_rest_{i}" for i in range(9)), "opacity",
         *(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
rows = np.zeros(300, [(name, "<f4") for name in names])
for number, name in enumerate(names):
    rows[name] = np.random.default_rng(number).normal(size=300)
rest = np.arange(9) / 10 - 0.4  # the same for all Gaussians, and apart from each other by more than 8 bits lose
for i in range(9):
    rows[f"f_rest_{i}"] = rest[i]
header = ["ply", "format binary_little_endian 1.0", "element vertex 300"]
header += [f"property float {name}" for name in names] + ["end_header", ""]
plain = "\n".join(header).encode() + rows.tobytes()
tool = gaussforge.GaussForge()
packed = tool.convert(plain, "ply", "compressed.ply")["data"]
with open("by_gsply.ply", "wb") as file:
    file.write(packed)
with open("by_itself.ply", "wb") as file:
    file.write(tool.convert(packed, "compressed.ply", "ply")["data"])
for reader in ("by_gsply", "by_itself"):
    found = gsply.plyread(f"{reader}.ply").shN[0]
    written = found.T.ravel()  # f_rest_0, f_rest_1, ...
    order = [int(np.abs(rest - value).argmin()) for value in written]
    print("gaussforge", tool.get_version(), f"{reader}: f_rest_0 to f_rest_8 hold what was f_rest_", order)
    assert order == [0, 3, 6, 1, 4, 7, 2, 5, 8], order
PYTHON
