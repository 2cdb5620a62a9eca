# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of options in docs/options.md; a test says when it is stale.

python scripts/dev/write_options.py
"""

from __future__ import annotations

import re
from pathlib import Path

from splatcut.messages.arguments import flag
from splatcut.messages.options import OPTIONS, SCENE_OPTIONS, Option

PAGE = Path(__file__).resolve().parents[2] / "docs" / "options.md"
BEGIN, END = "<!-- options: written by scripts/dev/write_options.py -->", "<!-- end of options -->"
_PLACES = {
    "panel": "*{}* in step 4",
    "details": "*{}* in step 4, *Details*",
    "preferences": "*{}* in the preferences",
    "import": "*{}* at import",
}


def table() -> str:
    """The table, a row an option."""
    rows = [
        "| name | `splatcut segment` | batch | Blender | default | values | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, option in OPTIONS.items():
        written = f"--no-{flag(option)[2:]}" if option.default is True else flag(option)
        batch = "yes" if name in SCENE_OPTIONS else ""
        blender = _PLACES.get(option.place, "").format(option.label)
        default = "" if option.default is None else f"`{str(option.default).lower()}`"
        rows.append(f"| `{name}` | `{written}` | {batch} | {blender} | {default} | {_values(option)} | {option.help} |")
    return "\n".join(rows)


def _values(option: Option) -> str:
    if option.choices:
        return "; ".join(f"`{choice.value}`: {choice.help}" for choice in option.choices)
    kind = {bool: "true or false", int: "a whole number", float: "a number", str: "a file"}[option.type]
    return kind if option.type in (bool, str) else f"{kind}, {option.limits}"


def page(text: str) -> str:
    """The page with the table as it should be. Raises ``ValueError`` when it lacks the marks around the table."""
    pattern = re.compile(rf"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.S)
    if not pattern.search(text):
        raise ValueError(f"{PAGE} lacks the lines {BEGIN} and {END}.")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{table()}\n\n{END}", text)


def main() -> None:
    """Entry point."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
