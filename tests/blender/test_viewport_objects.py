# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects the viewport shows as splats, and how they are tinted."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from bl_ext.user_default.splatcut.bridge import labelled, native, results, splats, state
from bl_ext.user_default.splatcut.bridge.labelled import Labelled
from bl_ext.user_default.splatcut.bridge.viewport import shown
from bl_ext.user_default.splatcut.core import drawing
from blender_scene import count_of, show_preview

from splatcut.formats import read_splats
from splatcut.messages.worker import RunResult
from splatcut.scene.gaussians import Gaussians

DEMO = Path(__file__).resolve().parents[2] / "demo"


@pytest.fixture(scope="module")
def demo_gaussians() -> Gaussians:
    return read_splats(DEMO / "scene.ply").gaussians


def few(demo_gaussians: Gaussians, name: str = "splat") -> Any:
    splat_file = read_splats(DEMO / "scene.ply").take(np.arange(0, len(demo_gaussians), 500))
    obj = splats.create(bpy.context, splat_file, name)
    bpy.context.view_layer.update()
    return obj


def in_view() -> list[shown.Shown]:
    context: Any = types.SimpleNamespace(view_layer=bpy.context.view_layer, space_data=None)
    return shown.shown_in(context)


def test_visible_splat_objects_are_shown(demo_gaussians: Gaussians) -> None:
    obj, other = few(demo_gaussians), few(demo_gaussians, "other")
    if native.native():
        assert in_view() == []  # Blender shows them
        for one in (obj, other):
            one.splatcut.objects.add().uid = "a"
            labelled.write(one, Labelled(np.ones(count_of(one), np.int32), np.ones(count_of(one), np.float32)))
    bpy.context.collection.objects.link(bpy.data.objects.new("no splat", bpy.data.meshes.new("mesh")))
    assert [item.uid for item in in_view()] == [obj.splatcut.uid, other.splatcut.uid]
    obj.location = 1, 2, 3
    other.splatcut.display = "POINTS"
    bpy.context.view_layer.update()
    first, second = in_view()
    assert first.matrix_world[:3, 3].tolist() == [1, 2, 3]
    assert (first.as_points, second.as_points) == (False, True)
    obj.hide_set(True)
    assert [item.uid for item in in_view()] == [other.splatcut.uid]
    other.splatcut.display = "OFF"
    assert in_view() == []


def test_blender_draws_a_box_where_the_add_on_draws_splats(demo_gaussians: Gaussians) -> None:
    obj = few(demo_gaussians)
    assert obj.display_type == ("TEXTURED" if native.native() else "BOUNDS")
    obj.splatcut.display = "OFF"
    assert obj.display_type == "TEXTURED"
    obj.splatcut.display = "POINTS"
    assert obj.display_type == "BOUNDS"


def test_tints_come_from_the_preview_and_then_from_labels(demo_gaussians: Gaussians) -> None:
    obj = few(demo_gaussians)
    settings = obj.splatcut
    count = count_of(obj)
    assert not any(item.tint for item in in_view())
    for uid, colour in (("a", (1, 0, 0)), ("b", (0, 0, 1))):
        item = settings.objects.add()
        item.uid, item.colour = uid, colour
    labels = (np.arange(count) % 3).astype(np.int32)
    labelled.write(obj, Labelled(labels, np.full(count, 0.75, np.float32)))
    kept = in_view()[0].tint
    assert kept is not None
    assert np.array_equal(kept.labels, labels)
    assert kept.probability[0] == 0.75
    np.testing.assert_allclose(kept.colours, [[1, 0, 0, 1], [0, 0, 1, 1]], atol=1e-6)
    again = in_view()[0].tint
    assert again is not None
    assert again.key == kept.key
    labelled.write(obj, Labelled(labels[::-1].copy(), np.ones(count, np.float32)))
    changed = in_view()[0].tint
    assert changed is not None
    assert changed.key != kept.key

    try:
        show_preview(obj, 1, ("b",))
        tint = in_view()[0].tint
        assert tint is not None
        np.testing.assert_allclose(tint.colours, [[0, 0, 1, 1]], atol=1e-6)
        state.live_preview(settings.uid).invalidate()
        stale = in_view()[0].tint
        assert stale is not None
        assert 0 < stale.colours[0, 3] < 1
        settings.objects[1].visible = False
        hidden = in_view()[0].tint
        assert hidden is not None
        assert hidden.colours[0, 3] == 0
        # Of other data than these: not shown.
        show_preview(obj, np.ones(3, np.int32), ("b",))
        left = in_view()[0].tint
        assert left is not None
        assert np.array_equal(left.labels, labels[::-1])
    finally:
        state.clear()


def test_the_boundary_is_tinted_above_the_threshold_as_it_is_now(demo_gaussians: Gaussians) -> None:
    obj = few(demo_gaussians)
    settings, count = obj.splatcut, count_of(obj)
    settings.objects.add().uid = "a"
    labelled.write(obj, Labelled(np.ones(count, np.int32), np.full(count, 0.5, np.float32)))
    settings.show_boundary = True
    objects = in_view()[0].tint
    assert objects is not None
    assert objects.probability[0] == 0.5  # there are no variances: the objects' tint
    variance = np.zeros(count, np.float32)
    variance[:3] = 0.05, 0.2, 0.5
    left = labelled.read(obj)
    labelled.write(obj, left._replace(variance=variance))

    def boundary() -> shown.Tint:
        tint = in_view()[0].tint
        assert tint is not None
        codes = drawing.tint_codes(tint.labels, tint.probability, 0, len(tint.colours))
        grey = drawing.tinted(np.full((count, 3), 0.5), codes, np.concatenate([np.zeros((1, 4)), tint.colours]))
        assert np.array_equal(np.ptp(grey, axis=1) > 0.3, tint.labels == 1)
        return tint

    first = boundary()  # tau is 0.1
    assert np.flatnonzero(first.labels).tolist() == [1, 2]
    assert boundary().key == first.key
    settings.tau = 0.3
    higher = boundary()
    assert np.flatnonzero(higher.labels).tolist() == [2]
    assert higher.key != first.key
    settings.tau = 0.01
    assert np.flatnonzero(boundary().labels).tolist() == [0, 1, 2]
    try:
        show_preview(obj, 1, ("a",))
        assert np.flatnonzero(boundary().labels).tolist() == [0, 1, 2]
    finally:
        state.clear()
    settings.show_boundary = False
    again = in_view()[0].tint
    assert again is not None
    assert again.labels.all()


def test_islands_are_tinted_as_the_objects_that_they_were_taken_from(demo_gaussians: Gaussians) -> None:
    obj = few(demo_gaussians)
    settings, count = obj.splatcut, count_of(obj)
    for uid, colour in (("a", (1, 0, 0)), ("b", (0, 0, 1))):
        item = settings.objects.add()
        item.uid, item.colour = uid, colour
    labels, island, sure = np.ones(count, np.int32), np.zeros(count, np.int32), np.full(count, 0.5, np.float32)
    labels[:3], island[:2], sure[:2] = 0, 2, (0.9, 0.8)
    labelled.write(obj, Labelled(labels, sure, island=island))

    def tint() -> shown.Tint:
        found = in_view()[0].tint
        assert found is not None
        return found

    assert np.array_equal(tint().labels, labels)
    settings.show_islands = True
    first = tint()
    assert np.flatnonzero(first.labels == 2).tolist() == [0, 1]
    assert not first.labels[2:].any()
    assert first.probability[:2].tolist() == [np.float32(0.9), np.float32(0.8)]
    np.testing.assert_allclose(first.colours[1], [0, 0, 1, 1], atol=1e-6)
    try:
        show_preview(obj, 1, ("a",))
        assert tint().key == first.key
    finally:
        state.clear()
    settings.show_boundary = True  # one of both at a time
    assert not settings.show_islands
    assert np.array_equal(tint().labels, labels)


def test_the_labels_of_a_run_are_those_of_the_input(tmp_path: Path) -> None:
    path = tmp_path / "labels.npz"
    arrays = {
        "labels": np.array([0, 1, 1, 0], np.int32),
        "probability": np.array([[0.25], [1.0], [0.75], [0.0]], np.float16),
        "parent": np.array([0, 1, 2, 2]),
    }
    np.savez(path, **arrays)  # type: ignore[arg-type]
    found = results.read_labels(path, 3, 1)
    assert found is not None
    assert found.variance is found.island is None  # a file of an earlier version
    more = {"variance": np.array([0.125, 0.0, 0.5, 1.0], np.float16), "island": np.array([1, 0, 0, 0], np.int32)}
    np.savez(path, **arrays, **more)  # type: ignore[arg-type]
    found = results.read_labels(path, 3, 1) or pytest.fail("no labels")
    assert found.labels.tolist() == [0, 1, 0]  # the surer half of the third
    assert found.probability.tolist() == [0.25, 1.0, 1.0]  # the first is an island of the object
    assert found.variance is not None
    assert found.variance.tolist() == [0.125, 0.0, 1.0]
    assert found.island is not None
    assert found.island.tolist() == [1, 0, 0]
    assert results.read_labels(path, 2, 1) is None


def test_a_delivered_run_leaves_its_variances_and_takes_older_ones_away(
    demo_gaussians: Gaussians, tmp_path: Path
) -> None:
    obj = few(demo_gaussians)
    count = count_of(obj)
    arrays = {
        "labels": np.zeros(count, np.int32),
        "probability": np.zeros((count, 1), np.float16),
        "parent": np.arange(count),
    }
    wanted = np.linspace(0, 1, count, dtype=np.float16)
    run = RunResult(tmp_path, {}, None, {"a": 0}, (), tmp_path / "report.json")
    for more in ({"variance": wanted}, {}):
        np.savez(tmp_path / "labels.npz", **arrays, **more)
        results.deliver(bpy.context, obj.splatcut.uid, run, ("a",), ("",))
        found = labelled.read(obj).variance
        assert found is None if not more else np.array_equal(found, wanted.astype(np.float32))
