#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# usd-core 26.11: a plain traversal of a stage does not come to what stands in instances, though it is drawn: of a splat
# that a layout places twice with instanceable references, as set-dressing tools do, none is found, without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q usd-core==26.11
cd "$folder"
venv/bin/python - <<'PYTHON'
from pxr import Usd, UsdGeom, UsdVol

asset = Usd.Stage.CreateNew("vase.usda")
asset.SetDefaultPrim(UsdGeom.Xform.Define(asset, "/Vase").GetPrim())
UsdVol.ParticleField3DGaussianSplat.Define(asset, "/Vase/Splat")
asset.Save()
layout = Usd.Stage.CreateInMemory()
for name in ("/Left", "/Right"):
    prim = UsdGeom.Xform.Define(layout, name).GetPrim()
    prim.GetReferences().AddReference("vase.usda")
    prim.SetInstanceable(True)
kind = "ParticleField3DGaussianSplat"
plain = [str(prim.GetPath()) for prim in layout.Traverse() if prim.GetTypeName() == kind]
proxies = [str(prim.GetPath()) for prim in layout.Traverse(Usd.TraverseInstanceProxies()) if prim.GetTypeName() == kind]
print("splats that a traversal finds:", plain, "| with instance proxies:", proxies)
assert plain == [], plain
assert proxies == ["/Left/Splat", "/Right/Splat"], proxies
PYTHON
