# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The page of options says what the options are."""

from __future__ import annotations

from dev import write_options
from splatcut.messages import OPTIONS


def test_the_page_is_up_to_date() -> None:
    text = write_options.PAGE.read_text(encoding="utf-8")
    assert write_options.page(text) == text, "Run python scripts/dev/write_options.py."


def test_the_table_has_a_row_for_each_option() -> None:
    _, _, *rows = write_options.table().splitlines()
    assert [row.split("|")[1].strip(" `") for row in rows] == list(OPTIONS)
    (tau,) = (row for row in rows if row.startswith("| `tau` |"))
    assert "| yes | *Boundary threshold* in step 4, *Details* | `0.1` | a number, above 0 and at most 1 |" in tau
