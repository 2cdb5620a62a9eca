# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The losses against values by hand, a plain structural similarity, and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from splatcut.refine.losses import EPSILON, alone_loss, mask_loss, photo_loss


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_mask_loss_by_hand() -> None:
    """Two objects; three pixels count: surely the first, half and half, surely background."""
    labels, masks = torch.zeros(1, 256, 2, dtype=torch.float64), torch.zeros(2, 1, 256, dtype=torch.float64)
    weight = torch.zeros(1, 256, dtype=torch.float64)
    labels[0, :3] = torch.tensor([[0.7, 0.2], [0.3, 0.6], [0.25, 0.5]])
    masks[:, 0, :3] = torch.tensor([[1.0, 0.5, 0.0], [0.0, 0.5, 0.0]])
    weight[0, :3] = torch.tensor([1.0, 2.0, 1.0])
    expected = (-math.log(0.7) - 2 * 0.5 * (math.log(0.3) + math.log(0.6)) - math.log(0.25)) / 4
    loss = mask_loss(labels, masks, weight)
    assert float(loss) == pytest.approx(expected, rel=1e-6)


def test_mask_loss_of_the_masks_themselves_is_the_least() -> None:
    masks = torch.rand(3, 2, 256, generator=torch.Generator().manual_seed(1)).double()
    masks = masks / masks.sum(dim=0).clamp(min=1)
    weight = torch.ones(2, 256).double()
    best = mask_loss(masks.permute(1, 2, 0), masks, weight)
    for seed in range(5):
        labels = (masks.permute(1, 2, 0) + 0.1 * (_random(2, 256, 3, seed=seed) - 0.5)).clamp(0, 1)
        labels = labels / labels.sum(dim=-1, keepdim=True).clamp(min=1)
        assert mask_loss(labels, masks, weight) > best


def test_wrong_certainty_costs_the_most_there_is() -> None:
    """A label of 0 where the mask is sure costs -log EPSILON and not infinity."""
    labels, masks = torch.zeros(1, 256, 1), torch.ones(1, 1, 256)
    weight = torch.ones(1, 256)
    assert float(mask_loss(labels, masks, weight)) == pytest.approx(-math.log(EPSILON), rel=1e-4)
    assert float(mask_loss(1 - labels, 1 - masks, weight)) == pytest.approx(-math.log(EPSILON), rel=1e-4)
    assert float(alone_loss(labels[..., 0], masks[0], weight)) == pytest.approx(-math.log(EPSILON), rel=1e-3)
    assert float(alone_loss(masks[0], labels[..., 0], weight)) == pytest.approx(-math.log(EPSILON), rel=1e-3)


def test_alone_loss_by_hand() -> None:
    coverage, mask, weight = (torch.zeros(1, 256, dtype=torch.float64) for _ in range(3))
    coverage[0, :3] = torch.tensor([0.8, 0.3, 0.5])
    mask[0, :3] = torch.tensor([1.0, 0.0, 0.25])
    weight[0, :3] = torch.tensor([1.0, 0.5, 2.0])
    expected = (-math.log(0.8) - 0.5 * math.log(0.7) - 2 * math.log(0.5)) / 3.5
    assert float(alone_loss(coverage, mask, weight)) == pytest.approx(expected, rel=1e-6)


def test_the_best_coverage_is_the_masks_value() -> None:
    for value in (0.25, 0.75):
        target, one = torch.tensor([[value]]), torch.ones(1, 1)
        candidates = [float(alone_loss(torch.tensor([[c / 20]]), target, one)) for c in range(1, 20)]
        assert 1 + int(np.argmin(candidates)) == 20 * value


def test_pixels_without_weight_do_not_matter() -> None:
    weight = (torch.arange(512).reshape(2, 256) % 3 > 0).double()
    for seed in range(2):
        labels, masks = 0.3 * _random(2, 256, 2), 0.4 * _random(2, 2, 256, seed=1)
        other = torch.where(weight[..., None] > 0, labels, _random(2, 256, 2, seed=seed + 2))
        assert mask_loss(labels, masks, weight) == mask_loss(other, masks, weight)
        assert alone_loss(labels[..., 0], masks[0], weight) == alone_loss(other[..., 0], masks[0], weight)


def test_no_pixels_cost_nothing() -> None:
    none = torch.zeros(1, 256)
    assert float(mask_loss(_random(1, 256, 1).float(), torch.ones(1, 1, 256), none)) == 0
    assert float(alone_loss(torch.full((1, 256), 0.3), torch.ones(1, 256), none)) == 0


def _similarity(x: np.ndarray, y: np.ndarray) -> float:
    """Mean structural similarity over the 7x7 windows inside the 16x16 tiles [T, 16, 16, 3], window by window."""
    values = []
    for tile in range(len(x)):
        for channel in range(3):
            for top in range(10):
                for left in range(10):
                    a = x[tile, top : top + 7, left : left + 7, channel]
                    b = y[tile, top : top + 7, left : left + 7, channel]
                    covariance = ((a - a.mean()) * (b - b.mean())).mean()
                    values.append(
                        (2 * a.mean() * b.mean() + 0.01**2) * (2 * covariance + 0.03**2)
                        / ((a.mean() ** 2 + b.mean() ** 2 + 0.01**2) * (a.var() + b.var() + 0.03**2))
                    )  # fmt: skip
    return float(np.mean(values))


def test_photo_loss_is_l1_and_structural_similarity() -> None:
    image, photo, weight = _random(2, 256, 3), _random(2, 256, 3, seed=1), torch.ones(2, 256).double()
    shape = (2, 16, 16, 3)
    likeness = _similarity(image.numpy().reshape(shape), photo.numpy().reshape(shape))
    expected = 0.8 * float((image - photo).abs().mean()) + 0.2 * (1 - likeness)
    assert float(photo_loss(image, photo, weight)) == pytest.approx(expected, rel=1e-6)


def test_photo_loss_of_a_constant_shift_by_hand() -> None:
    """Flat tiles of 0.5 and 0.7: L1 0.2; similarity (2 * 0.35 + c1) / (0.25 + 0.49 + c1), no variance."""
    flat, weight = torch.full((1, 256, 3), 0.5, dtype=torch.float64), torch.ones(1, 256).double()
    likeness = (0.7 + 1e-4) / (0.74 + 1e-4)
    assert float(photo_loss(flat, flat + 0.2, weight)) == pytest.approx(0.8 * 0.2 + 0.2 * (1 - likeness), rel=1e-9)
    assert float(photo_loss(flat, flat, weight)) == pytest.approx(0.0, abs=1e-12)


def test_what_lies_outside_the_image_does_not_matter_to_the_photo_loss() -> None:
    """The lower 5 of 16 rows are outside: black in both images of the similarity, and left out of the difference."""
    inside = torch.ones(1, 16, 16, dtype=torch.float64)
    inside[0, 11:] = 0
    inside = inside.reshape(1, 256)
    image, photo = _random(1, 256, 3), _random(1, 256, 3, seed=1)
    other = torch.where(inside[..., None] > 0, image, _random(1, 256, 3, seed=2))
    assert photo_loss(image, photo, inside) == photo_loss(other, photo, inside)
    black = [(some * inside[..., None]).numpy().reshape(1, 16, 16, 3) for some in (image, photo)]
    expected = 0.8 * float((image - photo).abs()[inside > 0].mean()) + 0.2 * (1 - _similarity(*black))
    assert float(photo_loss(image, photo, inside)) == pytest.approx(expected, rel=1e-6)


def test_a_tile_of_twice_the_weight_counts_as_two_tiles() -> None:
    twice, weight = torch.tensor([0, 1, 1]), torch.ones(2, 256).double()
    weight[0, 200:] = weight[1, :50] = 0
    heavy = weight * torch.tensor([[1.0], [2.0]])
    image, photo, masks = _random(2, 256, 3), _random(2, 256, 3, seed=1), 0.5 * _random(2, 2, 256, seed=2)
    labels, coverage = 0.5 * _random(2, 256, 2, seed=3), _random(2, 256, seed=4)
    pairs = [
        (photo_loss(image, photo, heavy), photo_loss(image[twice], photo[twice], weight[twice])),
        (mask_loss(labels, masks, heavy), mask_loss(labels[twice], masks[:, twice], weight[twice])),
        (alone_loss(coverage, masks[0], heavy), alone_loss(coverage[twice], masks[0, twice], weight[twice])),
    ]
    plain = (photo_loss(image, photo, weight), mask_loss(labels, masks, weight))
    plain = (*plain, alone_loss(coverage, masks[0], weight))
    for (heavier, doubled), once in zip(pairs, plain, strict=True):
        assert float(heavier) == pytest.approx(float(doubled), rel=1e-9)
        assert float(heavier) != pytest.approx(float(once), rel=1e-4)


def test_gradients_against_finite_differences() -> None:
    masks, weight = 0.45 * _random(2, 1, 256), _random(1, 256, seed=1)
    labels = (0.05 + 0.4 * _random(1, 256, 2, seed=2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: mask_loss(x, masks, weight), labels)
    coverage = (0.05 + 0.9 * _random(1, 256, seed=3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: alone_loss(x, masks[0], weight), coverage)
    weight[0, 200:] = 0
    # Kinks of |x - photo| lie far from both values.
    photo = _random(1, 256, 3, seed=4)
    image = (photo + torch.where(_random(1, 256, 3, seed=5) > 0.5, 0.1, -0.1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: photo_loss(x, photo, weight), image, fast_mode=True)
