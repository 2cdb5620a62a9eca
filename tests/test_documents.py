# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What docstrings say about documents, and documents about code, exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ROOT / "backend" / "splatcut"
#: Pages whose names of code must exist: docs/experiments.md tells of older states.
PAGES = sorted(
    {*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("scripts/*.md")} - {ROOT / "docs/experiments.md"}
)
SOURCES = [path for place in ("backend", "blender_addon", "scripts", "tests") for path in (ROOT / place).rglob("*.py")]
#: The end of a file's name, not of a name in the code.
SUFFIXES = ("py", "md", "ply", "npz", "json", "png", "spz", "sog", "splat", "exr", "tif", "jpg", "zip", "toml", "txt")


def headings(page: Path) -> set[str]:
    """A page's headings in lower case, "the" left out."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {heading.lower().removeprefix("the ") for heading in found}


def references(source: str) -> set[tuple[str, str]]:
    """(page, heading) of every "(method: heading)" and "(design: heading; more)", over line ends too."""
    found = re.findall(r"\((method|design): ([^;)]+)[;)]", re.sub(r"\s+", " ", source))
    return {(page, heading.lower().removeprefix("the ")) for page, heading in found}


def names(text: str) -> set[str]:
    """The dotted names of code, in backticks or at the right of a block, whose first part is the engine or in it."""
    found = set(re.findall(r"`([A-Za-z_]\w*(?:\.\w+)+)(?:\(\))?`", text))
    found |= set(re.findall(r"^ {4}.* {2}([a-z_]+(?:\.\w+)+)$", text, re.MULTILINE))
    first = {"splatcut", *(path.stem for path in ENGINE.iterdir())}
    return {name for name in found if name.split(".")[0] in first and name.split(".")[-1] not in SUFFIXES}


@cache
def inside(path: Path) -> dict[str, set[str]]:
    """What a module defines at its top and takes from others, each with what is defined in it (for classes)."""

    def defined(body: list[ast.stmt]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for node in body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = set(defined(node.body))
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found[node.name] = set()
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = set()
            elif isinstance(node, ast.Assign):
                targets = [name for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
                found.update({name.id: set() for name in targets})
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                found.update({(alias.asname or alias.name): set() for alias in node.names})
            elif isinstance(node, ast.If):
                found.update(defined(node.body))
        return found

    return defined(ast.parse(path.read_text(encoding="utf-8")).body)


def exists(name: str) -> bool:
    """Whether a dotted name, with or without "splatcut." before it, is a module or something defined in one."""
    parts = name.removeprefix("splatcut.").split(".")
    for cut in range(len(parts), 0, -1):
        module, rest = ENGINE.joinpath(*parts[:cut]), parts[cut:]
        path = next((file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()), None)
        if path is not None:
            if not rest:
                return True
            found = inside(path).get(rest[0])
            return found is not None and (len(rest) == 1 or (len(rest) == 2 and rest[1] in found))
    return False


@pytest.mark.parametrize("page", ["method", "design"])
def test_every_heading_that_is_named_exists(page: str) -> None:
    known = headings(ROOT / "docs" / f"{page}.md")
    wrong = [
        f"{path.relative_to(ROOT)}: ({page}: {heading})"
        for path in SOURCES
        if path != Path(__file__)
        for where, heading in sorted(references(path.read_text(encoding="utf-8")))
        if where == page and heading not in known
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_name_of_code_exists(page: Path) -> None:
    wrong = sorted(name for name in names(page.read_text(encoding="utf-8")) if not exists(name))
    assert not wrong, "\n".join(wrong)


def test_names_and_headings_are_recognised() -> None:
    assert references('"""As said (method: exempt\n    pixels; more), and (design: the CLI)."""') == {
        ("method", "exempt pixels"), ("design", "cli"),
    }  # fmt: skip
    assert names("`lift.vote.vote`, `splatcut.errors`, `scene.ply`, `a.b`, `lift.vote.vote(x)`, `lift.gone()`") == {
        "lift.vote.vote", "splatcut.errors", "lift.gone",
    }  # fmt: skip
    assert names("Text:\n\n    m = F / W    lift.vote.vote\n") == {"lift.vote.vote"}
    assert all(exists(name) for name in ("lift.vote.vote", "splatcut.errors", "scene.camera.Camera.project"))
    assert not any(exists(name) for name in ("lift.gone", "lift.vote.gone", "scene.camera.Camera.gone"))
