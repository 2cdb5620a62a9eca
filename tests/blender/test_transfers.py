# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import and export that take a while: beside Blender, as in a window, and through the worker."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import exchange, splats, state, transfers, worker
from blender_imports import VARIANTS, active, import_

# --------------------------------------------------------------------------------- beside Blender, as in a window


def run_beside(path: Path, **options: Any) -> None:
    target = transfers.Target(bpy.context, path, np.eye(4))
    step = transfers.importing(exchange.Loading(path, **options), target)
    deadline = time.monotonic() + 60
    while not step(False):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_import_beside_blender(file: Any) -> None:
    run_beside(file("degree 2"))
    assert active().name == "thing"
    assert state.job is None
    assert state.message.startswith("Imported 40 Gaussians")
    state.clear()


def test_a_bad_file_beside_blender(tmp_path: Path) -> None:
    (tmp_path / "bad.ply").write_bytes(VARIANTS["degree 1"][:-3])
    run_beside(tmp_path / "bad.ply")
    assert state.message_level == "ERROR"
    assert "truncated" in state.message
    assert state.job is None
    assert not bpy.data.objects
    state.clear()


def test_a_collection_that_is_gone_by_then(file: Any) -> None:
    path = file("degree 2")
    collection = bpy.data.collections.new("gone")
    bpy.context.scene.collection.children.link(collection)
    layer = bpy.context.view_layer
    layer.active_layer_collection = layer.layer_collection.children["gone"]
    target = transfers.Target(bpy.context, path, np.eye(4))
    bpy.data.collections.remove(collection)
    step = transfers.importing(exchange.Loading(path), target)
    while not step(False):
        time.sleep(0.01)
    assert bpy.context.scene.collection.objects[0].name == "thing"
    state.clear()


def test_an_import_that_is_stopped(file: Any) -> None:
    path = file("degree 2")
    transfers.under_way.append(
        transfers.importing(exchange.Loading(path), transfers.Target(bpy.context, path, np.eye(4)))
    )
    state.set_job(state.JobStatus("import"))
    bpy.ops.splatcut.cancel()
    assert state.job is None
    assert "stopped" in state.message
    assert not bpy.data.objects
    assert not transfers.cancel()
    state.clear()


# ------------------------------------------------------------------------------------------------ through the worker


@pytest.fixture
def engine() -> Any:
    yield
    worker.close()
    state.clear()


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("formats/minimal-v2.spz", 4),
        ("formats/minimal-v3.spz", 4),
        ("real/monkey_0001.sog", None),
        ("real/playcanvas-logo/meta.json", None),
        ("real/guitar.compressed.ply", 90854),
    ],
)
@pytest.mark.slow
def test_formats_that_take_the_worker(name: str, count: int | None, shared: Path, engine: Any, tmp_path: Path) -> None:
    source = shared / "splats" / name
    obj = import_(source)
    assert obj.splatcut.source_format == exchange.file_format(source) != "ply"
    assert count is None or len(splats.arrays(obj)) == count
    assert len(splats.arrays(obj)) > 0


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".spz", ".compressed.ply"])
def test_export_through_the_worker(suffix: str, file: Any, engine: Any, tmp_path: Path) -> None:
    obj = import_(file("degree 2"))
    target = tmp_path / f"out{suffix}"
    bpy.ops.splatcut.export_splats(filepath=str(target))
    back = import_(target)
    wanted, found = splats.arrays(obj), splats.arrays(back)
    # These formats keep another order, and coordinates that are rounded.
    nearest = np.linalg.norm(found.positions[:, None] - wanted.positions, axis=2).argmin(axis=0)
    assert len(set(nearest.tolist())) == len(nearest) == len(found.positions)
    np.testing.assert_allclose(found.positions[nearest], wanted.positions, atol=5e-3)
    np.testing.assert_allclose(found.opacity[nearest], wanted.opacity, atol=0.02)
    assert found.sh.shape == wanted.sh.shape
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_a_damaged_file_through_the_worker(engine: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.spz").write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(RuntimeError, match="bad.spz") as caught:
        bpy.ops.splatcut.import_splats(filepath=str(tmp_path / "bad.spz"))
    assert "Traceback" not in str(caught.value)
    assert not bpy.data.objects


def test_without_a_worker_the_message_says_what_to_do(shared: Path, engine: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("SPLATCUT_WORKER_PYTHON", "/nowhere/python")
    with pytest.raises(RuntimeError, match="preferences"):
        bpy.ops.splatcut.import_splats(filepath=str(shared / "splats/formats/minimal-v2.spz"))
    assert not bpy.data.objects
