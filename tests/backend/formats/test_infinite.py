# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Infinite values that mean something: opaque, invisible and flat Gaussians, as splat-transform writes them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_plys import columns, gaussians, ply

from splatcut.errors import UserError
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.scene.gaussians import Gaussians

LOGITS = [np.inf, -np.inf, 0.0, 1.0, np.inf, -1.0]
OPACITIES = [1, 0, 0.5, 0.7310586, 1, 0.26894143]


def scene() -> Gaussians:
    """Six Gaussians with the logits above; the third is flat along two axes."""
    g = gaussians(6, 1)
    g.opacity_logits[:] = LOGITS
    g.log_scales[2, :2] = -np.inf
    return g


@pytest.mark.parametrize("kind", ["float", "double"])
@pytest.mark.parametrize("encoding", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_they_are_kept_bit_by_bit_and_computed_with_as_what_they_mean(tmp_path, encoding, kind) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(ply(columns(scene(), kind=kind), encoding))
    splats = read_splats(path)
    g = splats.gaussians
    assert (len(splats), splats.dropped) == (6, 0)
    assert not g.invalid().any()
    np.testing.assert_allclose(g.opacities(), OPACITIES, atol=2e-6)
    np.testing.assert_allclose(g.scales()[2, :2], 0, atol=1e-11)
    np.testing.assert_array_equal(splats.stored().opacity_logits, np.float32(LOGITS))
    index = np.array([4, 2, 1])
    same = splats.with_gaussians(g.take(index), index, np.ones(3, bool))
    for made, rows in ((splats, slice(None)), (splats.take(index), index), (same, index)):
        write_splats(tmp_path / "b.ply", made)
        expected = np.asarray(splats.table.rows)[rows]
        assert read_splats(tmp_path / "b.ply").table.rows.tobytes() == expected.tobytes()
    changed = g.take(index)
    changed.opacity_logits[:] = 3
    back = splats.with_gaussians(changed, index, np.ones(3, bool))
    np.testing.assert_array_equal(back.table.rows["opacity"], 3)


def test_those_without_a_meaning_stay_invalid(tmp_path) -> None:
    g = gaussians(7, 1)
    g.opacity_logits[:2] = [np.nan, np.inf]
    g.log_scales[2:4, 1] = [np.inf, np.nan]
    g.means[4] = -np.inf
    g.sh[5, 2] = np.inf
    (tmp_path / "a.ply").write_bytes(ply(columns(g)))
    with pytest.raises(UserError, match="5 of the 7.*--drop-invalid"):
        read_splats(tmp_path / "a.ply")
    assert read_splats(tmp_path / "a.ply", drop_invalid=True).gaussians.opacities()[0] == pytest.approx(1)


@pytest.mark.parametrize("suffix", [".splat", ".spz", ".compressed.ply"])
def test_other_formats_hold_what_they_mean(tmp_path, suffix) -> None:
    g = scene()
    g.log_scales[2, :2] = -5 if suffix != ".splat" else -np.inf
    path = tmp_path / f"a{suffix}"
    write_splats(path, SplatFile.from_gaussians(g))
    back = read_splats(path).gaussians
    order = np.abs(back.means[:, None] - g.means).sum(axis=2).argmin(axis=0)
    np.testing.assert_allclose(back.opacities()[order], OPACITIES, atol=0.5 / 255 + 1e-6)
    np.testing.assert_allclose(np.exp(back.log_scales)[order], np.exp(g.log_scales), rtol=0.04, atol=1e-11)


def test_flat_gaussians_are_as_thin_as_a_format_has_them(tmp_path) -> None:
    for suffix, thinnest in ((".spz", -10), (".compressed.ply", -20)):
        write_splats(tmp_path / f"a{suffix}", SplatFile.from_gaussians(scene()))
        back = read_splats(tmp_path / f"a{suffix}").gaussians
        thin = back.log_scales[back.log_scales[:, 0] < -9]
        np.testing.assert_allclose(thin[:, :2], thinnest, atol=0.02)
        assert len(thin) == 1


def test_what_a_splat_file_without_scale_becomes(tmp_path) -> None:
    """A scale of zero has the logarithm -infinity, which a PLY holds."""
    row = struct.pack("<6f8B", 1, 2, 3, 0, 0.5, 0.25, 9, 9, 9, 255, 255, 128, 128, 128)
    (tmp_path / "a.splat").write_bytes(row)
    write_splats(tmp_path / "a.ply", read_splats(tmp_path / "a.splat"))
    rows = read_splats(tmp_path / "a.ply").table.rows
    np.testing.assert_allclose([rows[f"scale_{i}"][0] for i in range(3)], [-np.inf, np.log(0.5), np.log(0.25)])


@given(st.lists(st.tuples(st.sampled_from([np.inf, -np.inf, 30.0, -30.0, 0.5]), st.booleans()), min_size=1, max_size=9))
def test_finite_values_are_left_alone(kinds: list[tuple[float, bool]]) -> None:
    g = gaussians(len(kinds), 0)
    g.opacity_logits[:] = [logit for logit, _ in kinds]
    g.log_scales[:, 1] = [-np.inf if flat else -30 for _, flat in kinds]
    made = g.computable()
    finite, thick = np.isfinite(g.opacity_logits), np.isfinite(g.log_scales)
    np.testing.assert_array_equal(made.opacity_logits[finite], g.opacity_logits[finite])
    np.testing.assert_array_equal(made.log_scales[thick], g.log_scales[thick])
    assert np.isfinite(made.opacity_logits).all()
    assert np.isfinite(made.log_scales).all()
    np.testing.assert_allclose(made.opacities(), g.opacities(), atol=2e-6)
