# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From the command line of ``splatcut segment`` to the job's options."""

from __future__ import annotations

from typing import Any

import pytest

from splatcut.cli import build_parser, main
from splatcut.cli.segment import job_of
from splatcut.errors import UserError
from splatcut.messages import OPTIONS, JobOptions

JOB = ("segment", "scene.ply", "--out", "cut", "--at", "view:1,2")


def options(*words: str) -> JobOptions:
    return job_of(build_parser(["segment"]).parse_args([*JOB, *words])).options


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("", {}),
        ("--quality fine --device cpu", {"quality": "fine", "device": "cpu"}),
        ("--no-refine --soft-edges --trust-masks", {"refine": False, "soft_edges": True, "trust_masks": True}),
        ("--refine --no-soft-edges", {}),
        ("--tau 0.6 --seed 7 --holdout 4", {"tau": 0.6, "seed": 7, "holdout": 4}),
        ("--model sam.pth --drop-invalid", {"model": "sam.pth", "drop_invalid": True}),
        (
            "--experiment field.on=true --experiment weights.alone=1 --experiment kind=new",
            {"experiment": {"field.on": True, "weights.alone": 1, "kind": "new"}},
        ),
    ],
)
def test_the_command_line_says_what_the_job_is(words: str, wanted: dict[str, Any]) -> None:
    assert options(*words.split()) == JobOptions(**wanted)


def test_an_experiment_without_a_value_is_refused() -> None:
    with pytest.raises(UserError, match="'field' must be KEY=VALUE"):
        options("--experiment", "field")


@pytest.mark.parametrize("word", ["--split", "--field", "--ablate=no-far"])
def test_switches_of_experiments_are_no_options(word: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        options(word)


def test_the_help_says_what_each_option_does_and_nothing_of_experiments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["segment", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for option in OPTIONS.values():
        assert option.help in said
    assert "experiment" not in said
