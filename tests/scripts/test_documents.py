# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Every table of docs/benchmarks.md stands between marks, and a command on the page writes it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import bench_quality
from bench.shared import write_markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
TEXT = PAGE.read_text(encoding="utf-8")
MARKS = re.findall(r"^<!-- (?!end)(\S+) ?(\S*) -->$", TEXT, re.M)
COMMANDS = [
    shlex.split(match.replace("\\\n", " ")) for match in re.findall(r"^    (python (?:.*\\\n)*.*)$", TEXT, re.M)
]


def test_no_table_stands_outside_of_the_marks() -> None:
    rest = re.sub(r"^<!-- (?!end).*? -->\n.*?^<!-- end -->$", "", TEXT, flags=re.M | re.S)
    assert "<!--" not in rest
    assert "|---" not in rest
    assert TEXT.startswith("# Benchmarks\n\n<!-- ready summary -->")


def test_every_tables_command_stands_on_the_page_and_its_script_is_there() -> None:
    named = {word.split("#")[1] for command in COMMANDS for word in command if word.startswith("docs/benchmarks.md#")}
    assert named == {name for name, _ in MARKS}
    assert all((PAGE.parents[1] / command[1]).is_file() for command in COMMANDS)


def test_the_quality_benchmark_knows_its_commands_and_tables() -> None:
    known = {
        "summary",
        "spreads",
        "pairs",
        "objects",
        "silhouettes",
        "unseen",
        "margins",
        "labels",
        "boundary",
        "masks",
    }
    for command in COMMANDS:
        if command[1] == "scripts/bench_quality.py":
            args = bench_quality.parse(command[2:])
            mine = {section for name, section in MARKS if name == args.markdown.split("#")[1]}
            assert mine
            assert mine <= known
            if "D" not in args.protocol:
                assert args.scene


def test_the_page_takes_new_tables(tmp_path: Path) -> None:
    copy = tmp_path / "page.md"
    for name, section in MARKS:
        copy.write_text(TEXT, encoding="utf-8")
        write_markdown(f"{copy}#{name}", "State: new.", {section: "| new |"})
        made = copy.read_text(encoding="utf-8")
        assert made.count("State: new.\n\n| new |\n") == 1
        assert re.sub(r"(?s)<!-- (?!end).*?<!-- end -->", "", made) == re.sub(
            r"(?s)<!-- (?!end).*?<!-- end -->", "", TEXT
        )
