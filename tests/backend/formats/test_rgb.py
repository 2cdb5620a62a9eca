# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""PLYs with red, green and blue in place of f_dc_*."""

from __future__ import annotations

import numpy as np
import pytest
from odd_plys import TYPES, columns, gaussians, ply

from splatcut.errors import UserError
from splatcut.formats import read_splats, write_splats
from splatcut.formats.findings import scene_findings
from splatcut.scene.gaussians import SH_C0


@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize(("kind", "white"), [("uchar", 255), ("ushort", 65535), ("float", 1), ("double", 255)])
def test_plain_colours_are_read(tmp_path, kind, white, encoding) -> None:
    g = gaussians(30, 1)
    content = columns(g)
    rng = np.random.default_rng(1)
    colours = {name: rng.uniform(0, white, 30) for name in ("red", "green", "blue")}
    if white != 1:
        colours = {name: np.rint(values) for name, values in colours.items()}
    changed = {
        {"f_dc_0": "red", "f_dc_1": "green", "f_dc_2": "blue"}.get(name, name): column
        for name, column in content.items()
    }
    changed |= {name: (kind, values.astype(TYPES[kind])) for name, values in colours.items()}
    changed["tag"] = "ushort", np.arange(30)
    path = tmp_path / "a.ply"
    path.write_bytes(ply(changed, encoding, head=("comment by nerfstudio",)))
    splats = read_splats(path)
    expected = np.stack([colours[name] for name in ("red", "green", "blue")], axis=1) / white
    np.testing.assert_allclose(splats.gaussians.base_colours(), expected, atol=1e-6)
    np.testing.assert_array_equal(splats.gaussians.sh[:, 1:], g.sh[:, 1:])
    np.testing.assert_array_equal(splats.gaussians.means, g.means)
    (finding,) = scene_findings(splats)
    assert finding.severity == "note"
    assert f"0 to {white}" in finding.what

    write_splats(tmp_path / "b.ply", splats)
    again = read_splats(tmp_path / "b.ply")
    assert list(again.table.property_names) == [*content, "tag"]
    assert again.table.header.comments == ("by nerfstudio",)
    assert again.table.rows.tobytes() == splats.table.rows.tobytes()
    assert not again.findings
    np.testing.assert_allclose(again.table.rows["f_dc_1"], (expected[:, 1] - 0.5) / SH_C0, atol=1e-5)


def test_a_coloured_point_cloud_is_none(tmp_path) -> None:
    cloud = {name: ("float", np.ones(4)) for name in ("x", "y", "z")}
    cloud |= {name: ("uchar", np.ones(4)) for name in ("red", "green", "blue")}
    (tmp_path / "a.ply").write_bytes(ply(cloud))
    with pytest.raises(UserError, match="a mesh or a point cloud"):
        read_splats(tmp_path / "a.ply")
