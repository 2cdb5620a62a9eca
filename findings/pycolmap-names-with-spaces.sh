#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
# pycolmap 4.2.1: a reconstruction whose pictures have spaces in their names does not survive its own text files.
# write_text writes the names as they are, Reconstruction(folder) reads them up to the first space, without an error: two
# pictures end up with one name, that of no file. The binary files keep the names.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pycolmap==4.2.1 numpy==2.3.1
cd "$folder"
mkdir model binary text
printf '1 PINHOLE 100 80 50 50 50 40\n' > model/cameras.txt
printf '1 1 0 0 0 0 0 0 1 one.jpg\n\n2 1 0 0 0 1 0 0 1 two.jpg\n\n' > model/images.txt
: > model/points3D.txt
venv/bin/python - <<'PYTHON'
import pycolmap

model = pycolmap.Reconstruction("model")
names = {1: "garden 1.jpg", 2: "garden 2.jpg"}
for number, name in names.items():
    model.image(number).name = name
model.write_binary("binary")
model.write_text("text")
found = {kind: {number: image.name for number, image in pycolmap.Reconstruction(kind).images.items()}
         for kind in ("binary", "text")}
print("pycolmap", pycolmap.__version__, found)
assert found["binary"] == names, found
assert found["text"] == {1: "garden", 2: "garden"}, found
PYTHON
