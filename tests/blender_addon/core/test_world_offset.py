# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Georeferenced scenes as attributes: near the object's origin, and exact in files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import odd_plys
import pytest
from blender_addon.core import layout
from blender_addon.core.facts import Facts

from splatcut.formats import SplatFile, read_splats, write_splats

from .attributes_in_memory import Attributes

#: Easting, northing and height in metres.
UTM = np.array([448262.37, 5411932.68, 116.0])


def georeferenced(folder: Path, kind: str = "double") -> SplatFile:
    content = odd_plys.columns(odd_plys.gaussians())
    for axis, name in enumerate("xyz"):
        content[name] = (kind, content[name][1].astype(np.float64) + UTM[axis])
    path = folder / "utm.ply"
    path.write_bytes(odd_plys.ply(content))
    return read_splats(path)


def test_georeferenced_doubles_are_near_the_objects_origin_and_come_back(tmp_path: Path) -> None:
    splats = georeferenced(tmp_path)
    attributes = Attributes.of(splats)
    positions = attributes.get(layout.POSITION)
    assert positions is not None
    np.testing.assert_allclose(positions + splats.offset, odd_plys.gaussians().means + UTM, atol=1e-6)
    facts = Facts.from_json(Facts.of(splats).to_json())
    assert facts is not None
    write_splats(tmp_path / "out.ply", layout.splats_from(attributes, facts))
    assert (tmp_path / "out.ply").read_bytes() == (tmp_path / "utm.ply").read_bytes()
    # What was moved is written as doubles, too.
    attributes = Attributes.of(splats)
    attributes.values[layout.POSITION][1][3] += np.float32(0.25)
    rows = layout.splats_from(attributes, facts).table.rows
    assert rows["x"][3] - splats.table.rows["x"][3] == pytest.approx(0.25, abs=1e-6)
    assert np.delete(rows, 3).tobytes() == np.delete(np.array(splats.table.rows), 3).tobytes()


def test_a_transform_of_a_georeferenced_object_is_applied_in_double_precision(tmp_path: Path) -> None:
    splats = georeferenced(tmp_path)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]) * 2.0
    matrix[:3, 3] = (-5411932.0, 448262.0, 116.0)
    moved = layout.splats_from(Attributes.of(splats), Facts.of(splats), matrix)
    means = splats.gaussians.means.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    found = np.stack([np.asarray(moved.table.rows[name]) for name in "xyz"], axis=1)
    np.testing.assert_allclose(found, means, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(moved.offset, matrix[:3, 3])
    assert np.abs(moved.gaussians.means).max() < 20


def test_single_precision_far_away_comes_back_too(tmp_path: Path) -> None:
    splats = georeferenced(tmp_path, "float")
    assert splats.offset.any()
    write_splats(tmp_path / "out.ply", layout.splats_from(Attributes.of(splats), Facts.of(splats)))
    assert (tmp_path / "out.ply").read_bytes() == (tmp_path / "utm.ply").read_bytes()


def test_facts_of_earlier_files_have_no_offset(tmp_path: Path) -> None:
    facts = Facts.of(georeferenced(tmp_path))
    text = json.loads(facts.to_json())
    for offset, known in (([0.5, 1.0, 2.0], True), ([0.5, 1.0], False), ([0.5, 1.0, None], False), (None, False)):
        assert (Facts.from_json(json.dumps({**text, "offset": offset})) is not None) == known
    del text["offset"]
    again = Facts.from_json(json.dumps(text))
    assert again is not None
    assert again.offset == (0, 0, 0)
