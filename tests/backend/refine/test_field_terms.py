# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The field as a partner of the optimisation: it learns, its parts can be left out, and it goes on bit by bit."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import torch
from refine_scenes import EdgeScene, edge_scene

from splatcut.progress import Quiet
from splatcut.refine.bands import Band
from splatcut.refine.field_terms import FieldTerms
from splatcut.refine.optimise import Optimiser, optimise
from splatcut.refine.options import WARM_UP, FieldUse, RefineOptions
from splatcut.refine.parameters import Moving, pixel_sizes
from splatcut.refine.state import pack, unpack
from splatcut.refine.subscene import SubScene


@cache
def _scene() -> EdgeScene:
    return edge_scene(views=2, width=45, height=35)


@cache
def _bands() -> list[Band]:
    return _scene().bands(parts=2)


def _terms(field: FieldUse = "full") -> FieldTerms:
    return FieldTerms(_scene().moving(), np.ones(len(_scene().rows), bool), RefineOptions(field=field))


def _loss(terms: FieldTerms, part: float, seed: int = 0) -> torch.Tensor:
    band = _bands()[0]
    sub = SubScene(_scene().gaussians, _scene().probability, terms.moving, band)
    return terms.loss(band, sub, sub.render("cpu"), part, (0, seed))


def test_the_field_learns_from_the_gaussians_and_the_masks() -> None:
    terms = _terms()
    losses = []
    for number in range(25):
        loss = _loss(terms, 0.0, number)
        loss.backward()
        terms.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])


def test_while_it_warms_up_the_gaussians_do_not_hear_from_it() -> None:
    terms = _terms()
    _loss(terms, 0.99 * WARM_UP).backward()
    assert all(tensor.grad is None or not tensor.grad.any() for tensor in terms.moving.tensors.values())
    assert any(p.grad is not None and p.grad.any() for p in terms.field.parameters())
    _loss(terms, WARM_UP).backward()
    for name in ("means", "log_scales", "opacity_logits", "sh_dc", "label_logits"):
        gradient = terms.moving.tensors[name].grad
        assert gradient is not None, name
        assert gradient.any(), name


def test_its_parts_can_be_left_out() -> None:
    made = {field: _terms(field) for field in ("full", "no-rbf", "no-hash")}
    assert [terms.rbf for terms in made.values()] == [True, False, True]
    assert [terms.field.encoding is None for terms in made.values()] == [False, False, True]
    losses = []
    for terms in made.values():
        for number in range(2):
            loss = _loss(terms, 0.5, number)
            loss.backward()
            terms.step()
        losses.append(float(loss.detach()))
    assert np.isfinite(losses).all()
    assert len(set(losses)) == 3


def test_a_step_uses_the_gradients_up() -> None:
    terms = _terms()
    before = [p.detach().clone() for p in terms.field.parameters()]
    _loss(terms, 0.0).backward()
    terms.step()
    assert all(p.grad is None for p in terms.field.parameters())
    assert any(not torch.equal(p, old) for p, old in zip(terms.field.parameters(), before, strict=True))


def test_the_box_spans_the_boundary_but_for_a_few_strays() -> None:
    moving = _scene().moving()
    boundary = np.arange(len(_scene().rows)) < 200
    means = moving.tensors["means"].detach().numpy()
    for chosen, spanned in ((boundary, means[:200]), (~boundary & boundary, means)):
        terms = FieldTerms(moving, chosen, RefineOptions(field="full"))
        np.testing.assert_allclose(terms.box, np.quantile(spanned, [0.02, 0.98], axis=0), atol=1e-5)


def test_a_run_goes_on_from_a_kept_state_with_the_same_bits() -> None:
    """As ``pack`` keeps it: arrays and JSON."""
    kept: list[tuple[dict[str, np.ndarray], str]] = []

    def keep(optimiser: Optimiser) -> None:
        arrays, plan = pack(optimiser.state())
        kept.append(({name: array.copy() for name, array in arrays.items()}, json.dumps(plan)))

    def made() -> tuple[Optimiser, Moving, FieldTerms]:
        scene, options = _scene(), RefineOptions(iterations=6, passes=0, field="full")
        moving = scene.moving()
        terms = FieldTerms(moving, np.ones(len(scene.rows), bool), options)
        pixel = pixel_sizes(scene.gaussians.means[scene.rows], scene.views)
        return (
            Optimiser(scene.gaussians, scene.probability, moving, pixel, _bands(), options, partner=terms),
            moving,
            terms,
        )

    whole, moving, terms = made()
    optimise(whole, Quiet(), keep)
    late, late_moving, late_terms = made()
    arrays, plan = kept[2]
    late.load(unpack(arrays, json.loads(plan)))
    assert late.done == 3
    optimise(late, Quiet())
    assert late.history == whole.history
    assert all(torch.equal(tensor, moving.tensors[name]) for name, tensor in late_moving.tensors.items())
    expected = terms.field.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in late_terms.field.state_dict().items())
