# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The engine is a tower: a module imports from its own layer and those below it, and nothing imports in a circle."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

ENGINE = Path(__file__).resolve().parents[1] / "backend" / "splatcut"

#: Modules and packages of the engine, the ground floor first.
LAYERS = (
    "errors", "lazy", "files", "folders", "threads", "memory", "devices", "progress", "timing",
    "scene", "images", "mask_levels", "mask_files", "messages", "formats", "raster", "cameras", "match", "segmenter",
    "lift", "masks", "field", "refine", "heal", "export", "pipeline", "evaluation", "worker", "cli", "__main__",
)  # fmt: skip


def name_of(path: Path) -> str:
    """The dotted name inside the engine: ``lift.vote``, and ``lift`` for the package itself; "" for the engine."""
    parts = path.relative_to(ENGINE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(source: str, modules: set[str]) -> set[str]:
    """The engine's modules that a source imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = {f"{node.module}.{alias.name}": alias for alias in node.names}
            names = [name if name.removeprefix("splatcut.") in modules else node.module for name in inside]
        else:
            continue
        found |= {name.removeprefix("splatcut").removeprefix(".") for name in names if name.split(".")[0] == "splatcut"}
    return found


def sources() -> dict[str, str]:
    """All modules of the engine by name."""
    return {name_of(path): path.read_text(encoding="utf-8") for path in ENGINE.rglob("*.py")}


def upward(graph: dict[str, set[str]]) -> list[str]:
    """Imports from a higher layer, as "who imports what"."""
    height = {layer: number for number, layer in enumerate(LAYERS)}
    return [
        f"{module} imports {other}"
        for module, others in sorted(graph.items())
        for other in sorted(others)
        if other and height[other.split(".")[0]] > height[module.split(".")[0]]
    ]


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, or none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for other in sorted(graph.get(module, ())):
            if found := walk(other, [*path, module]):
                return found
        done.add(module)
        return []

    return next((found for module in sorted(graph) if (found := walk(module, []))), [])


def engine() -> dict[str, set[str]]:
    """What each module imports; the engine's own ``__init__``, which holds the version alone, is left out."""
    modules = sources()
    return {name: imports(text, set(modules)) for name, text in modules.items() if name}


def test_every_module_has_its_layer() -> None:
    assert {name.split(".")[0] for name in sources() if name} == set(LAYERS)


def test_nothing_imports_upwards() -> None:
    found = upward(engine())
    assert not found, "\n".join(found)


def test_nothing_imports_in_a_circle() -> None:
    found = circle(engine())
    assert not found, " -> ".join(found)


def test_what_a_package_offers_is_no_module_of_it() -> None:
    """A module, once loaded, would stand where the package offers something of the same name."""
    for name in ("lift", "masks", "export"):
        offered = set(importlib.import_module(f"splatcut.{name}").__all__)
        assert not offered & {path.stem for path in (ENGINE / name).glob("*.py")}


def test_upward_imports_and_circles_are_recognised() -> None:
    modules = {"lift", "lift.vote", "masks", "masks.loop"}
    late = "def f():\n    from splatcut.masks import loop\n    import splatcut.lift.vote\n"
    assert imports(late, modules) == {"masks.loop", "lift.vote"}
    assert upward({"lift.vote": {"masks.loop"}, "masks.loop": {"lift.vote"}}) == ["lift.vote imports masks.loop"]
    assert circle({"masks.loop": {"masks.snap"}, "masks.snap": {"masks.loop"}}) == [
        "masks.loop", "masks.snap", "masks.loop",
    ]  # fmt: skip
    assert circle({"masks.loop": {"masks.snap"}, "masks.snap": set()}) == []
