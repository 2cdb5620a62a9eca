# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from splatcut.field import network as network_module
from splatcut.field.network import FieldNetwork, FieldValues


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def modulated(network: FieldNetwork, seed: int = 5) -> FieldNetwork:
    """The network with gamma and beta that are not zero."""
    with torch.no_grad():
        for number, parameter in enumerate(network.film.last.parameters()):
            parameter.copy_(0.3 * noise(*parameter.shape, seed=seed + number))
    return network


def together(values: FieldValues) -> Tensor:
    return torch.cat([values.density[:, None], values.colour, values.logits], dim=1)


@pytest.mark.parametrize("film_hidden", [0, 32])
def test_film_changes_nothing_at_first(film_hidden: int) -> None:
    network = FieldNetwork(16, 9, 1, film_hidden=film_hidden).double()
    code = noise(50, 16)
    plain = together(network(code))
    assert torch.equal(together(network(code, noise(50, 9, seed=1))), plain)
    assert torch.equal(together(network(code, 100 * noise(50, 9, seed=2))), plain)
    assert not torch.equal(together(modulated(network)(code, noise(50, 9, seed=1))), plain)


def test_one_layer_by_hand() -> None:
    network = modulated(FieldNetwork(3, 9, 1, hidden=4, layers=1, film_hidden=0).double())
    code, condition = noise(6, 3), noise(6, 9, seed=1)
    gamma, beta = network.film.last(condition).split(4, dim=1)
    hidden = torch.relu(network.hidden[0](code))
    out = network.head((1 + gamma) * hidden + beta)
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


def test_the_condition_is_normalised_inside() -> None:
    mean, std = noise(9, seed=3), noise(9, seed=4).abs() + 0.1
    plain = modulated(FieldNetwork(8, 9, 1).double())
    normalising = modulated(FieldNetwork(8, 9, 1, mean=mean, std=std).double())
    code, condition = noise(20, 8), noise(20, 9, seed=1)
    expected, found = together(plain(code, condition)), together(normalising(code, condition * std + mean))
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
    assert {"mean", "std"} <= set(normalising.state_dict())


def test_parts_of_the_rows_give_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = modulated(FieldNetwork(8, 9, 1).double())
    code, condition = noise(70, 8).requires_grad_(True), noise(70, 9, seed=1).requires_grad_(True)
    results = []
    for size in (1000, 16):
        monkeypatch.setattr(network_module, "_CHUNK", size)
        network.zero_grad()
        out = together(network(code, condition))
        gradients = torch.autograd.grad(out.square().sum(), [code, condition, *network.parameters()])
        results.append((out, *gradients))
    for whole, parts in zip(*results, strict=True):
        torch.testing.assert_close(whole, parts)


def test_gradients_match_finite_differences() -> None:
    network = modulated(FieldNetwork(4, 9, 1, hidden=6).double())
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


def test_statistics_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[9\]"):
        FieldNetwork(8, 9, 1, mean=torch.zeros(8))
