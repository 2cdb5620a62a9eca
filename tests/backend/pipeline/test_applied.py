# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Positions that were transformed without their Gaussians are told, those that were with them are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mask_scenes import make_gaussians, sphere_points
from scipy.spatial.transform import Rotation

from splatcut.cli import main
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.pipeline.applied import applied_findings
from splatcut.scene.gaussians import Gaussians
from splatcut.scene.transform import apply_transform


def shell(noise: float = 0.1) -> Gaussians:
    """A ball whose 1500 Gaussians lie flat in its surface, nearly."""
    rng = np.random.default_rng(4)
    normals = sphere_points(1500)
    leaning = normals + noise * rng.normal(size=normals.shape)
    turns = [Rotation.align_vectors([axis], [[0.0, 0, 1]])[0] for axis in leaning]
    quats = np.array([turn.as_quat(scalar_first=True) for turn in turns])
    return make_gaussians(normals, (0.05, 0.05, 0.005), 0.9, quats=quats)


@pytest.fixture(scope="module")
def ball() -> Gaussians:
    return shell()


def with_positions(gaussians: Gaussians, turn: Rotation, scale: float = 1.0) -> Gaussians:
    return replace(gaussians, means=(scale * turn.apply(gaussians.means)).astype(np.float32))


@given(axis=st.sampled_from("xyz"), degrees=st.floats(85, 130), scale=st.floats(0.5, 2))
def test_turned_positions_are_told_with_the_angle(ball, axis: str, degrees: float, scale: float) -> None:
    turn = Rotation.from_euler(axis, degrees, degrees=True)
    (finding,) = applied_findings(with_positions(ball, turn, scale))
    assert finding.severity == "warning"
    told = float(finding.what.split("turned by ")[1].split(" degrees")[0])
    assert told == pytest.approx(degrees, abs=2)


@given(degrees=st.floats(-180, 180), scale=st.floats(0.001, 1000))
def test_what_is_transformed_as_a_whole_is_right(ball, degrees: float, scale: float) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = scale * Rotation.from_euler("zx", [degrees, 0.7 * degrees], degrees=True).as_matrix()
    assert applied_findings(apply_transform(ball, matrix)) == []


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_scaled_positions_are_told(ball, scale: float) -> None:
    (finding,) = applied_findings(with_positions(ball, Rotation.identity(), scale))
    assert "have been scaled without its Gaussians" in finding.what


def test_where_nothing_can_be_told_nothing_is(ball) -> None:
    round_ones = replace(ball, log_scales=np.full_like(ball.log_scales, -3))
    assert applied_findings(with_positions(round_ones, Rotation.from_euler("x", 90, degrees=True))) == []
    assert applied_findings(ball.take(np.arange(50))) == []
    rng = np.random.default_rng(0)
    cloud = replace(ball, means=rng.normal(size=ball.means.shape).astype(np.float32))
    assert applied_findings(cloud) == []


def test_check_and_info_tell_it(ball, tmp_path: Path, capsys) -> None:
    turned = with_positions(ball, Rotation.from_euler("x", 90, degrees=True))
    write_splats(tmp_path / "applied.ply", SplatFile.from_gaussians(turned))
    for command in ("check", "info"):
        assert main([command, str(tmp_path / "applied.ply")]) == 0
        assert "The scene's positions seem to have been turned without its Gaussians" in capsys.readouterr().out


def test_the_demo_scene_is_right_until_it_is_turned(demo: Path) -> None:
    gaussians = read_splats(demo / "scene.ply").gaussians
    assert applied_findings(gaussians) == []
    assert len(applied_findings(with_positions(gaussians, Rotation.from_euler("x", 90, degrees=True)))) == 1
