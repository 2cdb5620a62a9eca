# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from splatcut.field.network import FieldNetwork, FieldValues


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def modulated(network: FieldNetwork, seed: int = 5) -> FieldNetwork:
    """The network with gamma and beta that are not zero."""
    with torch.no_grad():
        for number, parameter in enumerate(network.film[-1].parameters()):
            parameter.copy_(0.3 * noise(*parameter.shape, seed=seed + number))
    return network


def together(values: FieldValues) -> Tensor:
    return torch.cat([values.density[:, None], values.colour, values.logits], dim=1)


def test_film_changes_nothing_at_first() -> None:
    network = FieldNetwork(16, 9, 1).double()
    code = noise(50, 16)
    plain = together(network(code))
    assert torch.equal(together(network(code, noise(50, 9, seed=1))), plain)
    assert torch.equal(together(network(code, 100 * noise(50, 9, seed=2))), plain)
    assert not torch.equal(together(modulated(network)(code, noise(50, 9, seed=1))), plain)


def test_the_layers_by_hand() -> None:
    network = modulated(FieldNetwork(3, 9, 1).double())
    code, condition = noise(6, 3), noise(6, 9, seed=1)
    assert network.film is not None
    gamma_0, beta_0, gamma_1, beta_1 = network.film(condition).split(64, dim=1)
    hidden = (1 + gamma_0) * torch.relu(network.hidden[0](code)) + beta_0
    hidden = (1 + gamma_1) * torch.relu(network.hidden[1](hidden)) + beta_1
    out = network.head(hidden)
    values = network(code, condition)
    torch.testing.assert_close(values.density, functional.softplus(out[:, 0]))
    torch.testing.assert_close(values.colour, torch.sigmoid(out[:, 1:4]))
    torch.testing.assert_close(values.logits, out[:, 4:])


def test_values_lie_in_their_ranges() -> None:
    network = modulated(FieldNetwork(8, 10, 3).double())
    values = network(30 * noise(200, 8), 5 * noise(200, 10, seed=1))
    assert values.density.shape == (200,)
    assert (values.density >= 0).all()
    assert values.colour.shape == (200, 3)
    assert ((values.colour >= 0) & (values.colour <= 1)).all()
    assert values.logits.shape == values.probability.shape == (200, 4)
    torch.testing.assert_close(values.probability.sum(1), torch.ones(200, dtype=torch.float64))


def test_gradients_match_finite_differences() -> None:
    network = modulated(FieldNetwork(4, 9, 1).double())
    inputs = (noise(5, 4).requires_grad_(True), noise(5, 9, seed=1).requires_grad_(True))
    assert torch.autograd.gradcheck(lambda code, condition: together(network(code, condition)), inputs)


def test_without_film_there_is_no_modulation() -> None:
    network = FieldNetwork(8, 9, 1, film=False)
    assert network.film is None
    code = noise(5, 8).float()
    assert torch.equal(together(network(code, noise(5, 9).float())), together(network(code)))


def test_weights_are_the_seeds_and_leave_torchs_generator_alone() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (FieldNetwork(8, 9, 1, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b, c in zip(first.parameters(), again.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c) or not a.abs().sum()
