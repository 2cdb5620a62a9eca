# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from walks import jump_ratio, stations

from splatcut.field.hashgrid import HashEncoding, HashOptions

#: Two full levels and two hashed ones.
SMALL = HashOptions(levels=4, features=2, log2_size=9, coarsest=4, finest=24)


def lively(options: HashOptions) -> HashEncoding:
    """In float64, with features of order 1."""
    encoding = HashEncoding(options).double()
    with torch.no_grad():
        encoding.table.copy_(torch.randn(encoding.table.shape, generator=torch.Generator().manual_seed(0)))
    return encoding


def points_in_cube(number: int, seed: int = 1, kind: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(number, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(kind)


def by_hand(encoding: HashEncoding, point: list[float]) -> list[float]:
    """A point's code, corner by corner in plain numbers (Instant-NGP's equations)."""
    table, first, code = encoding.table.detach().numpy(), 0, []
    for level in encoding.levels:
        place = [min(max(u, 0.0), 1.0) * level.scale + 0.5 for u in point]
        total = np.zeros(table.shape[1])
        for steps in itertools.product((0, 1), repeat=3):
            x, y, z = (int(p) + step for p, step in zip(place, steps, strict=True))
            row = x + level.corners * y + level.corners**2 * z
            if level.hashed:
                row = x ^ (y * 2654435761) % 2**32 ^ (z * 805459861) % 2**32
            weight = np.prod([p % 1 if step else 1 - p % 1 for p, step in zip(place, steps, strict=True)])
            total += weight * table[first + row % level.rows]
        first += level.rows
        code += total.tolist()
    return code


@pytest.mark.parametrize(
    "options",
    [
        SMALL,
        HashOptions(),
        HashOptions(levels=1, features=1, log2_size=4, coarsest=2, finest=2),
        HashOptions(levels=3, features=4, log2_size=12, coarsest=2, finest=40),
        HashOptions(levels=5, features=8, log2_size=6, coarsest=3, finest=60000),
    ],
)
def test_codes_are_those_of_the_equations(options: HashOptions) -> None:
    encoding = lively(options)
    points = points_in_cube(40)
    points[:8] = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)  # the cube's corners
    points[8] = torch.tensor([-0.3, 1.7, 0.5])
    code = encoding(points).detach()
    assert code.shape == (40, options.size)
    np.testing.assert_allclose(code, [by_hand(encoding, point) for point in points.tolist()], atol=1e-9)
    single = encoding.float()(points.float()).detach()
    np.testing.assert_allclose(single, code, atol=2e-2 if options.finest == 60000 else 5e-4)


def test_gradients_match_finite_differences() -> None:
    encoding = lively(HashOptions(levels=3, features=2, log2_size=6, coarsest=3, finest=9))
    points = points_in_cube(5, seed=3).requires_grad_(True)
    table = encoding.table.detach().clone().requires_grad_(True)

    def function(p: Tensor, t: Tensor) -> Tensor:
        return torch.func.functional_call(encoding, {"table": t}, (p,))

    assert torch.autograd.gradcheck(function, (points, table), fast_mode=True)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_full_level_reproduces_a_linear_function(where: list[float]) -> None:
    options = HashOptions(levels=1, features=1, log2_size=12, coarsest=9, finest=9)
    encoding = HashEncoding(options).double()
    assert not encoding.levels[0].hashed
    # Corner (x, y, z) stands at (x - 1/2) / 8 in the cube, row x + 9 y + 81 z.
    x, y, z = torch.meshgrid(*[(torch.arange(9) - 0.5) / 8] * 3, indexing="ij")
    with torch.no_grad():
        encoding.table[:729, 0] = (2 * x - 3 * y + 0.5 * z + 1).permute(2, 1, 0).reshape(-1)
    # Beyond the last corners the table wraps round; stay inside them.
    u = torch.tensor([where], dtype=torch.float64) * (7.5 / 8)
    expected = 2 * u[0, 0] - 3 * u[0, 1] + 0.5 * u[0, 2] + 1
    assert float(encoding(u).detach()) == pytest.approx(float(expected), abs=1e-12)


def test_no_jump_where_cells_change() -> None:
    for options in (SMALL, HashOptions()):
        encoding = lively(options)
        for seed in range(4):
            ends = points_in_cube(2, seed=10 + seed) * 1.2 - 0.1  # into the cube and out of it
            position = stations(ends[0], ends[1], 2000).clamp(0, 1) * encoding.levels[-1].scale + 0.5
            crossed = int((position.floor().diff(dim=0) != 0).sum())
            assert crossed > 10
            assert jump_ratio(encoding, ends[0], ends[1], 2000, 16) < 0.1


def test_outside_the_cube_the_nearest_point_of_it_counts_and_has_no_slope() -> None:
    encoding = lively(SMALL)
    inside, outside = torch.tensor([[1.0, 0.3, 0.0]]).double(), torch.tensor([[1.5, 0.3, -2.0]]).double()
    torch.testing.assert_close(encoding(outside), encoding(inside))
    encoding(outside.requires_grad_(True)).sum().backward()
    slope = outside.grad
    assert slope[0, 0] == slope[0, 2] == 0
    assert slope[0, 1] != 0


def test_the_table_starts_small_and_is_the_seeds() -> None:
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    table = HashEncoding(SMALL, seed=3).table
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(table, HashEncoding(SMALL, seed=3).table)
    assert not torch.equal(table, HashEncoding(SMALL, seed=4).table)
    assert 0.9e-4 < table.abs().max() <= 1e-4
    # 4^3 and 8^3 corners have their rows; the two finer levels share 512 each.
    assert table.shape == (64 + 512 + 512 + 512, 2)


def test_default_levels() -> None:
    levels = HashEncoding(HashOptions()).levels
    assert [levels[i].corners for i in (0, 1, -1)] == [16, 27, 512]
    assert [level.hashed for level in levels] == [False, False] + [True] * 6


def test_no_points() -> None:
    encoding = HashEncoding(SMALL)
    code = encoding(torch.zeros(0, 3, requires_grad=True))
    assert code.shape == (0, 8)
    code.sum().backward()
    assert encoding.table.grad.abs().max() == 0
