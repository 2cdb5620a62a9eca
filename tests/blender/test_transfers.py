# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import and export that take a while: beside Blender, as in a window, and through the worker."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import odd_plys
import pytest
from bl_ext.user_default.splatcut.bridge import exchange, splats, state, transfers, worker
from blender_imports import VARIANTS, active, import_

from splatcut.formats import SplatFile, write_splats

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


def cut_objects(file: Any) -> list[Any]:
    """A background, two objects with awkward names."""
    made = [import_(file(f"degree {k}", f"{k}.ply")) for k in (2, 1, 2)]
    made[0].splatcut.result_of = made[1].splatcut.result_of = made[2].splatcut.result_of = "a splat"
    for obj, name in zip(made, ("scene background", "my vase.001", "büste"), strict=True):
        obj.name, obj.splatcut.result_name = name, "" if "background" in name else name
    return made


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".usdc", ".usda", ".glb"])
def test_objects_go_into_one_file_and_come_out_of_it(suffix: str, file: Any, engine: Any, tmp_path: Path) -> None:
    there = {obj.name: splats.arrays(obj) for obj in cut_objects(file)}
    assert len(there) == 3
    target = tmp_path / f"out{suffix}"
    assert bpy.ops.splatcut.export_splats(filepath=str(target), what="SCENE") == {"FINISHED"}
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == [target.name]
    for obj in list(bpy.data.objects):
        bpy.data.objects.remove(obj)
    assert bpy.ops.splatcut.import_splats(filepath=str(target)) == {"FINISHED"}
    (collection,) = bpy.context.scene.collection.children
    assert collection.name == "out"
    found = {obj.name: splats.arrays(obj) for obj in collection.objects}
    assert set(found) == {"out background", "my vase.001", "büste"}
    assert all(obj.select_get() and obj.splatcut.source_format in ("usd", "gltf") for obj in collection.objects)
    for name, wanted in there.items():
        back = found[name.replace("scene", "out")]
        np.testing.assert_array_equal(back.positions, wanted.positions)
        np.testing.assert_allclose(back.opacity, wanted.opacity, atol=2e-6)
        np.testing.assert_allclose(back.scales, wanted.scales, rtol=2e-6)
        np.testing.assert_array_equal(back.sh[:, :3], wanted.sh[:, :3])  # the others were filled up with zeros


@pytest.mark.slow
def test_one_splat_is_no_object(file: Any, engine: Any, tmp_path: Path) -> None:
    import_(file("degree 2"))
    bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "a.usdc"))
    bpy.ops.splatcut.import_splats(filepath=str(tmp_path / "a.usdc"))
    assert active().name == "a"
    assert not bpy.context.scene.collection.children


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_without_usd_core_the_message_names_the_command(
    file: Any, engine: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    code = "import runpy, sys; sys.modules['pxr'] = None; runpy.run_module('splatcut', None, '__main__', True)"
    python = tmp_path / "python"
    real = os.environ["SPLATCUT_WORKER_PYTHON"]
    python.write_text(f'#!/bin/sh\n[ "$1" = -m ] || exec {real} "$@"\nshift 2\nexec {real} -c "{code}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("SPLATCUT_WORKER_PYTHON", str(python))
    import_(file("degree 2"))
    with pytest.raises(RuntimeError, match=r"Writing USD needs .* usd-core.*python\S* -m pip install usd-core"):
        bpy.ops.splatcut.export_splats(filepath=str(tmp_path / "a.usdc"))
    assert not (tmp_path / "a.usdc").exists()
    (tmp_path / "a.usda").write_text("#usda 1.0")
    with pytest.raises(RuntimeError, match=r"Reading USD needs .* -m pip install usd-core"):
        bpy.ops.splatcut.import_splats(filepath=str(tmp_path / "a.usda"))


@pytest.mark.slow
def test_what_the_engine_finds_in_a_file_is_told(
    engine: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.glb"
    write_splats(path, SplatFile.from_gaussians(odd_plys.gaussians(20, 1)))
    content = path.read_bytes().replace(b"srgb_rec709_display", b"lin_rec709_display ")
    path.write_bytes(content.replace(b'lin_rec709_display "', b'lin_rec709_display" '))
    import_(path)
    assert "They will look too dark." in capfd.readouterr().out


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
