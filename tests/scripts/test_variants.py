# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Which runs the quality benchmark makes of what is asked for."""

from __future__ import annotations

import pytest

from bench.quality.variants import ABLATION_TAUS, ABLATIONS, TAU, USUAL, VARIANTS, plan
from splatcut.errors import UserError
from splatcut.messages.arguments import parse_experiment
from splatcut.refine.options import RefineOptions


def test_every_run_has_a_folder_of_its_own() -> None:
    runs = plan(["A", "E"], taus=[0.2, 0.4, 0.6, 0.8], seeds=[0, 1]) + plan(["A"], damaged=True)
    assert len({(run.protocol, run.folder) for run in runs}) == len(runs)
    assert len({run.title for run in runs}) == len(runs)


def test_a_protocol_runs_its_usual_variants() -> None:
    assert [(run.protocol, run.variant.name, run.tau) for run in plan(["A", "B"])] == [
        (protocol, name, TAU) for protocol in "AB" for name in USUAL
    ]


def test_e_runs_every_ablation_and_other_thresholds_under_each_protocol() -> None:
    runs = plan(["E"], under=["A", "B"])
    for protocol in "AB":
        mine = [run for run in runs if run.protocol == protocol]
        assert [run.variant.name for run in mine if run.tau == TAU] == list(ABLATIONS)
        assert [(run.variant.name, run.tau) for run in mine if run.tau != TAU] == [("full", t) for t in ABLATION_TAUS]


def test_a_and_e_do_not_run_the_same_twice() -> None:
    runs = plan(["A", "E"])
    assert len(set(runs)) == len(runs)
    assert len(runs) == len(plan(["E"]))


def test_only_ready_masks_are_damaged() -> None:
    assert [run.damaged for run in plan(["A", "B"], ["lift"], damaged=True)] == [True, False]


def test_what_draws_nothing_is_run_with_one_seed() -> None:
    runs = plan(["A"], ["lift", "full"], seeds=[3, 4])
    assert [(run.variant.name, run.seed) for run in runs] == [("lift", 3), ("full", 3), ("full", 4)]
    assert [run.title for run in runs] == ["A, lift, seed 3", "A, full, seed 3", "A, full, seed 4"]


def test_an_unknown_variant_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="'best'"):
        plan(["A"], ["best"])


def test_the_plain_optimisation_takes_the_masks_as_they_are() -> None:
    assert VARIANTS["plain"].options == ("--trust-masks",)
    assert VARIANTS["field"].options == ("--experiment", "field=full")
    assert VARIANTS["full"].options == ()


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_one_that_the_engine_can_run(name: str) -> None:
    words = VARIANTS[name].options
    settings = parse_experiment(words[number + 1] for number, word in enumerate(words) if word == "--experiment")
    usual = RefineOptions.of("standard")
    assert (RefineOptions.of("standard", experiment=settings) != usual) == bool(settings)
