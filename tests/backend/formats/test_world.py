# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes far from their origin: relative in memory, exact in files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import odd_plys
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from splatcut.cli import main
from splatcut.formats import SplatFile, losses, read_splats, write_splats
from splatcut.formats.findings import scene_findings
from splatcut.formats.world import FAR, described, world_offset
from splatcut.scene.gaussians import Gaussians

#: Easting, northing and height in metres.
UTM = np.array([448262.37, 5411932.68, 116.0])


def far(count: int = 40, place: NDArray[np.floating] = UTM, kind: str = "double") -> tuple[Gaussians, dict[str, Any]]:
    """Gaussians about the origin and the columns of a file that has them at ``place``."""
    g = odd_plys.gaussians(count)
    columns = odd_plys.columns(g)
    for axis, name in enumerate("xyz"):
        columns[name] = (kind, g.means[:, axis].astype(np.float64) + place[axis])
    return g, columns


def write(path: Path, columns: dict[str, Any], encoding: str = "binary_little_endian") -> Path:
    path.write_bytes(odd_plys.ply(columns, encoding))
    return path


def rows_of(values: NDArray[np.float64]) -> NDArray[np.void]:
    rows = np.empty(len(values), [(name, "f8") for name in "xyz"])
    for axis, name in enumerate("xyz"):
        rows[name] = values[:, axis]
    return rows


@pytest.mark.parametrize("encoding", ["binary_little_endian", "binary_big_endian", "ascii"])
def test_georeferenced_doubles_are_relative_in_memory_and_come_back_bit_by_bit(encoding, tmp_path):
    g, columns = far()
    path = write(tmp_path / "a.ply", columns, encoding)
    splats = read_splats(path)
    assert np.abs(splats.offset - UTM).max() < 1.0
    np.testing.assert_allclose(splats.gaussians.means + (splats.offset - UTM), g.means, atol=2e-7)
    write_splats(tmp_path / "b.ply", splats)
    assert (tmp_path / "b.ply").read_bytes() == path.read_bytes()
    assert [found.severity for found in scene_findings(splats)] == ["note"]


def test_parts_and_edited_rows_are_written_as_doubles(tmp_path):
    _, columns = far()
    splats = read_splats(write(tmp_path / "a.ply", columns))
    parent, changed = np.array([3, 3, 7]), np.array([False, True, False])
    moved = splats.gaussians.take(parent)
    moved = replace(moved, means=moved.means + np.float32(0.25))
    write_splats(tmp_path / "b.ply", splats.with_gaussians(moved, parent, changed))
    rows = np.array(read_splats(tmp_path / "b.ply").table.rows)
    assert rows[[0, 2]].tobytes() == np.asarray(splats.table.rows)[[3, 7]].tobytes()
    for axis, name in enumerate("xyz"):
        assert rows.dtype[name] == np.float64
        assert rows[name][1] - columns[name][1][3] == pytest.approx(0.25, abs=3e-7), axis


def test_a_scene_about_its_origin_has_no_offset():
    g = odd_plys.gaussians()
    for place in (np.zeros(3), np.array([0.3 * FAR, 0, 0])):
        assert not world_offset(rows_of(g.means.astype(np.float64) + place)).any()
    assert not SplatFile.from_gaussians(g).offset.any()


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), st.floats(1e-3, 1e3), st.integers(0, 9), st.integers(1, 9)
)
def test_an_offset_is_exact_and_leaves_little(place, size, seed, invalid):
    """Single precision holds it, double precision takes it off, and what is left is about the scene's size."""
    points = np.random.default_rng(seed).normal(size=(200, 3)) * size + np.array(place)
    points[:invalid] = np.nan
    points[invalid : 2 * invalid] = 1e30
    offset = world_offset(rows_of(points))
    assert np.array_equal(offset, offset.astype(np.float32))
    inside = points[2 * invalid :]
    if offset.any():
        step = np.spacing(np.float32(np.abs(place).max()))
        assert np.abs(np.median(inside, axis=0) - offset).max() <= 2 * max(size, float(step))
        last = np.spacing(np.abs(place).max())
        np.testing.assert_allclose((inside - offset) + offset, inside, rtol=0, atol=last)
    else:
        assert np.abs(place).max() <= 2 * FAR * size


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), np.full((4, 3), np.nan), np.full((9, 3), 1e7), np.eye(3) * 1e300])
def test_what_has_no_spread_or_no_place_has_no_offset(rows):
    assert not world_offset(rows_of(rows)).any()


def test_single_precision_far_away_is_kept_and_its_loss_is_told(tmp_path, capsys):
    g, columns = far(kind="float")
    path = write(tmp_path / "a.ply", columns)
    splats = read_splats(path)
    np.testing.assert_array_equal(splats.gaussians.means + splats.offset, np.stack(
        [columns[name][1].astype(np.float32) for name in "xyz"], axis=1).astype(np.float64))  # fmt: skip
    write_splats(tmp_path / "b.ply", splats)
    assert (tmp_path / "b.ply").read_bytes() == path.read_bytes()
    note, loss = scene_findings(splats)
    said = loss.text
    assert (note.severity, loss.severity) == ("note", "warning")
    assert "5.41e+06 units from its origin, and its positions are in single precision" in said
    assert "steps of 0.5 units" in said
    assert main(["info", str(path)]) == 0
    shown = capsys.readouterr()
    assert said in shown.out
    assert f"world offset {described(splats.offset)}" in shown.out
    # Larger Gaussians hide steps of half a unit.
    coarse = replace(splats.gaussians, log_scales=np.full_like(g.log_scales, np.log(6.0)))
    assert [found.severity for found in scene_findings(replace(splats, gaussians=coarse))] == ["note"]


def test_formats_of_single_precision_hold_what_they_can(tmp_path, capsys):
    """A .splat holds single precision; doubles, and what is rounded further, are written relative to the offset."""
    g, columns = far()
    doubles = read_splats(write(tmp_path / "a.ply", columns))
    single = read_splats(write(tmp_path / "f.ply", far(kind="float")[1]))
    expected = g.means + (UTM - doubles.offset)
    for name, atol in (("a.splat", 1e-6), ("a.spz", 1e-5), ("a.compressed.ply", 0.01)):
        told = f"relative to the world offset {described(doubles.offset)}."
        assert any(told in sentence for sentence in losses(doubles, tmp_path / name))
        write_splats(tmp_path / name, doubles)
        means = read_splats(tmp_path / name).gaussians.means
        if name.endswith(".ply"):
            means, expected = np.sort(means, axis=0), np.sort(expected, axis=0)
        np.testing.assert_allclose(means, expected, atol=atol, err_msg=name)
    assert not any("relative to" in s for s in losses(single, tmp_path / "f.splat"))
    write_splats(tmp_path / "f.splat", single)
    again = read_splats(tmp_path / "f.splat")
    assert (again.gaussians.means + again.offset == single.gaussians.means + single.offset).all()
    assert main(["convert", str(tmp_path / "a.ply"), str(tmp_path / "c.splat")]) == 0
    assert "Note: The scene lies far from its origin" in capsys.readouterr().err


def test_a_new_file_of_a_scene_far_away_has_doubles(tmp_path):
    g = odd_plys.gaussians()
    write_splats(tmp_path / "a.ply", SplatFile.from_gaussians(g, offset=np.array([448262.0, 5411932.0, 116.0])))
    again = read_splats(tmp_path / "a.ply", offset=np.array([448262.0, 5411932.0, 116.0]))
    assert again.doubles
    assert again.gaussians.means.tobytes() == g.means.tobytes()
