# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""scripts/README.md lists every script."""

from __future__ import annotations

import re
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def test_every_script_and_folder_of_parts_is_listed_once_and_is_there() -> None:
    text = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    listed = [name for name in re.findall(r"\]\(([^)]+)\)", text) if not name.startswith("..")]
    there = []
    for folder in (SCRIPTS, SCRIPTS / "bench", SCRIPTS / "dev"):
        for path in folder.iterdir():
            name = path.relative_to(SCRIPTS).as_posix()
            parts = path.is_dir() and path.name != "__pycache__" and name not in ("bench", "dev")
            if parts or (path.suffix in (".py", ".sh") and path.name != "__init__.py"):
                there.append(name)
    assert sorted(listed) == sorted(there)


def test_every_command_says_what_it_does() -> None:
    for path in [*SCRIPTS.glob("*.py"), *(SCRIPTS / "bench").glob("*.py"), *(SCRIPTS / "dev").glob("*.py")]:
        source = path.read_text(encoding="utf-8")
        assert re.search(r'^"""[A-Z].+', source, re.M), path.name
