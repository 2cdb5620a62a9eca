# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The 2D model on the views of one scene (method: masks)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from splatcut import raster
from splatcut.cameras.pictures import WorkingView, picture
from splatcut.lift.vote import ViewSums, accumulate_view
from splatcut.masks.lone_click import candidates, choose_answer, nearness
from splatcut.masks.prompted import PixelPrompt
from splatcut.masks.self_prompts import RenderedVote, rendered_vote
from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians
from splatcut.segmenter import Embedding, EmbeddingCache, Prompt2D, Segmenter

if TYPE_CHECKING:
    from splatcut.raster.cpu import Prepared


@dataclass(frozen=True, eq=False)
class SceneSegmenter:
    """The 2D model on the views of one scene, which also knows their depth and the vote.

    Attributes:
        segmenter: the 2D model; cache: its embeddings on disk.
    """

    segmenter: Segmenter
    cache: EmbeddingCache
    gaussians: Gaussians
    device: raster.Device = "cpu"

    def embedding(self, view: WorkingView) -> Embedding:
        """The embedding of the view's photo or render."""
        image = picture(view, self.gaussians, self.device, self.prepared(view.view))
        return self.cache.encode(self.segmenter, image)

    def depth(self, view: View) -> tuple[F32, F32]:
        """``raster.mean_depth`` of a view: depth and transmittance, both [h, w]."""
        return raster.mean_depth(self.gaussians, view.camera, self.device, self.prepared(view))

    def mask(self, said: PixelPrompt, view: WorkingView) -> F32:
        """[h, w] float32 in [0, 1]: the mask for the prompts in one view."""
        if said.mask is not None:
            return said.mask.astype(np.float32) / np.float32(255)
        embedding = self.embedding(view)
        prompt = Prompt2D(said.points, said.labels, said.box)
        if not prompt.ambiguous:
            prediction = self.segmenter.predict(embedding, prompt)
            return prediction.probability(prediction.best)
        near = nearness(*self.depth(view.view))
        prediction, facts = candidates(self.segmenter, embedding, prompt.points[0], near, view.view.camera.fx)
        return prediction.probability(choose_answer(prediction, facts))

    def lift(self, view: View, masks: F32) -> ViewSums:
        """The sums of one view for masks [K, h, w] float32 in [0, 1]."""
        return accumulate_view(self.gaussians, view, masks, self.device, self.prepared(view))

    def votes(self, view: View, features: F32) -> list[RenderedVote]:
        """What a vote's ``features`` say about each object in a view."""
        made = self.prepared(view)
        drawn = raster.render(
            self.gaussians, view.camera, features=features, colour=False, device=self.device, prepared=made
        ).features
        kinds = features.shape[1] // 2
        return [rendered_vote(drawn[..., k], drawn[..., kinds + k]) for k in range(kinds)]

    def prepared(self, view: View) -> Prepared | None:
        """``raster.prepare`` of the view, where that is kept."""
        return None
