# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from walks import jump_ratio, stations

from splatcut.field.neighbours import NeighbourIndex
from splatcut.field.rbf import interpolate, rbf_weights


def cloud(number: int, channels: int = 4, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Means in the unit cube and values, float64."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.rand(number, 3, generator=generator, dtype=torch.float64)
    return means, torch.randn(number, channels, generator=generator, dtype=torch.float64)


def lists(points: Tensor, means: Tensor, count: int = 8) -> Tensor:
    return torch.from_numpy(NeighbourIndex(means.numpy(), count).query(points.numpy()))


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(-4, 4), st.booleans(), st.integers(0, 9))
def test_weights_are_a_partition_of_one(seed: int, exponent: float, double: bool, duplicates: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    kind = torch.float64 if double else torch.float32
    centres = torch.randn(5, 9, 3, generator=generator, dtype=kind) * 10.0**exponent
    centres[:, :duplicates] = centres[:, :1]
    points = torch.randn(5, 3, generator=generator, dtype=kind) * 10.0**exponent
    points[0] = centres[0, 0]
    weights = rbf_weights(points, centres)
    assert (weights >= 0).all()
    assert (weights <= 1).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(5, dtype=kind), rtol=0, atol=1e-6)


def test_weights_by_hand() -> None:
    # Distances 1, 2, 3 and 4: h = 2.
    centres = torch.tensor([[[1.0, 0, 0], [0, 2, 0], [0, 0, 3], [-4, 0, 0]]])
    expected = [math.exp(-0.5 * (d / 2) ** 2) * (1 - (d / 4) ** 2) ** 2 for d in (1, 2, 3, 4)]
    expected = [value / sum(expected) for value in expected]
    assert rbf_weights(torch.zeros(1, 3), centres)[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_weights_follow_the_centres_whatever_their_order() -> None:
    means, _ = cloud(9)
    point = torch.full((1, 3), 0.5, dtype=torch.float64)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(1))
    found, expected = rbf_weights(point, means[order][None]), rbf_weights(point, means[None])[:, order]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("number", [1, 3, 8, 9, 14])
def test_gradients_match_finite_differences(number: int) -> None:
    means, values = cloud(number)
    points = torch.rand(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    index = lists(points, means)
    inputs = [tensor.clone().requires_grad_(True) for tensor in (points, means, values)]
    assert torch.autograd.gradcheck(lambda p, m, v: interpolate(p, m, v, index), inputs)


@pytest.mark.parametrize("number", [1, 5, 8, 9, 200])
def test_values_are_those_of_the_weights(number: int) -> None:
    means, values = cloud(number)
    points = torch.rand(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    points[0] = means[0]
    index = lists(points, means)
    weights = rbf_weights(points, means[index], index >= 0)
    expected = torch.stack([row @ values[near] for row, near in zip(weights, index, strict=True)])
    torch.testing.assert_close(interpolate(points, means, values, index), expected)


@pytest.mark.parametrize("scale", [1e-9, 1e6])
def test_gradients_stay_finite_at_any_scale(scale: float) -> None:
    means, values = (tensor.float() for tensor in cloud(50))
    means = (means * scale).requires_grad_(True)
    points = (torch.rand(50, 3, generator=torch.Generator().manual_seed(5)) * scale).requires_grad_(True)
    index = lists(points.detach(), means.detach())
    interpolate(points, means, values, index).sum().backward()
    assert torch.isfinite(means.grad).all()
    assert torch.isfinite(points.grad).all()


def _untapered(points: Tensor, means: Tensor, values: Tensor, index: Tensor) -> Tensor:
    """As in the paper: the K nearest with their Gaussian weights alone."""
    nearest = index[:, :-1]
    distance = (points[:, None] - means[nearest]).norm(dim=-1)
    weight = torch.exp(-0.5 * (distance / distance.mean(1, keepdim=True)) ** 2)
    return ((weight / weight.sum(1, keepdim=True))[..., None] * values[nearest]).sum(1)


def test_no_jump_where_neighbours_change() -> None:
    means, values = cloud(1000)
    ratios, bare, changes = [], [], 0
    for seed in range(6):
        ends = torch.rand(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 1.4 - 0.2
        index = lists(stations(ends[0], ends[1], 4000), means).sort(dim=1).values
        changes += int((index[1:] != index[:-1]).any(dim=1).sum())
        for collected, function in ((ratios, interpolate), (bare, _untapered)):
            collected.append(
                jump_ratio(lambda x, f=function: f(x, means, values, lists(x, means)), ends[0], ends[1], 4000, 16)
            )
    assert changes > 200
    assert max(ratios) < 0.1  # 1 / 16 where no step is too long for the slope to be constant
    assert min(bare) > 0.9  # the walk does find jumps where there are some


def test_no_jump_where_the_order_of_old_lists_changes() -> None:
    """Lists are kept while Gaussians move: another one may become the farthest of the list."""
    means, values = cloud(9)
    start = torch.full((1, 3), 0.5, dtype=torch.float64)
    index = lists(start, means)
    other, _ = cloud(9, seed=1)
    times = torch.tensor([[0.0], [1.0]], dtype=torch.float64)

    def moving(time: Tensor) -> Tensor:
        return torch.cat([interpolate(start, means + (other - means) * t, values, index) for t in time])

    farthest = {int((start - means - (other - means) * t).norm(dim=1).argmax()) for t in stations(*times, 200)}
    assert len(farthest) > 1
    assert jump_ratio(moving, times[0], times[1], 300, 16) < 0.1


def test_few_gaussians_all_take_part() -> None:
    means, values = cloud(5)
    points = stations(means.min(0).values - 1, means.max(0).values + 1, 50)
    index = lists(points, means)
    weights = rbf_weights(points, means[index.clamp(min=0)], index >= 0)
    assert (weights[:, :5] > 0).all()
    assert (weights[:, 5:] == 0).all()
    torch.testing.assert_close(weights.sum(1), torch.ones(51, dtype=torch.float64))
    ratio = jump_ratio(lambda x: interpolate(x, means, values, lists(x, means)), points[0], points[-1], 1000, 10)
    assert ratio < 0.15


def test_a_single_gaussian_is_everywhere() -> None:
    values = torch.tensor([[1.0, -2.0]], requires_grad=True)
    means = torch.zeros(1, 3, requires_grad=True)
    points = torch.tensor([[0.0, 0, 0], [5, 0, 0], [1e6, 0, 0]], requires_grad=True)
    index = lists(points.detach(), means.detach())
    result = interpolate(points, means, values, index)
    assert result.tolist() == [[1.0, -2.0]] * 3
    result.sum().backward()
    assert values.grad.tolist() == [[3.0, 3.0]]
    assert means.grad.abs().max() == 0


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", [2, 8, 9, 20])
def test_duplicates_are_averaged_and_give_finite_gradients(kind: torch.dtype, number: int) -> None:
    means = torch.full((number, 3), 0.25, dtype=kind, requires_grad=True)
    values = torch.full((number, 2), 3.0, dtype=kind, requires_grad=True)
    points = torch.tensor([[0.25, 0.25, 0.25], [1.0, 0, 0], [0.25, 0.25, 0.2500001]], dtype=kind, requires_grad=True)
    result = interpolate(points, means, values, lists(points.detach(), means.detach()))
    torch.testing.assert_close(result, torch.full((3, 2), 3.0, dtype=kind))
    result.sum().backward()
    for tensor in (points, means, values):
        assert torch.isfinite(tensor.grad).all()


def test_on_a_gaussian_gradients_are_finite_and_it_weighs_most() -> None:
    means, values = cloud(30)
    points = means[:10].clone().requires_grad_(True)
    moving = means.clone().requires_grad_(True)
    index = lists(points.detach(), means)
    weights = rbf_weights(points, moving[index])
    assert (weights.argmax(1) == 0).all()
    interpolate(points, moving, values, index).sum().backward()
    assert torch.isfinite(points.grad).all()
    assert torch.isfinite(moving.grad).all()


def test_no_points_and_no_gaussians() -> None:
    means, values = cloud(4)
    none = torch.zeros(0, 3, dtype=torch.float64)
    assert interpolate(none, means, values, lists(none, means)).shape == (0, 4)
    index = lists(means, none)
    assert interpolate(means, none, values[:0], index).tolist() == [[0.0] * 4] * 4


def test_float32_is_close_to_float64_far_from_the_origin() -> None:
    means, values = cloud(60)
    points = torch.rand(40, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    index = lists(points, means)
    exact = interpolate(points, means, values, index)
    single = interpolate((points + 10).float(), (means + 10).float(), values.float(), index)
    np.testing.assert_allclose(single.numpy(), exact.numpy(), atol=2e-4)
