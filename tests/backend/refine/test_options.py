# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The refinement's options check themselves and say what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from splatcut.errors import UserError
from splatcut.messages import OPTIONS
from splatcut.refine.options import BUDGETS, RefineOptions


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"iterations": 0}, "iterations and parts must be at least 1"),
        ({"parts": 0}, "iterations and parts must be at least 1"),
        ({"passes": -1}, "passes at least 0"),
        *(({name: value}, f"^{name} must be 0 or above, not {value}")
          for name in ("mask", "alone", "photo") for value in (-0.001, float("inf"), float("nan"))),
        *(({name: value}, f"^{name} must lie in") for name in ("tau", "average") for value in (-0.001, 1.001)),
        ({"field": "on"}, "field must be one of off, full, no-rbf, no-hash, not 'on'"),
    ],
)  # fmt: skip
def test_bad_values_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RefineOptions(**wrong)


def test_the_ends_of_the_ranges_are_allowed() -> None:
    RefineOptions(iterations=1, parts=1, passes=0, mask=0, alone=0, photo=0, tau=0, average=0)
    RefineOptions(tau=1, average=1)


def test_iterations_grow_with_the_views() -> None:
    options = RefineOptions(iterations=100, passes=12)
    assert [options.steps(views) for views in (5, 8, 9, 50)] == [100, 100, 108, 600]
    assert RefineOptions(iterations=100, passes=0).steps(50) == 100


def test_options_of_a_job() -> None:
    assert tuple(BUDGETS) == OPTIONS["quality"].values
    found = {name: RefineOptions.of(name, tau=0.3, seed=4, experiment={"parts": 2}) for name in BUDGETS}
    for name, (iterations, passes) in BUDGETS.items():
        assert found[name] == RefineOptions(iterations=iterations, passes=passes, tau=0.3, seed=4, parts=2)
    assert found["draft"].iterations < found["standard"].iterations < found["fine"].iterations
    assert RefineOptions.of() == RefineOptions.of("standard", tau=RefineOptions().tau)
    # What an experiment says goes before everything else.
    with pytest.raises(UserError, match="There is no quality 'best'. There are draft, standard, fine"):
        RefineOptions.of("best")
    # Numbers become what the field is.
    assert type(RefineOptions.of(experiment={"alone": 2}).alone) is float


@pytest.mark.parametrize(
    ("experiment", "message"),
    [
        ({"patience": 3}, "no option 'patience'. It has iterations, "),
        ({"alone": -1.0}, "alone cannot be -1.0: alone must be 0 or above"),
        ({"alone": "much"}, "alone cannot be 'much'; it is 1.0 by default"),
        ({"alone": True}, "alone cannot be True"),
        ({"field": 1}, "field cannot be 1; it is 'off' by default"),
        ({"parts": 2.5}, "parts cannot be 2.5"),
    ],
)
def test_experiments_that_are_not_possible_are_refused(experiment: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        RefineOptions.of(experiment=experiment)
