# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians that move, and the optimiser that steps those of them that a view shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from raster_scenes import SceneOptions, random_scene
from torch import Tensor

from splatcut.refine.parameters import BETAS, GEOMETRY, NAMES, RATES, Moving, RowAdam
from splatcut.scene.gaussians import Gaussians

ROWS = np.array([1, 4, 5, 11, 39])


def _scene(degree: int = 2) -> tuple[Gaussians, np.ndarray]:
    scene = random_scene(4, SceneOptions(sh_degree=degree)).gaussians
    share = np.random.default_rng(0).dirichlet([1.0, 1.0, 1.0], len(scene)).astype(np.float32)
    return scene, share[:, 1:]


@pytest.mark.parametrize("degree", [0, 2])
def test_moving_begins_where_the_scene_is(degree: int) -> None:
    scene, probability = _scene(degree)
    moving = Moving.of(scene, ROWS, probability)
    assert tuple(moving.tensors) == NAMES
    for name in ("means", "log_scales", "opacity_logits"):
        np.testing.assert_array_equal(moving.tensors[name].detach(), getattr(scene, name)[ROWS])
    np.testing.assert_array_equal(moving.tensors["sh_dc"].detach(), scene.sh[ROWS, :1])
    np.testing.assert_array_equal(moving.tensors["sh_rest"].detach(), scene.sh[ROWS, 1:])
    quats = moving.tensors["quats"].detach().numpy()
    np.testing.assert_allclose(np.linalg.norm(quats, axis=1), 1, rtol=1e-6)
    scale = np.linalg.norm(scene.quats[ROWS], axis=1, keepdims=True)
    np.testing.assert_allclose(quats * scale, scene.quats[ROWS], rtol=1e-5, atol=1e-6)
    assert all(tensor.requires_grad and tensor.is_leaf for tensor in moving.tensors.values())


def test_labels_begin_at_the_votes_and_shares_below_a_hundredth_are_lifted() -> None:
    scene, _ = _scene()
    probability = np.zeros((len(scene), 2), np.float32)
    probability[ROWS] = [[0.3, 0.5], [0.0, 0.0], [1.0, 0.0], [0.6, 0.4], [0.004, 0.5]]
    found = Moving.of(scene, ROWS, probability).probability().detach().numpy()
    np.testing.assert_allclose(found[0], [0.3, 0.5], atol=1e-6)
    np.testing.assert_allclose(found[1], [0.01 / 1.02, 0.01 / 1.02], atol=1e-6)
    np.testing.assert_allclose(found[2], [1 / 1.02, 0.01 / 1.02], atol=1e-6)
    np.testing.assert_allclose(found[3], [0.6 / 1.01, 0.4 / 1.01], atol=1e-6)
    np.testing.assert_allclose(found[4], [0.01 / 1.006, 0.5 / 1.006], atol=1e-6)


def test_votes_that_add_up_to_more_than_one_stay_finite() -> None:
    scene, probability = _scene()
    found = Moving.of(scene, ROWS, np.full_like(probability, 0.8)).probability().detach().numpy()
    np.testing.assert_allclose(found, 0.8 / 1.61, atol=1e-6)


def test_put_into_changes_the_moving_rows_alone() -> None:
    scene, probability = _scene()
    # What a comparison of numbers would overlook: signs of zero and payloads of NaN in rows that do not move.
    scene.means[0, 0] = -0.0
    scene.sh[2].view(np.uint32)[...] = 0x7FC01234
    before = {name: getattr(scene, name).tobytes() for name in (*GEOMETRY, "sh")}
    moving = Moving.of(scene, ROWS, probability)
    rng = np.random.default_rng(1)
    wanted = {}
    with torch.no_grad():
        for name, tensor in moving.tensors.items():
            wanted[name] = rng.normal(size=tuple(tensor.shape)).astype(np.float32)
            tensor.copy_(torch.from_numpy(wanted[name]))
    after = moving.put_into(scene)
    others = np.setdiff1d(np.arange(len(scene)), ROWS)
    for name in (*GEOMETRY, "sh"):
        assert getattr(after, name)[others].tobytes() == getattr(scene, name)[others].tobytes()
        assert getattr(scene, name).tobytes() == before[name]
        assert not np.shares_memory(getattr(after, name), getattr(scene, name))
    for name in GEOMETRY:
        np.testing.assert_array_equal(getattr(after, name)[ROWS], wanted[name])
    np.testing.assert_array_equal(after.sh[ROWS], np.concatenate([wanted["sh_dc"], wanted["sh_rest"]], axis=1))


def test_only_some_are_put_into_the_scene_and_those_that_are_finite_are_known() -> None:
    scene, probability = _scene()
    moving = Moving.of(scene, ROWS, probability)
    with torch.no_grad():
        moving.tensors["means"] += 1.0
        moving.tensors["sh_rest"][1, 0, 2] = torch.inf
        moving.tensors["label_logits"][3, 1] = torch.nan
    np.testing.assert_array_equal(moving.finite(), [True, False, True, False, True])
    after = moving.put_into(scene, np.array([True, False, False, False, True]))
    expected = scene.means.copy()
    expected[ROWS[[0, 4]]] += 1
    np.testing.assert_array_equal(after.means, expected)
    assert after.invalid().sum() == 0


def test_nothing_that_moves_is_no_change() -> None:
    scene, probability = _scene()
    moving = Moving.of(scene, np.zeros(0, np.int64), probability)
    assert moving.probability().shape == (0, 2)
    after = moving.put_into(scene)
    assert all(np.array_equal(getattr(after, name), getattr(scene, name)) for name in (*GEOMETRY, "sh"))


def _tensors(count: int, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"means": (3,), "log_scales": (3,), "opacity_logits": (), "sh_rest": (0, 3), "label_logits": (2,)}
    return {name: torch.randn(count, *shape, generator=generator).requires_grad_() for name, shape in shapes.items()}


def _gradients(tensors: dict[str, Tensor], steps: int) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(7)
    return [
        {name: torch.randn(tensor.shape, generator=generator) for name, tensor in tensors.items()} for _ in range(steps)
    ]


def _adam(tensors: dict[str, Tensor], gradients: list[dict[str, Tensor]], pixel: float) -> dict[str, Tensor]:
    """What ``torch.optim.Adam`` makes of copies of the tensors."""
    copies = {name: tensor.detach().clone().requires_grad_() for name, tensor in tensors.items()}
    groups = [
        {"params": [copy], "lr": RATES[name] * (pixel if name == "means" else 1)} for name, copy in copies.items()
    ]
    adam = torch.optim.Adam(groups, betas=BETAS, eps=1e-15)
    for step in gradients:
        for name, copy in copies.items():
            copy.grad = step[name].clone()
        adam.step()
    return {name: copy.detach() for name, copy in copies.items()}


def test_rows_that_are_always_shown_move_as_torchs_adam_moves_them() -> None:
    tensors = _tensors(6)
    gradients = _gradients(tensors, 12)
    expected = _adam(tensors, gradients, pixel=0.5)
    adam = RowAdam(tensors, np.full(6, 0.5, np.float32))
    for step in gradients:
        for name, tensor in tensors.items():
            tensor.grad = step[name].clone()
        adam.step(np.arange(6))
    for name, tensor in tensors.items():
        torch.testing.assert_close(tensor.detach(), expected[name], rtol=1e-5, atol=1e-6)


def test_rows_take_only_the_steps_in_which_they_are_shown() -> None:
    """Each row must end where Adam brings it with that row's own steps alone; what is not shown keeps its bits."""
    tensors = _tensors(4)
    start = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    gradients = _gradients(tensors, 10)
    shown = [np.flatnonzero([True, step % 2 == 0, step in (3, 4, 9), False]) for step in range(10)]
    adam = RowAdam(tensors, np.ones(4, np.float32))
    for step, rows in zip(gradients, shown, strict=True):
        before = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        for name, tensor in tensors.items():
            tensor.grad = step[name].clone()
        adam.step(rows)
        hidden = np.setdiff1d(np.arange(4), rows)
        for name, tensor in tensors.items():
            assert torch.equal(tensor.detach()[hidden], before[name][hidden])
    assert adam.steps.tolist() == [10, 5, 3, 0]
    for row in range(4):
        own = [step for step, rows in zip(gradients, shown, strict=True) if row in rows]
        expected = _adam(start, own, pixel=1.0)
        for name, tensor in tensors.items():
            torch.testing.assert_close(tensor.detach()[row], expected[name][row], rtol=1e-5, atol=1e-6)


def test_the_first_step_is_as_long_as_the_rate() -> None:
    pixel = torch.tensor([0.5, 2.0])
    tensors = _tensors(2)
    before = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    for tensor in tensors.values():
        tensor.grad = torch.full_like(tensor, -3.0)
    RowAdam(tensors, pixel.numpy()).step(np.arange(2))
    moved = {name: tensor.detach() - before[name] for name, tensor in tensors.items()}
    torch.testing.assert_close(moved["means"], (0.1 * pixel)[:, None].expand(2, 3), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(moved["label_logits"], torch.full((2, 2), 0.05), rtol=1e-4, atol=1e-6)


def test_an_optimiser_goes_on_from_its_state() -> None:
    gradients = _gradients(_tensors(3), 4)
    whole, first, second = (RowAdam(_tensors(3), np.ones(3, np.float32)) for _ in range(3))
    for number, step in enumerate(gradients):
        if number == 2:
            second.load(first.state())  # type: ignore[arg-type]
            for name, tensor in second.tensors.items():
                tensor.data.copy_(first.tensors[name].detach())
        for adam in (whole, first if number < 2 else second):
            for name, tensor in adam.tensors.items():
                tensor.grad = step[name].clone()
            adam.step(np.array([number % 2, 2]))
    assert all(torch.equal(tensor, whole.tensors[name]) for name, tensor in second.tensors.items())
    assert torch.equal(second.steps, whole.steps)


def test_a_step_uses_the_gradients_up_and_leaves_what_has_none() -> None:
    tensors = _tensors(3)
    before = tensors["log_scales"].detach().clone()
    tensors["means"].grad = torch.ones(3, 3)
    RowAdam(tensors, np.ones(3, np.float32)).step(np.arange(3))
    assert tensors["means"].grad is None
    assert torch.equal(tensors["log_scales"].detach(), before)
