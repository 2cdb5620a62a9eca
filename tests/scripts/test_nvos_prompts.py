# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scribbles of the NVOS benchmark become prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from bench import nvos_prompts
from splatcut.evaluation.nvos import NvosScene
from splatcut.messages import ScribblePrompt, load_prompts


def test_strokes_are_brought_to_the_photos_size(tmp_path: Path) -> None:
    strokes = tmp_path / "scribbles" / "fern"
    strokes.mkdir(parents=True)
    for name, columns in (("pos_0_fern", slice(0, 5)), ("neg_0_fern", slice(0, 10))):
        mask = np.zeros((60, 80), np.uint8)
        mask[5:25, columns] = 255
        Image.fromarray(mask).save(strokes / f"{name}.png")
    (tmp_path / "reference_image" / "fern").mkdir(parents=True)
    (tmp_path / "reference_image" / "fern" / "IMG_3.JPG").touch()
    scene = NvosScene("fern", "IMG_7", tmp_path / "mask.png", tmp_path)
    view = nvos_prompts.reference_view(scene)
    assert view == "IMG_3"
    (item,) = load_prompts(nvos_prompts.write_prompts(scene, (40, 30), tmp_path / "out", view))
    (prompt,) = item.prompts
    assert isinstance(prompt, ScribblePrompt)
    assert (item.name, prompt.view) == ("fern", "IMG_3")
    pixels = np.asarray(Image.open(prompt.file))
    assert pixels.shape == (30, 40, 3)
    # What lies on the object is drawn last.
    assert [pixels[5, x].tolist() for x in (1, 4, 5)] == [[0, 255, 0], [255, 0, 0], [0, 0, 0]]
