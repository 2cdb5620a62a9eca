#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# gaussforge 0.6.0, convert(..., "ply", "sog"): rotations are packed as they stand in the PLY, without normalising them.
# The quaternions of trained scenes have any length (3D Gaussian Splatting normalises them when it renders), so most of
# the Gaussians come out turned at random, without an error. With unit quaternions all is right; .splat, .spz and
# compressed PLY, which the same tool writes, are right in both cases.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q gaussforge==0.6.0 numpy==2.3.1 pillow==13.0.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import io
import json
import zipfile

import gaussforge
import numpy as np
from PIL import Image

COUNT = 256
names = ["x", "y", "z", *(f"f_dc_{i}" for i in range(3)), "opacity", *(f"scale_{i}" for i in range(3)),
         *(f"rot_{i}" for i in range(4))]
rng = np.random.default_rng(0)
unit = rng.normal(size=(COUNT, 4))
unit /= np.linalg.norm(unit, axis=1, keepdims=True)
tool = gaussforge.GaussForge()


def worst_angle(length):
    """Degrees by which rotations that were given with quaternions of this length are off, at worst and in the middle."""
    rows = np.zeros(COUNT, [(name, "<f4") for name in names])
    rows["x"] = np.arange(COUNT)  # tells the Gaussians apart: the format puts them in another order
    for i in range(4):
        rows[f"rot_{i}"] = length * unit[:, i]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {COUNT}"]
    header += [f"property float {name}" for name in names] + ["end_header", ""]
    packed = tool.convert("\n".join(header).encode() + rows.tobytes(), "ply", "sog")["data"]
    archive = zipfile.ZipFile(io.BytesIO(packed))
    meta = json.loads(archive.read("meta.json"))

    def image(name):
        pixels = Image.open(io.BytesIO(archive.read(name))).convert("RGBA")
        return np.asarray(pixels).reshape(-1, 4)[:COUNT].astype(np.float64)

    low, high = (image(name)[:, 0] for name in meta["means"]["files"])
    least, most = meta["means"]["mins"][0], meta["means"]["maxs"][0]
    logarithm = least + (low + 256 * high) / 65535 * (most - least)
    row = np.rint(np.sign(logarithm) * np.expm1(np.abs(logarithm))).astype(int)
    # The format: three components in R, G, B, times the root of 2 in [-1, 1]; A - 252 is the number of the largest.
    stored = image(meta["quats"]["files"][0])
    three = (stored[:, :3] / 255 - 0.5) * 2 / np.sqrt(2)
    largest = (stored[:, 3] - 252).astype(int)
    found = np.zeros((COUNT, 4))
    for g in range(COUNT):
        found[g, [i for i in range(4) if i != largest[g]]] = three[g]
        found[g, largest[g]] = np.sqrt(max(0.0, 1 - (three[g] ** 2).sum()))
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    cosine = np.abs((found * unit[row]).sum(axis=1)).clip(0, 1)
    angles = 2 * np.degrees(np.arccos(cosine))
    return round(float(angles.max()), 1), round(float(np.median(angles)), 1)


found = {length: worst_angle(length) for length in (1.0, 0.5, 3.0)}
print("gaussforge", tool.get_version(), "degrees off (worst, median) by the quaternions' length:", found)
assert found[1.0][0] < 2, found
assert found[0.5][1] > 10 and found[3.0][1] > 10, found
PYTHON
