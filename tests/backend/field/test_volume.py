# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Volume rendering: values by hand, closed forms, gradients against finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from splatcut.field.volume import volume_render


def _random(rays: int = 5, samples: int = 7, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=rng, dtype=torch.float64)

    return 8 * uniform(rays, samples), uniform(rays, samples), uniform(rays, samples, 3), uniform(rays, samples, 2)


def test_two_samples_by_hand() -> None:
    density = torch.tensor([[math.log(2.0), math.log(4.0)]], dtype=torch.float64)
    value = torch.tensor([[[1.0], [10.0]]], dtype=torch.float64)
    rendered = volume_render(density, torch.ones_like(density), value)
    torch.testing.assert_close(rendered.weights, torch.tensor([[0.5, 0.375]], dtype=torch.float64))
    torch.testing.assert_close(rendered.alpha, torch.tensor([0.875], dtype=torch.float64))
    torch.testing.assert_close(rendered.values[0], torch.tensor([[4.25]], dtype=torch.float64))


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(-6, 8))
def test_weights_add_up_to_alpha_at_any_density(seed: int, exponent: float) -> None:
    density, delta, _, _ = _random(seed=seed)
    rendered = volume_render((10.0**exponent * density).float(), delta.float())
    assert (rendered.weights >= 0).all()
    assert (rendered.alpha <= 1).all()
    torch.testing.assert_close(rendered.weights.sum(1), rendered.alpha, atol=1e-6, rtol=1e-5)


def test_a_homogeneous_medium_follows_the_law_of_beer_and_lambert_however_it_is_cut() -> None:
    for cuts in (1, 3, 50):
        delta = torch.rand(1, cuts, generator=torch.Generator().manual_seed(cuts), dtype=torch.float64)
        delta *= 2.0 / delta.sum()
        rendered = volume_render(torch.full_like(delta, 0.7), delta, torch.full((1, cuts, 1), 0.3).double())
        assert float(rendered.alpha) == pytest.approx(1 - math.exp(-1.4), abs=1e-12)
        assert float(rendered.values[0]) == pytest.approx(0.3 * (1 - math.exp(-1.4)), abs=1e-7)


def test_gradients_match_finite_differences() -> None:
    inputs = tuple(tensor.requires_grad_() for tensor in _random())

    def everything(density: Tensor, delta: Tensor, one: Tensor, two: Tensor) -> tuple[Tensor, ...]:
        rendered = volume_render(density, delta, one, two)
        return rendered.weights, rendered.alpha, *rendered.values

    assert torch.autograd.gradcheck(everything, inputs, eps=1e-6, atol=1e-8, rtol=1e-6)


def test_gradients_are_finite_where_nothing_or_everything_is_dense() -> None:
    for scale in (0.0, 1e8):
        density, delta, colour, _ = (tensor.float() for tensor in _random())
        density = (scale * density).requires_grad_()
        rendered = volume_render(density, delta, colour)
        (rendered.values[0].sum() + rendered.alpha.sum()).backward()
        assert torch.isfinite(density.grad).all()
        assert torch.isfinite(rendered.values[0]).all()


def test_empty_intervals_and_no_rays_render_nothing() -> None:
    density, delta, colour, _ = _random()
    rendered = volume_render(density, torch.zeros_like(delta), colour)
    assert (rendered.alpha == 0).all()
    assert (rendered.values[0] == 0).all()
    rendered = volume_render(density[:0], delta[:0], colour[:0])
    assert rendered.values[0].shape == (0, 3)


def test_shapes_that_do_not_fit_are_refused() -> None:
    density, delta, colour, _ = _random()
    with pytest.raises(ValueError, match="must both be"):
        volume_render(density, delta[:, :3])
    with pytest.raises(ValueError, match="Values must be"):
        volume_render(density, delta, colour[:, :3])
