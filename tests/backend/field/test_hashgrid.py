# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numba
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from walks import jump_ratio, stations

from splatcut.field import hashgrid
from splatcut.field.hashgrid import HashEncoding, HashOptions, encode_reference

#: Two full levels and two hashed ones.
SMALL = HashOptions(levels=4, features=2, log2_size=9, coarsest=4, finest=24)


def pair(options: HashOptions, seed: int = 0) -> tuple[HashEncoding, HashEncoding]:
    """The kernels and their twin, in float64, with features of order 1."""
    encodings = []
    for reference in (False, True):
        encoding = HashEncoding(options, reference=reference).double()
        with torch.no_grad():
            encoding.table.copy_(torch.randn(encoding.table.shape, generator=torch.Generator().manual_seed(seed)))
        encodings.append(encoding)
    return encodings[0], encodings[1]


def points_in_cube(number: int, seed: int = 1, kind: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(number, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(kind)


def gradients(encoding: HashEncoding, points: Tensor, towards: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    points = points.clone().requires_grad_(True)
    encoding.zero_grad()
    code = encoding(points)
    (code * towards).sum().backward()
    assert encoding.table.grad is not None
    assert points.grad is not None
    return code.detach(), encoding.table.grad, points.grad


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
def test_the_kernels_equal_the_twin_in_values_and_gradients(options: HashOptions) -> None:
    kernels, twin = pair(options)
    points = points_in_cube(300)
    points[:8] = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3)  # the cube's corners
    points[8:14] = torch.tensor([-0.3, 1.7, 0.5]).repeat(6, 1)
    towards = torch.randn(300, options.size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for ours, theirs in zip(gradients(kernels, points, towards), gradients(twin, points, towards), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_in_float32_the_kernels_equal_the_twin() -> None:
    kernels, twin = (encoding.float() for encoding in pair(HashOptions()))
    points = points_in_cube(2000, kind=torch.float32)
    towards = torch.randn(2000, 16, generator=torch.Generator().manual_seed(2))
    ours, theirs = gradients(kernels, points, towards), gradients(twin, points, towards)
    assert ours[0].dtype == torch.float32
    torch.testing.assert_close(ours[0], theirs[0], rtol=0, atol=1e-4)
    torch.testing.assert_close(ours[1], theirs[1], rtol=0, atol=2e-3)
    # A point that rounding puts into the neighbouring cell has that cell's slope.
    differs = (ours[2] - theirs[2]).abs().amax(1) > 0.02
    assert differs.float().mean() < 0.02


@pytest.mark.parametrize("reference", [False, True])
def test_gradients_match_finite_differences(reference: bool) -> None:
    encoding = pair(HashOptions(levels=3, features=2, log2_size=6, coarsest=3, finest=9))[int(reference)]
    points = points_in_cube(5, seed=3).requires_grad_(True)
    table = encoding.table.detach().clone().requires_grad_(True)

    def function(p: Tensor, t: Tensor) -> Tensor:
        if reference:
            return encode_reference(p, t, encoding.levels)
        return hashgrid._CpuEncode.apply(p, t, encoding.levels)

    assert torch.autograd.gradcheck(function, (points, table))


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_a_full_level_reproduces_a_linear_function(where: list[float]) -> None:
    options = HashOptions(levels=1, features=1, log2_size=12, coarsest=9, finest=9)
    encoding = HashEncoding(options).double()
    assert not encoding.levels.hashed[0]
    # Corner (x, y, z) stands at (x - 1/2) / 8 in the cube, row x + 9 y + 81 z.
    x, y, z = torch.meshgrid(*[(torch.arange(9) - 0.5) / 8] * 3, indexing="ij")
    with torch.no_grad():
        encoding.table[:729, 0] = (2 * x - 3 * y + 0.5 * z + 1).permute(2, 1, 0).reshape(-1)
    # Beyond the last corners the table wraps round; stay inside them.
    u = torch.tensor([where], dtype=torch.float64) * (7.5 / 8)
    expected = 2 * u[0, 0] - 3 * u[0, 1] + 0.5 * u[0, 2] + 1
    assert float(encoding(u).detach()) == pytest.approx(float(expected), abs=1e-12)


def test_a_hashed_corner_has_the_row_of_the_published_hash() -> None:
    options = HashOptions(levels=1, features=1, log2_size=10, coarsest=33, finest=33)
    encoding = HashEncoding(options).double()
    assert encoding.levels.hashed[0]
    corner = (7, 30, 19)
    row = (7 ^ (30 * 2654435761) % 2**32 ^ (19 * 805459861) % 2**32) % 1024
    with torch.no_grad():
        encoding.table.zero_()
        encoding.table[row] = 1.0
    u = (torch.tensor([corner], dtype=torch.float64) - 0.5) / 32
    assert float(encoding(u).detach()) == pytest.approx(1.0, abs=1e-12)


def test_no_jump_where_cells_change() -> None:
    for options in (SMALL, HashOptions()):
        encoding = pair(options)[0]
        for seed in range(4):
            ends = points_in_cube(2, seed=10 + seed) * 1.2 - 0.1  # into the cube and out of it
            position = stations(ends[0], ends[1], 2000).clamp(0, 1) * encoding.levels.scales[-1] + 0.5
            crossed = int((position.floor().diff(dim=0) != 0).sum())
            assert crossed > 10
            assert jump_ratio(encoding, ends[0], ends[1], 2000, 16) < 0.1


def test_outside_the_cube_the_nearest_point_of_it_counts_and_has_no_slope() -> None:
    encoding = pair(SMALL)[0]
    inside, outside = torch.tensor([[1.0, 0.3, 0.0]]).double(), torch.tensor([[1.5, 0.3, -2.0]]).double()
    torch.testing.assert_close(encoding(outside), encoding(inside))
    _, _, slope = gradients(encoding, outside, torch.ones(1, 8, dtype=torch.float64))
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
    levels = HashEncoding().levels
    assert levels.corners[[0, 1, -1]].tolist() == [16, 27, 512]
    assert levels.hashed.tolist() == [False, False] + [True] * 6
    assert HashOptions().growth == pytest.approx(32 ** (1 / 7))


def test_no_points() -> None:
    encoding = HashEncoding(SMALL)
    code = encoding(torch.zeros(0, 3, requires_grad=True))
    assert code.shape == (0, 8)
    code.sum().backward()
    assert encoding.table.grad.abs().max() == 0


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    encoding = pair(SMALL)[0].float()
    points = points_in_cube(20000, kind=torch.float32)
    towards = torch.randn(20000, 8, generator=torch.Generator().manual_seed(2))
    one = gradients(encoding, points, towards)
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)  # pyright: ignore[reportAttributeAccessIssue]
    two = gradients(encoding, points, towards)
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a, b)
