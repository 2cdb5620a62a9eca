# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""SOG as it is written: what comes back, and the tables and palettes behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_splats import same_rotation
from odd_plys import gaussians

from splatcut.formats import SplatFile, losses, read_splats, write_splats
from splatcut.formats.compressed_ply import morton_order
from splatcut.formats.sog_writer import palette_of, table_of
from splatcut.scene.gaussians import ANTIALIASED


@pytest.mark.parametrize("degree", [0, 1, 2, 3, 4])
def test_round_trip(tmp_path, degree) -> None:
    g, path = gaussians(1000, degree), tmp_path / "a.sog"
    g.opacity_logits[0], g.log_scales[1, 2] = np.inf, -np.inf
    splats = SplatFile.from_gaussians(g)
    write_splats(path, splats)
    assert ("SH degree 4 becomes 3" in " ".join(losses(splats, path))) == (degree == 4)
    back, g = read_splats(path).gaussians, g.take(morton_order(g.means)).computable()
    kept = (min(degree, 3) + 1) ** 2
    np.testing.assert_allclose(back.means, g.means, atol=3e-4)
    thick = g.log_scales > -20
    np.testing.assert_allclose(back.log_scales[thick], g.log_scales[thick], atol=0.06)
    assert back.log_scales[~thick] == pytest.approx(-27.63, abs=0.1)
    np.testing.assert_allclose(back.opacities(), g.opacities(), atol=0.5 / 255 + 2e-6)
    np.testing.assert_allclose(back.sh, g.sh[:, :kept], atol=0.15)  # where values are rare, steps are wide
    assert np.abs(back.sh - g.sh[:, :kept]).mean() < 0.004
    assert same_rotation(back, g) > 0.9999


def test_antialiased_scenes_are_marked(tmp_path) -> None:
    splats = SplatFile.from_gaussians(replace(gaussians(5, 0), pixel_filter=ANTIALIASED))
    write_splats(tmp_path / "a.sog", splats)
    assert read_splats(tmp_path / "a.sog").gaussians.antialiased


@given(st.integers(1, 600), st.sampled_from(["even", "normal", "few", "far"]), st.integers(0, 99))
def test_a_table_is_as_fine_as_even_steps_in_the_mean(count: int, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = {
        "even": rng.uniform(-3, 3, count),
        "normal": rng.normal(size=count),
        "few": rng.integers(0, 5, count).astype(float),
        "far": np.where(rng.random(count) < 0.02, 1000, rng.normal(size=count)),
    }[kind].astype(np.float32)
    table, codes = table_of(values)
    assert table.shape == (256,)
    assert (np.diff(table) >= 0).all()
    error = np.abs(table[codes] - values)
    step = np.ptp(values.astype(np.float64)) / 255
    assert np.sqrt((error**2).mean()) <= step / 2 + 1e-5
    np.testing.assert_allclose(error, np.abs(table - values[:, None]).min(axis=1), atol=1e-6)


@given(st.integers(1, 300), st.integers(1, 64), st.integers(0, 99))
def test_a_palette(count: int, most: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)
    palette, labels = palette_of(values, most)
    assert len(palette) == min(count, most)
    assert set(labels.tolist()) == set(range(len(palette)))
    for label in range(len(palette)):
        np.testing.assert_allclose(palette[label], values[labels == label].mean(axis=0), atol=1e-5)
    if most >= count:
        np.testing.assert_allclose(palette[labels], values, atol=1e-6)


def test_equal_colours_take_one_place() -> None:
    values = np.repeat(np.eye(3, 6, dtype=np.float32), 50, axis=0)
    palette, labels = palette_of(values, 64)
    np.testing.assert_array_equal(palette[labels], values)
    error = np.random.default_rng(0).normal(size=(4000, 6)).astype(np.float32)
    coarse, fine = (palette_of(error, most) for most in (16, 512))
    rms = [float(np.sqrt(((made[labels] - error) ** 2).mean())) for made, labels in (coarse, fine)]
    assert rms[1] < 0.6 * rms[0] < 0.6
