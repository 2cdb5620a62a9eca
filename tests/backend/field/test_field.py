# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from walks import jump_ratio, stations

from splatcut.field import field as field_module
from splatcut.field.field import Field, conditions
from splatcut.field.neighbours import NeighbourIndex
from splatcut.field.network import FieldValues
from splatcut.scene.gaussians import Gaussians

OBJECTS = 2
#: Conditions of a single Gaussian.
NOTHING = torch.zeros(1, 7 + OBJECTS + 1)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scene(number: int = 300, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Means and conditions, float64."""
    means = torch.rand(number, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1
    rows = [noise(number, *shape, seed=seed + 1 + i) for i, shape in enumerate(((3,), (), (3,), (OBJECTS + 1,)))]
    return means, conditions(rows[0] - 3, *rows[1:])


def lively(field: Field, seed: int = 7) -> Field:
    """The field in float64 as if trained: nothing that starts at zero or near it stays there."""
    field = field.double()
    with torch.no_grad():
        if field.encoding is not None:
            field.encoding.table.copy_(noise(*field.encoding.table.shape, seed=seed))
        if field.network.film is not None:
            weight = field.network.film[-1].get_parameter("weight")
            weight.copy_(0.2 * noise(*weight.shape, seed=seed + 1))
    return field


def neighbours(points: Tensor, means: Tensor) -> Tensor:
    return torch.from_numpy(NeighbourIndex(means.detach().numpy()).query(points.detach().numpy()))


def evaluated(field: Field, points: Tensor, means: Tensor, values: Tensor) -> Tensor:
    """All values of the field side by side."""
    index = None if field.network.film is None else neighbours(points, means)
    return together(field(points, means, values, index))


def make(scale: float = 1.0, **choice: bool) -> tuple[Field, Tensor, Tensor]:
    means, values = scene()
    means = means * scale
    lo, hi = means.min(0).values, means.max(0).values
    return lively(Field(lo, hi, values, **choice)), means, values


def together(values: FieldValues) -> Tensor:
    return torch.cat([values.density[:, None], values.colour, values.logits], dim=1)


def test_conditions_are_what_the_gaussians_say() -> None:
    rng = np.random.default_rng(0)
    sizes = {"means": (5, 3), "log_scales": (5, 3), "quats": (5, 4), "opacity_logits": (5,), "sh": (5, 4, 3)}
    g = Gaussians(**{name: rng.normal(size=size).astype(np.float32) for name, size in sizes.items()})
    labels = torch.randn(5, 3)
    arrays = (g.log_scales, g.opacity_logits, g.sh[:, 0])
    values = conditions(*(torch.from_numpy(array) for array in arrays), labels)
    assert values.shape == (5, 10)
    np.testing.assert_allclose(values[:, :3], g.base_colours(), rtol=1e-6)
    np.testing.assert_allclose(values[:, 3], g.opacities(), rtol=1e-6)
    np.testing.assert_array_equal(values[:, 4:7], g.log_scales)
    np.testing.assert_array_equal(values[:, 7:], labels)


def test_conditions_are_normalised() -> None:
    values = torch.cat([noise(1000, 9) * 3 + 1, torch.full((1000, 1), 7.0, dtype=torch.float64)], dim=1)
    field = Field(torch.zeros(3), torch.ones(3), values)
    assert field.mean.tolist() == pytest.approx([1] * 9 + [7], abs=0.3)
    assert field.std.tolist() == pytest.approx([3] * 9 + [0.05], abs=0.3)
    single = Field(torch.zeros(3), torch.ones(3), values[:1])
    assert torch.equal(single.mean, values[0])
    assert single.std.tolist() == [1] * 10
    means, values = scene()
    points, index = noise(20, 3), neighbours(noise(20, 3), means)
    one = lively(Field(-torch.ones(3), torch.ones(3), values))
    scaled = lively(Field(-torch.ones(3), torch.ones(3), 5 * values + 2))
    expected = together(one(points, means, values, index))
    torch.testing.assert_close(together(scaled(points, means, 5 * values + 2, index)), expected)


def test_the_padded_box_is_mapped_linearly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_module, "PADDING", 0.25)
    field = Field(torch.tensor([0.0, 0, 0]), torch.tensor([4.0, 2, 1]), NOTHING).double()
    # Padded and made a cube: half side 3 about (2, 1, 0.5); the inner 1 / 1.1 of the unit cube.
    points = torch.tensor([[2.0, 1, 0.5], [5, 4, 3.5], [-1, -2, -2.5], [3.5, 1, 0.5]], dtype=torch.float64)
    edge = 0.5 / 1.1
    expected = [[0.5] * 3, [0.5 + edge] * 3, [0.5 - edge] * 3, [0.5 + 0.5 * edge, 0.5, 0.5]]
    np.testing.assert_allclose(field.contract(points), expected, atol=1e-7)


@settings(max_examples=80)
@given(st.floats(-6, 6), st.floats(-6, 6), st.sampled_from([-1.0, 1.0]))
def test_all_of_space_lies_in_the_cube_in_order(first: float, second: float, sign: float) -> None:
    field = Field(-torch.ones(3), torch.ones(3), NOTHING).double()
    near, far = sorted((10.0**first, 10.0**second))
    points = sign * torch.tensor([[near] * 3, [far] * 3], dtype=torch.float64)
    place = field.contract(points)
    assert ((place > 0) & (place < 1)).all()
    if far > near * (1 + 1e-6):
        assert ((place[1] - place[0]) * sign > 0).all()


def test_the_contraction_has_no_kink_at_the_box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_module, "PADDING", 0.0)
    field = Field(-torch.ones(3), torch.ones(3), NOTHING).double()
    at = torch.tensor([[1 - 1e-9, 0, -1 + 1e-9], [1 + 1e-9, 1, -1]], dtype=torch.float64, requires_grad=True)
    field.contract(at).sum().backward()
    np.testing.assert_allclose(at.grad, np.full((2, 3), 0.5 / 1.1), rtol=1e-6)
    far = torch.tensor([[3.0, -5.0, 1.5]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(field.contract, far)


@pytest.mark.parametrize("ablation", [{}, {"use_rbf": False}, {"use_hash": False}])
def test_no_jump_where_cells_or_neighbours_change(ablation: dict[str, bool]) -> None:
    field, means, values = make(**ablation)
    cells = changes = 0
    for seed in range(2):
        end = noise(3, seed=20 + seed)
        end *= 1.3 / end.abs().max()  # through the whole box and out of it
        ends = torch.stack([-end, end])
        walk = stations(ends[0], ends[1], 2000)
        cells += int(((field.contract(walk) * 511 + 0.5).floor().diff(dim=0) != 0).any(1).sum())
        changes += int((neighbours(walk, means).sort(1).values.diff(dim=0) != 0).any(1).sum())
        ratio = jump_ratio(lambda x: evaluated(field, x, means, values), ends[0], ends[1], 4000, 16)
        assert ratio < 0.1
    assert cells > 300
    assert changes > 30


def test_the_field_follows_what_it_is_given() -> None:
    field, means, values = make()
    points = noise(20, 3, seed=9) * 0.5
    base = evaluated(field, points, means, values)
    assert not torch.allclose(evaluated(field, points, means, values + 0.5), base)
    assert not torch.allclose(evaluated(field, points, means + 0.05 * noise(300, 3, seed=8), values), base)
    assert not torch.allclose(together(field(points, means, values, None)), base)


def test_gradients_reach_everything() -> None:
    field, means, values = make()
    inputs = [tensor.requires_grad_(True) for tensor in (noise(50, 3, seed=9) * 0.5, means, values)]
    evaluated(field, *inputs).square().sum().backward()
    for tensor in (*inputs, *field.parameters()):
        assert torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().sum() > 0


def test_gradients_match_finite_differences() -> None:
    field, means, values = make()
    points = noise(3, 3, seed=11) * 0.4
    index = neighbours(points, means)
    used = index.unique()
    local = torch.full((len(means),), -1)
    local[used] = torch.arange(len(used))
    inputs = [points, means[used], values[used]]
    for tensor in inputs:
        tensor.requires_grad_(True)
    assert torch.autograd.gradcheck(
        lambda p, m, v: together(field(p, m, v, local[index])),
        inputs,
        eps=1e-7,
        atol=1e-4,
        rtol=1e-3,
        fast_mode=True,
    )


def test_density_is_per_unit_of_the_world() -> None:
    field, means, values = make()
    larger, _, _ = make(scale=50.0)
    points = noise(30, 3, seed=12) * 0.5
    index = neighbours(points, means)
    here, there = field(points, means, values, index), larger(50 * points, 50 * means, values, index)
    np.testing.assert_allclose(50 * there.density.detach(), here.density.detach(), rtol=1e-4)
    np.testing.assert_allclose(there.colour.detach(), here.colour.detach(), atol=1e-4)
    side = float((means.max(0).values - means.min(0).values).max()) * 1.1 * 1.1
    assert float(field.unit) == pytest.approx(side / 512, rel=1e-6)


def test_at_first_the_gaussians_do_not_matter() -> None:
    means, values = scene()
    box, points = (means.min(0).values, means.max(0).values), noise(20, 3, seed=9)
    field = Field(*box, values).double()
    bare = Field(*box, values, use_rbf=False).double()
    assert torch.equal(evaluated(field, points, means, values), evaluated(field, points, means + 1, 3 * values))
    assert torch.equal(evaluated(field, points, means, values), evaluated(bare, points, means, values))


def test_without_rbf_the_gaussians_do_not_matter() -> None:
    field, means, values = make(use_rbf=False)
    points = noise(20, 3, seed=9)
    assert torch.equal(evaluated(field, points, means, values), evaluated(field, points, means + 1, 3 * values))
    assert field.network.film is None


def test_without_hash_there_is_no_table() -> None:
    field, means, values = make(use_hash=False)
    assert field.encoding is None
    assert field.network.hidden[0].in_features == 3 + 6 * 6
    assert torch.isfinite(evaluated(field, noise(5, 3), means, values)).all()


def test_state_dict_restores_the_field() -> None:
    for choice in ({}, {"use_hash": False}, {"use_rbf": False}):
        field, means, values = make(**choice)
        file = io.BytesIO()
        torch.save(field.state_dict(), file)
        file.seek(0)
        other = Field(torch.zeros(3), torch.ones(3), 2 * values, seed=99, **choice).double()
        points = noise(20, 3, seed=9)
        assert not torch.equal(evaluated(other, points, means, values), evaluated(field, points, means, values))
        other.load_state_dict(torch.load(file, weights_only=True))
        assert torch.equal(evaluated(other, points, means, values), evaluated(field, points, means, values))
        assert torch.equal(other.unit, field.unit)


@pytest.mark.parametrize("number", [0, 1, 2, 8, 9])
def test_few_gaussians(number: int) -> None:
    field, means, values = make()
    points = noise(6, 3, seed=9).requires_grad_(True)
    some, theirs = means[:number].clone().requires_grad_(True), values[:number].clone().requires_grad_(True)
    result = evaluated(field, points, some, theirs)
    assert torch.isfinite(result).all()
    result.sum().backward()
    assert torch.isfinite(points.grad).all()
    if number:
        assert torch.isfinite(some.grad).all()


def test_duplicates_no_points_and_a_box_of_one_point() -> None:
    field, means, values = make()
    twins = means[:1].expand(30, 3)
    assert torch.isfinite(evaluated(field, noise(6, 3), twins, values[:30])).all()
    assert evaluated(field, torch.zeros(0, 3).double(), means, values).shape == (0, 4 + OBJECTS + 1)
    place = torch.full((1, 3), 2.0)
    assert torch.isfinite(evaluated(Field(place[0], place[0], NOTHING), place, place, NOTHING)).all()


def test_boxes_that_are_none_are_refused() -> None:
    for lo, hi in ((1.0, 0.0), (0.0, float("nan"))):
        with pytest.raises(ValueError, match="box"):
            Field(torch.full((3,), lo), torch.full((3,), hi), NOTHING)
