# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Adam by rows, held to torch's."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from splatcut.refine.adam import BETAS, RowAdam
from splatcut.refine.options import RATES


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
