# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's layers: core, which knows nothing of Blender, then bridge, ops and ui. Nothing imports upwards."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ADDON = Path(__file__).resolve().parents[2] / "blender_addon"
#: From the bottom. The package itself is above all of them: it registers them.
LAYERS = ("core", "bridge", "ops", "ui")
BLENDER = {"aud", "bl_ui", "blf", "bmesh", "bpy", "bpy_extras", "gpu", "gpu_extras", "idprop", "imbuf", "mathutils"}
MODULES = {
    ".".join(path.relative_to(ADDON).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ADDON.rglob("*.py"))
    if path != ADDON / "__init__.py"
}


def imports(name: str) -> Iterator[str]:
    """What a module imports, wherever in it: the add-on's modules by ``MODULES``' names, others as "/name"."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (f"/{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield f"/{node.module}"
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                yield inner if inner in MODULES else ".".join(base)


GRAPH = {name: set(imports(name)) for name in MODULES}


def test_the_graph_is_read() -> None:
    assert GRAPH["core.session"] >= {"core.client", "/splatcut.errors"}
    assert "bridge.viewport.shaders" in GRAPH["bridge.viewport.points"]
    assert "bridge.state" in GRAPH["bridge.viewport"]


@pytest.mark.parametrize("name", sorted(MODULES))
def test_nothing_imports_upwards(name: str) -> None:
    layer = name.split(".")[0]
    if layer not in LAYERS:
        return
    allowed = LAYERS[: LAYERS.index(layer) + 1]
    for other in GRAPH[name]:
        if not other.startswith("/"):
            assert other.split(".")[0] in allowed, f"{name} imports {other}"


@pytest.mark.parametrize("name", sorted(name for name in MODULES if name.split(".")[0] == "core"))
def test_core_knows_nothing_of_blender(name: str) -> None:
    outside = {other[1:].split(".")[0] for other in GRAPH[name] if other.startswith("/")}
    assert not outside & BLENDER


def test_there_is_no_cycle() -> None:
    left = {name: {other for other in others if other in MODULES} for name, others in GRAPH.items()}
    while ready := [name for name, others in left.items() if not others & set(left)]:
        for name in ready:
            del left[name]
    # Nor are those part of a cycle that only import one.
    while ready := [name for name in left if not any(name in others for others in left.values())]:
        for name in ready:
            del left[name]
    assert not left, f"These modules import one another: {', '.join(sorted(left))}."


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_hold_one_idea(name: str) -> None:
    assert len(MODULES[name].read_text(encoding="utf-8").splitlines()) <= 400
