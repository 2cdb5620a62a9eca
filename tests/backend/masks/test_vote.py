# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The running vote."""

from __future__ import annotations

import numpy as np
from mask_scenes import balls_on_floor, ring

from splatcut.lift.vote import ViewSums, accumulate_view
from splatcut.masks.confidence import agreement
from splatcut.masks.vote import Vote, rendered_votes

FIRST = ViewSums(
    np.array([0, 2], np.int32), np.array([4.0, 1.0], np.float32), np.array([[3.0, 0.0], [1.0, 0.5]], np.float32)
)
SECOND = ViewSums(np.array([0], np.int32), np.array([4.0], np.float32), np.array([[0.0, 4.0]], np.float32))


def test_votes_by_values():
    vote = Vote(3, 2)
    vote.add(FIRST, np.array([1.0, 0.5]))
    np.testing.assert_allclose(vote.features(), [[0.75, 0, 1, 1], [0, 0, 0, 0], [1, 0.5, 1, 1]], rtol=1e-6)
    vote.add(SECOND, np.array([1.0, 0.0]))
    np.testing.assert_allclose(vote.features()[0], [3 / 8, 0, 1, 1], rtol=1e-6)


def test_little_evidence_is_no_vote():
    vote = Vote(3, 2)
    vote.add(FIRST, np.array([0.25, 1.0]))  # Gaussian 2 and object 0: a quarter of a square pixel
    np.testing.assert_allclose(vote.features()[2], [0.0, 0.5, 0.0, 1.0], rtol=1e-6)


def test_without_a_view_is_as_if_it_had_never_voted():
    both, first = Vote(3, 2), Vote(3, 2)
    trust = np.array([0.7, 0.9])
    first.add(FIRST, trust)
    both.add(FIRST, trust)
    both.add(SECOND, trust)
    before = both.features()
    np.testing.assert_allclose(both.without(SECOND, trust), first.features(), atol=1e-6)
    np.testing.assert_allclose(both.features(), before, atol=1e-6)


def test_beliefs_are_the_masks_that_were_counted():
    scene = balls_on_floor((-0.5, 0.0, 0.0), (0.5, 0.0, 0.0))
    views = ring(4)
    vote = Vote(len(scene.gaussians), 2)
    for view in views[1:]:
        masks = np.stack([scene.truth(view.camera, k) for k in (1, 2)]).astype(np.float32)
        vote.add(accumulate_view(scene.gaussians, view, masks), np.ones(2))
    votes = rendered_votes(scene.gaussians, views[0], vote.features())
    for k, own in enumerate(votes, start=1):
        assert agreement(scene.truth(views[0].camera, k), own) > 0.85
