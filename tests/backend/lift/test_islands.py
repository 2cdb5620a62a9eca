# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Islands: what goes back to the background and what stays."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splatcut.lift import Labelled, find_labels
from splatcut.lift import islands as module
from splatcut.lift.islands import Islands
from splatcut.progress import Quiet
from splatcut.scene.gaussians import Gaussians


def make(means: np.ndarray, scale: float = 0.01, logit: float = 2.0) -> Gaussians:
    count = means.shape[0]
    quats = np.zeros((count, 4), dtype=np.float32)
    quats[:, 0] = 1.0
    return Gaussians(
        means.astype(np.float32),
        np.full((count, 3), np.log(scale), dtype=np.float32),
        quats,
        np.full(count, logit, dtype=np.float32),
        np.random.default_rng(0).normal(size=(count, 4, 3)).astype(np.float32),
    )


def ball(count: int, centre: tuple[float, float, float], radius: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    return np.asarray(centre) + radius * direction * rng.random((count, 1)) ** (1 / 3)


def islands(gaussians: Gaussians, labels: np.ndarray, weight: np.ndarray, keep: bool = False) -> Islands:
    """Islands where the masks support nothing for sure."""
    return module.islands(gaussians, labels, weight, np.zeros(len(labels), bool), keep=keep)


def labelled(gaussians: Gaussians, probability: np.ndarray, views: np.ndarray) -> Labelled:
    """One object's probabilities [N]; every Gaussian is well seen, by so many views [N]."""
    count = len(gaussians)
    p, none = probability.astype(np.float32)[:, None], np.zeros((count, 1), np.float32)
    return Labelled(gaussians, np.zeros(count, bool), p, np.full(count, 50, np.float32), views, none, (0,))


def test_a_far_speck_goes_back_and_is_listed() -> None:
    body, speck, other = ball(2000, (0, 0, 0), 1), ball(5, (6, 0, 0), 0.05, 1), ball(400, (0, 8, 0), 0.5, 2)
    gaussians = make(np.concatenate([body, speck, other]))
    labels = np.repeat(np.array([1, 1, 2], dtype=np.int32), [2000, 5, 400])
    result = islands(gaussians, labels, np.ones(2405))
    assert result.labels.tolist() == [1] * 2000 + [0] * 5 + [2] * 400
    assert len(result.found) == 1
    island = result.found[0]
    assert (island.object, island.count, island.removed) == (1, 5, True)
    assert island.share == pytest.approx(5 / 2005)
    np.testing.assert_allclose(island.centre, speck.mean(axis=0), atol=1e-5)
    # The input is not touched.
    assert labels[2000] == 1
    assert result.sent.tolist() == [0] * 2000 + [1] * 5 + [0] * 400
    assert not result.taken.any()
    again = Islands.from_arrays(*result.arrays())
    assert again.found == result.found
    for name in ("labels", "sent", "taken"):
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))
    assert result.told(["cup", "ball"]) == [
        "Small parts of 'cup' that stand apart from it went to the background: 5 Gaussians, 0.2% of what is seen of "
        "it. report.json and labels.npz list them; --keep-islands (in Blender: Keep stray parts) keeps them."
    ]


def test_kept_islands_are_listed_and_stay() -> None:
    gaussians = make(np.concatenate([ball(2000, (0, 0, 0), 1), ball(5, (6, 0, 0), 0.05, 1)]))
    result = islands(gaussians, np.ones(2005, np.int32), np.ones(2005), keep=True)
    assert result.labels.tolist() == [1] * 2005
    assert not result.sent.any()
    assert [(island.count, island.removed) for island in result.found] == [(5, False)]
    assert result.told(["cup"]) == []


def test_a_large_part_that_stands_apart_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    gaussians = make(np.concatenate([ball(1000, (0, 0, 0), 1), ball(300, (6, 0, 0), 0.5, 1)]))
    result = islands(gaussians, np.ones(1300, dtype=np.int32), np.ones(1300))
    assert (result.labels == 1).all()
    assert [island.removed for island in result.found] == [False]
    assert result.found[0].share == pytest.approx(300 / 1300)
    monkeypatch.setattr(module, "SHARE", 0.5)
    assert islands(gaussians, np.ones(1300, dtype=np.int32), np.ones(1300)).labels.sum() == 1000


def test_weight_decides_not_the_number() -> None:
    gaussians = make(np.concatenate([ball(1000, (0, 0, 0), 1), ball(50, (6, 0, 0), 0.2, 1)]))
    labels = np.ones(1050, dtype=np.int32)
    faint, heavy = np.ones(1050), np.ones(1050)
    faint[1000:] = 1e-3
    heavy[1000:] = 100.0
    assert islands(gaussians, labels, faint).labels.sum() == 1000
    # Now the small ball is the object's largest part, and the thousand are the island, too heavy to be removed.
    result = islands(gaussians, labels, heavy)
    assert (result.labels == 1).all()
    assert result.found[0].count == 1000


@pytest.mark.parametrize("jitter", [0.0, 1e-6, 0.01])
def test_clones_in_place_tear_no_hole_into_a_smooth_ball(jitter: float) -> None:
    """Clones of one Gaussian are each other's nearest neighbours; each group is apart in a graph of the 8 nearest."""
    rng = np.random.default_rng(4)
    surface = rng.normal(size=(600, 3))
    surface /= np.linalg.norm(surface, axis=1, keepdims=True)
    copies = np.where(np.arange(600) % 3 == 0, 12, 1)
    means = np.repeat(surface, copies, axis=0)
    means = means + jitter * rng.normal(size=means.shape)
    near = np.argsort(np.linalg.norm(means[:36, None] - means, axis=2), axis=1)[:12, 1:9]
    assert (near < 12).all()
    # A speck that stands apart is an island all the same.
    gaussians = make(np.concatenate([means, ball(4, (3, 0, 0), 0.05)]), scale=0.07)
    result = islands(gaussians, np.ones(len(gaussians), np.int32), np.ones(len(gaussians)))
    assert [(island.count, island.removed) for island in result.found] == [(4, True)]
    assert result.sent.tolist() == [0] * len(means) + [1] * 4


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.floats(0.51, 1.0), st.integers(0, 6), st.booleans()), min_size=1, max_size=6
    ),
    st.integers(0, 99),
)
def test_what_the_masks_support_never_goes_to_the_background(
    specks: list[tuple[int, float, int, bool]], seed: int
) -> None:
    """Specks far from a ball, each of so many Gaussians of one probability, seen in so many views, or one of them."""
    means, probability, views = [ball(1500, (0, 0, 0), 1, seed)], [np.full(1500, 0.8)], [np.full(1500, 9)]
    for number, (count, p, seen, all_of_them) in enumerate(specks):
        means.append(ball(count, (10.0 * (number + 1), 0, 0), 0.05, seed))
        probability.append(np.full(count, p))
        views.append(np.where(all_of_them | (np.arange(count) == 0), seen, 0))
    p, v = np.concatenate(probability), np.concatenate(views).astype(np.int32)
    result = find_labels(labelled(make(np.concatenate(means)), p, v), Quiet())
    assert (result.labels[(p.astype(np.float32) > 0.9) & (v >= 3)] == 1).all()
    expected = [not (np.float32(p) > 0.9 and seen >= 3) for _, p, seen, _ in specks]
    first = 1500 + np.cumsum([0, *(count for count, *_ in specks[:-1])])
    assert (result.sent[first] == 1).tolist() == expected


def test_large_gaussians_touch_where_their_centres_are_far_apart() -> None:
    dense = ball(1000, (0, 0, 0), 0.1)
    sparse = np.stack([np.linspace(0.2, 3.0, 12), np.zeros(12), np.zeros(12)], axis=1)
    gaussians = make(np.concatenate([dense, sparse]))
    labels = np.ones(1012, dtype=np.int32)
    assert islands(gaussians, labels, np.ones(1012)).found[0].removed
    scales = gaussians.log_scales.copy()
    # Long along x only: they touch along the row, which is where the neighbours are.
    scales[1000:, 0] = np.log(0.15)
    long = Gaussians(gaussians.means, scales, gaussians.quats, gaussians.opacity_logits, gaussians.sh)
    assert islands(long, labels, np.ones(1012)).found == ()
    turned = gaussians.quats.copy()
    turned[1000:] = [np.sqrt(0.5), 0, 0, np.sqrt(0.5)]
    across = Gaussians(gaussians.means, scales, turned, gaussians.opacity_logits, gaussians.sh)
    assert islands(across, labels, np.ones(1012)).found[0].removed


@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_objects_of_few_gaussians_stay(count: int) -> None:
    gaussians = make(ball(count + 3, (0, 0, 0), 0.01))
    labels = np.zeros(count + 3, dtype=np.int32)
    labels[:count] = 1
    np.testing.assert_array_equal(islands(gaussians, labels, np.ones(count + 3)).labels, labels)


def test_an_object_never_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Three single Gaussians far apart: each is an island for the others, the first of the largest stays.
    gaussians = make(np.array([[0.0, 0, 0], [10, 0, 0], [0, 10, 0]]))
    for name, value in (("NEIGHBOURS", 1), ("REACH", 0.5), ("SHARE", 0.9)):
        monkeypatch.setattr(module, name, value)
    result = islands(gaussians, np.ones(3, dtype=np.int32), np.ones(3))
    assert result.labels.tolist() == [1, 0, 0]
    assert len(result.found) == 2


def test_two_hundred_thousand_gaussians_take_seconds() -> None:
    count = 200_000
    rng = np.random.default_rng(3)
    gaussians = make(rng.random((count, 3)))
    labels = (rng.random(count) < 0.5).astype(np.int32)
    begin = time.process_time()
    islands(gaussians, labels, np.ones(count))
    assert time.process_time() - begin < 10.0
