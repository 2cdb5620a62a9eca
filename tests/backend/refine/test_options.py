# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The refinement's options check themselves and say what is wrong."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from splatcut.refine.options import ABLATIONS, BUDGETS, FieldUse, Picture, Rates, RefineOptions, Weights


@pytest.mark.parametrize("kind", [Weights, Rates, Picture])
@pytest.mark.parametrize("value", [-0.001, float("inf"), float("nan")])
def test_every_weight_and_rate_must_be_a_number_from_0_up(kind: Any, value: float) -> None:
    for item in fields(kind):
        with pytest.raises(ValueError, match=item.name):
            kind(**{item.name: value})


def test_zero_switches_off_and_is_allowed() -> None:
    assert all(getattr(Weights(**{item.name: 0.0}), item.name) == 0 for item in fields(Weights))
    assert Rates(means=0.0, label_logits=0.0).means == 0


@pytest.mark.parametrize("value", [0.0, 1.0001])
def test_the_rates_end_above_0_and_not_above_where_they_began(value: float) -> None:
    with pytest.raises(ValueError, match="at most 1"):
        Rates(last=value)
    assert Rates(last=1.0).last == 1.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"iterations": 0}, "must be at least 1"),
        ({"rounds": 0}, "rounds"),
        ({"patience": -1}, "patience"),
        ({"tau": 1.1}, "tau must lie in"),
        ({"tau_move": -0.1}, "tau_move must lie in"),
        ({"outside": 2.0}, "outside must lie in"),
        ({"outside": float("nan")}, "outside must lie in"),
        ({"parts": 0}, "parts"),
        ({"between": -1}, "between not negative"),
        ({"photo_error": 0.0}, "photo_error must lie in"),
        ({"photo_error": 1.5}, "photo_error must lie in"),
    ],
)
def test_wrong_options_are_refused_by_name(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RefineOptions(**wrong)


@pytest.mark.parametrize("wrong", [{"rays": 0}, {"samples": 3}])
def test_the_field_needs_rays_and_samples(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 ray and 4 samples"):
        FieldUse(**wrong)


def test_the_ends_of_the_ranges_are_allowed() -> None:
    options = RefineOptions(iterations=1, tau=0.0, tau_move=1.0, outside=0.0, parts=1, photo_error=1.0)
    assert (options.iterations, options.parts) == (1, 1)
    assert RefineOptions().weights == Weights()
    assert RefineOptions().field == FieldUse()


def test_qualities_and_what_is_left_out() -> None:
    budgets = {}
    for name in BUDGETS:
        options = RefineOptions.of(name)
        budgets[name] = (options.iterations, options.passes, options.rounds)
    assert budgets == BUDGETS
    assert budgets["draft"] < budgets["standard"] < budgets["fine"]
    whole = RefineOptions.of("standard", tau=0.4, seed=7)
    assert (whole.tau, whole.seed) == (0.4, 7)
    changed = {
        "no-rbf": lambda options: not options.field.rbf,
        "no-hash": lambda options: not options.field.hash,
        "field-then-gaussians": lambda options: not options.field.joint,
        "no-alone": lambda options: options.weights.alone == 0,
        "no-spill": lambda options: options.weights.spill == 1,
        "no-far": lambda options: options.weights.far == 1,
        "no-between": lambda options: options.between == 0,
        "no-picture": lambda options: options.picture.share == 0,
        "no-noise": lambda options: options.noise == 0,
        "no-hidden": lambda options: not options.hidden,
    }
    assert set(changed) == set(ABLATIONS)
    for name, left_out in changed.items():
        options = RefineOptions.of("standard", ablate=[name], split=True, field=True)
        assert options.split
        assert options.field.on
        assert left_out(options), name
        assert not any(other(options) for key, other in changed.items() if key != name), name
    assert not RefineOptions.of("standard", split=False).split
    assert not RefineOptions.of("standard").field.on
    assert [RefineOptions.of(name).between for name in ("draft", "standard", "fine")] == [0, 3, 3]
    assert [RefineOptions.of(name).picture.share > 0 for name in ("draft", "standard", "fine")] == [False, True, True]
    # Where nothing gives the picture back it weighs more before.
    assert [RefineOptions.of(name).weights.photo for name in ("draft", "standard", "fine")] == [3.0, 1.75, 1.75]
    assert RefineOptions.of(ablate=["no-noise"]).weights.photo == 3.0


def test_the_picture_is_fitted_with_colours_and_shapes_at_rates_of_its_own() -> None:
    options = RefineOptions(
        iterations=100,
        passes=0,
        patience=9,
        weights=Weights(mask=0.5, photo=2.0),
        picture=Picture(
            share=0.25, photo=3.5, between=0.6, mask=3.0, hold=1.5, colour=10.0, background=2.0, average=1.0
        ),
        field=FieldUse(on=True),
    )
    late = options.for_picture()
    assert late is not None
    assert (late.iterations, late.passes, late.patience, late.average) == (25, 0, 0, 1.0)
    assert late.weights == Weights(mask=1.5, photo=3.5, alone=0.0, between=0.6, hold=1.5)
    shape = dict.fromkeys(("means", "log_scales", "quats", "opacity_logits"), 2)
    for name, factor in (shape | {"sh_dc": 10, "sh_rest": 10}).items():
        assert getattr(late.rates, name) == factor * getattr(options.rates, name), name
    assert late.rates.label_logits == 0
    assert late.rates.last == options.rates.last
    assert not late.field.on
    # What has no part before the end has none in it.
    apart = RefineOptions(weights=Weights(photo=0, between=0)).for_picture()
    assert apart is not None
    assert (apart.weights.photo, apart.weights.between) == (0, 0)
    assert RefineOptions(picture=Picture(share=0.0)).for_picture() is None
    with pytest.raises(ValueError, match="average must lie in"):
        Picture(average=1.1)
    with pytest.raises(ValueError, match="sure must lie in"):
        Picture(sure=1.1)


def test_the_picture_weighs_less_in_scenes_that_are_far_from_their_photos() -> None:
    options = RefineOptions(
        noise=0.04,
        photo_noise=0.04,
        weights=Weights(mask=0.7, photo=2.0, between=3.0),
        picture=Picture(photo=5.0, between=1.5),
    )
    for error in (0.0, 0.01, 0.04):
        assert options.for_error(error) == options
    far = options.for_error(0.1)
    assert (far.weights.photo, far.weights.between, far.picture.between) == pytest.approx((0.8, 1.2, 0.24))
    assert replace(far.weights, photo=2.0, between=3.0) == options.weights
    assert replace(far.picture, between=1.5) == options.picture
    assert replace(far, weights=options.weights, picture=options.picture) == options
    # Half as sure at twice the distance, and never a jump.
    assert options.for_error(0.2).weights.photo == pytest.approx(far.weights.photo / 2)
    assert options.for_error(0.04 + 1e-9).weights.photo == pytest.approx(2.0)
    assert replace(options, noise=0.0, photo_noise=0.0).for_error(0.5) == replace(options, noise=0.0, photo_noise=0.0)
    # Each has a limit of its own.
    photo = replace(options, photo_noise=0.05).for_error(0.1)
    assert (photo.weights.photo, photo.weights.between) == pytest.approx((1.0, 1.2))
    for name in ("noise", "photo_noise"):
        with pytest.raises(ValueError, match=f"^{name} must lie in"):
            RefineOptions(**{name: -0.1})


def test_unknown_qualities_and_ablations_are_refused() -> None:
    with pytest.raises(ValueError, match="no quality 'best'. There are draft, standard, fine"):
        RefineOptions.of("best")
    with pytest.raises(ValueError, match="called 'no-masks' to leave out"):
        RefineOptions.of("fine", ablate=["no-masks"])


def test_iterations_grow_with_the_views() -> None:
    options = RefineOptions(iterations=100, passes=12)
    assert options.for_views(5).iterations == 100
    assert options.for_views(50).iterations == 600
    assert options.for_views(50).for_views(50).iterations == 600
    assert RefineOptions(iterations=100, passes=0).for_views(50).iterations == 100
    assert options.for_views(5, 2).iterations == 200
    assert options.for_views(50, 2).iterations == 1200
