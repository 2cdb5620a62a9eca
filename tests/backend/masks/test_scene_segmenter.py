# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The 2D model on the views of one scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from mask_scenes import ColourSegmenter, balls_on_floor, ring

from splatcut.lift.vote import Tally
from splatcut.masks.confidence import agreement
from splatcut.masks.scene_segmenter import SceneSegmenter
from splatcut.segmenter import EmbeddingCache


def test_rendered_votes_are_the_masks_that_were_counted(tmp_path: Path) -> None:
    scene = balls_on_floor((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0))
    model, views = SceneSegmenter(ColourSegmenter(), EmbeddingCache(tmp_path), scene.gaussians), ring(4)
    tally = Tally(len(scene.gaussians), 2)
    for view in views[1:]:
        masks = np.stack([scene.truth(view.camera, k) for k in (1, 2)]).astype(np.float32)
        tally.add(model.lift(view, masks), np.ones(2))
    for k, own in enumerate(model.votes(views[0], tally.features()), start=1):
        assert agreement(scene.truth(views[0].camera, k), own) > 0.85
