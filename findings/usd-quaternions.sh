#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# usd-core 26.11: a quaternion is written w, x, y, z in .usda text and made so (Gf.Quatf(w, x, y, z)), but numpy sees an
# array of them as x, y, z, w, both ways. A splat prim that says nothing about the degree of its harmonics has degree 3.
# Neither shows as an error: the rotations are wrong, or the harmonics of the wrong Gaussians are taken.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q usd-core==26.11 numpy==2.3.1
cd "$folder"
venv/bin/python - <<'PYTHON'
import numpy as np
from pxr import Gf, Usd, UsdVol, Vt

stage = Usd.Stage.CreateInMemory()
splat = UsdVol.ParticleField3DGaussianSplat.Define(stage, "/Splat")
splat.CreateOrientationsAttr(Vt.QuatfArray([Gf.Quatf(0.5, 0.1, 0.2, 0.3)]))
text = next(line.strip() for line in stage.ExportToString().splitlines() if "orientations" in line)
seen = [round(float(value), 3) for value in np.asarray(splat.GetOrientationsAttr().Get())[0]]
back = Vt.QuatfArray.FromNumpy(np.array([[0.5, 0.1, 0.2, 0.3]], np.float32))[0].GetReal()
degree = splat.GetRadianceSphericalHarmonicsDegreeAttr().Get()
print(text, "| numpy sees", seen, "| w of an array (0.5, 0.1, 0.2, 0.3):", round(back, 3), "| degree that is not set:", degree)
assert "(0.5, 0.1, 0.2, 0.3)" in text, text
assert seen == [0.1, 0.2, 0.3, 0.5], seen
assert abs(back - 0.3) < 1e-6 and degree == 3, (back, degree)
PYTHON
