# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut info`` and ``splatcut convert``."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_splats import sog_files
from mask_scenes import camera_at, make_gaussians

from splatcut.cameras import save_cameras
from splatcut.cli import convert, info
from splatcut.errors import UserError
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.scene.camera import View


def splatcut(*words: object) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(required=True)
    info.add_parser(subparsers)
    convert.add_parser(subparsers)
    args = parser.parse_args([str(word) for word in words])
    return args.func(args)


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    g = make_gaussians(rng.uniform(-1, 1, (100, 3)), 0.5, 0.5, quats=rng.normal(size=(100, 4)))
    g = replace(g, sh=np.full((100, 9, 3), 0.1, np.float32))
    g.means[7] = np.nan
    g.means[8] = [-3, 5, 2]
    path = tmp_path / "scene.ply"
    write_splats(path, SplatFile.from_gaussians(g, comments=("made for a test",)))
    return path


def test_info_as_json(scene, capsys) -> None:
    assert splatcut("info", scene, "--json") == 0
    description = json.loads(capsys.readouterr().out)
    assert description["gaussians"] == 100
    assert description["invalid"] == 1
    assert description["sh_degree"] == 2
    assert description["bounds"]["min"][0] == -3
    assert description["bounds"]["max"][1] == 5
    assert description["opacity"]["median"] == 0.5
    assert description["scale"]["max"] == pytest.approx(0.5)
    assert list(description["properties"])[:6] == ["x", "y", "z", "nx", "ny", "nz"]
    assert description["comments"] == ["made for a test"]
    assert description["encoding"] == "binary, little-endian"


def test_info_as_text(scene, capsys) -> None:
    assert splatcut("info", scene) == 0
    text = capsys.readouterr().out
    for words in ("SH degree    2", "invalid      1 ", "f_rest_* (24) opacity", "made for a test", "median 0.5"):
        assert words in text


@pytest.mark.parametrize(("opacity", "faint", "through"), [(0.1, 1.0, 1.0), (0.99, 0.0, 0.0)])
def test_info_with_cameras(tmp_path, capsys, opacity: float, faint: float, through: float) -> None:
    """A wall of 4 by 4 units, which cameras see from 3 units away."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-2, 2, 21), np.linspace(-2, 2, 21)))
    wall = make_gaussians(np.stack([x, y, 0 * x], axis=1), 0.15, opacity)
    write_splats(tmp_path / "wall.ply", SplatFile.from_gaussians(wall))
    save_cameras(tmp_path / "cameras.json", [View(f"v{n}", camera_at((0.1 * n, 0, -3))) for n in range(3)])
    assert splatcut("info", tmp_path / "wall.ply", "--cameras", tmp_path / "cameras.json", "--json") == 0
    description = json.loads(capsys.readouterr().out)
    assert description["faint"] == faint
    seen = description["cameras"]
    assert seen["count"] == 3
    assert seen["distance"] == pytest.approx(3, abs=0.01)
    assert seen["scene_size"] == pytest.approx(4 * np.sqrt(2), rel=0.05)
    assert seen["pixels"] == pytest.approx(64 * 0.15 / 3, rel=0.01)
    assert seen["translucent"] == pytest.approx(through, abs=0.1)
    assert splatcut("info", tmp_path / "wall.ply", "--cameras", tmp_path / "cameras.json") == 0
    text = capsys.readouterr().out
    assert f"translucency {faint:.0%} of the Gaussians have an opacity below 0.5; " in text
    assert "of what the cameras see of it is translucent" in text
    assert re.search(r"its 3 cameras 3\.00\d; a typical Gaussian is 3\.2 pixels large from there", text)


def test_info_of_a_folder(tmp_path, capsys) -> None:
    places = np.random.default_rng(0).normal(size=(40, 3))
    files = sog_files(make_gaussians(places, np.exp(places), colour=places, quats=(0.1, 0.2, 0.3, 0.4)))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    assert splatcut("info", tmp_path) == 0
    text = capsys.readouterr().out
    assert f"sog, {sum(map(len, files.values())):,} bytes" in text
    assert "Gaussians    40" in text


def test_convert_says_what_is_lost(scene, tmp_path, capsys) -> None:
    target = tmp_path / "out.splat"
    with pytest.raises(UserError, match="1 of the 100"):
        splatcut("convert", scene, target)
    assert not target.exists()
    assert splatcut("convert", scene, target, "--drop-invalid") == 0
    told = capsys.readouterr()
    assert "Left out 1 " in told.err
    assert "SH degree 2 becomes 0" in told.err
    assert "Wrote 99 Gaussians" in told.out
    assert len(read_splats(target)) == 99


def test_convert_to_ply_loses_nothing(scene, tmp_path, capsys) -> None:
    assert splatcut("convert", scene, tmp_path / "out.ply", "--drop-invalid") == 0
    assert "Note" not in capsys.readouterr().err
    rows = np.asarray(read_splats(scene, drop_invalid=True).table.rows)
    assert read_splats(tmp_path / "out.ply").table.rows.tobytes() == rows.tobytes()


def test_convert_overwrites_only_when_told(scene, tmp_path) -> None:
    target = tmp_path / "out.splat"
    target.write_bytes(b"precious")
    with pytest.raises(UserError, match="--force"):
        splatcut("convert", scene, target, "--drop-invalid")
    assert target.read_bytes() == b"precious"
    with pytest.raises(UserError, match="the input itself"):
        splatcut("convert", scene, scene, "--force")
    with pytest.raises(UserError, match="only be read"):
        splatcut("convert", scene, tmp_path / "out.ksplat")
    assert splatcut("convert", scene, target, "--drop-invalid", "--force") == 0
    assert len(read_splats(target)) == 99
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.splat", "scene.ply"]
