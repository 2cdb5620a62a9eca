# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Weights of the facts about an answer, fitted to the intersection over union of the answers taken."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from splatcut.masks.lone_click import TIE, choose

Floats = NDArray[np.float64]

#: Strength of the pull of all weights towards 0, in units of the facts' standard deviations.
PULL = 0.02


def fit_weights(facts: Floats, scores: Floats) -> Floats:
    """[F] weights that maximise the mean expected score, where answers are taken with the softmax of their sums.

    Args:
        facts: [clicks, answers, F]; scores: [clicks, answers], intersections over union.
    """
    spread = facts.reshape(-1, facts.shape[-1]).std(axis=0) + 1e-9
    scaled = facts / spread

    def loss(weights: Floats) -> tuple[float, Floats]:
        sums = scaled @ weights
        chance = np.exp(sums - sums.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        expected = (chance * scores).sum(axis=1)
        slope = np.einsum("ca,caf->f", chance * (scores - expected[:, None]), scaled) / len(scores)
        return float(-expected.mean() + PULL * weights @ weights), -slope + 2 * PULL * weights

    return minimize(loss, np.zeros(facts.shape[-1]), jac=True).x / spread


def taken(facts: Floats, scores: Floats, areas: Floats, weights: Floats, tie: float = TIE) -> Floats:
    """[clicks] scores of the answers, with areas [clicks, answers], that are chosen."""
    each = zip(facts, scores, areas, strict=True)
    return np.array([mine[choose(fact, area, weights, tie)] for fact, mine, area in each])
