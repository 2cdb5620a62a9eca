# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut match``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from splatcut.cameras import look_at, save_cameras
from splatcut.cli import main
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.formats.matched import as_trained, is_matched
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians


def scene(path: Path, count: int = 60, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    sh = rng.normal(0, 0.1, (count, 4, 3)).astype(np.float32)
    sh[:, 0] = rng.uniform(-1, 1.5, (count, 3))
    made = Gaussians(
        rng.normal(0, 0.5, (count, 3)).astype(np.float32),
        rng.uniform(-3, -1.5, (count, 3)).astype(np.float32),
        rng.normal(0, 1, (count, 4)).astype(np.float32),
        rng.uniform(-1, 2, count).astype(np.float32),
        sh,
    )
    write_splats(path, SplatFile.from_gaussians(made))
    return path


@pytest.fixture
def cameras(tmp_path: Path) -> Path:
    places = [(3 * np.sin(a), 0.4, -3 * np.cos(a)) for a in (0.0, 1.5, 3.0, 4.5)]
    views = [
        View(f"v{i}", Camera(40, 30, 50.0, 50.0, 20.0, 15.0, look_at(p, (0, 0, 0), (0, -1, 0))))
        for i, p in enumerate(places)
    ]
    save_cameras(tmp_path / "cameras.json", views)
    return tmp_path / "cameras.json"


def test_a_file_and_back(tmp_path: Path, cameras: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = scene(tmp_path / "a.ply"), tmp_path / "b.ply"
    assert main(["match", str(source), "--cameras", str(cameras), "--out", str(out)]) == 0
    assert "Matched 60 Gaussians" in capsys.readouterr().out
    matched = read_splats(out)
    assert is_matched(matched)
    assert np.abs(matched.gaussians.sh - read_splats(source).gaussians.sh).max() > 0.05
    # Once more from the same colours: the same result.
    assert main(["match", str(out), "--cameras", str(cameras), "--out", str(tmp_path / "c.ply")]) == 0
    assert (tmp_path / "c.ply").read_bytes() == out.read_bytes()
    assert main(["match", str(out), "--blend", "display", "--out", str(tmp_path / "d.ply")]) == 0
    assert (tmp_path / "d.ply").read_bytes() == source.read_bytes()
    assert main(["match", str(source), "--blend", "display", "--out", str(tmp_path / "e.ply")]) == 2
    assert "not matched" in capsys.readouterr().err
    assert not (tmp_path / "e.ply").exists()
    # What blends as in training says that these colours are not for it.
    segment = ["segment", str(out), "--cameras", str(cameras), "--at", "v0:20,15", "--out", str(tmp_path / "o")]
    assert main(segment) == 2
    assert "matched to blending in linear light" in capsys.readouterr().err
    assert main(["render", str(out), "--cameras", str(cameras), "--out", str(tmp_path / "r")]) == 0
    assert "matched to blending in linear light" in capsys.readouterr().err


def test_a_cut_is_matched_as_one_scene(tmp_path: Path, cameras: Path) -> None:
    cut = tmp_path / "cut"
    scene(cut / "background.ply", 50)
    scene(cut / "objects" / "pot.ply", 30, seed=1)
    (cut / "report.json").write_text("{}")
    out = tmp_path / "matched"
    assert main(["match", str(cut), "--cameras", str(cameras), "--out", str(out)]) == 0
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == ["background.ply", "objects/pot.ply"]
    for name in ("background.ply", "objects/pot.ply"):
        assert is_matched(read_splats(out / name))
        np.testing.assert_array_equal(
            as_trained(read_splats(out / name)).gaussians.sh, read_splats(cut / name).gaussians.sh
        )
    whole = tmp_path / "whole.ply"
    assert main(["convert", str(cut), str(whole)]) == 0
    assert main(["match", str(whole), "--cameras", str(cameras), "--out", str(tmp_path / "one.ply")]) == 0
    rows = np.concatenate([read_splats(out / name).gaussians.sh for name in ("background.ply", "objects/pot.ply")])
    np.testing.assert_allclose(read_splats(tmp_path / "one.ply").gaussians.sh, rows, atol=2e-3)
    assert main(["match", str(cut), "--cameras", str(cameras), "--out", str(out)]) == 2
    assert main(["match", str(out), "--blend", "display", "--out", str(tmp_path / "back")]) == 0
    assert (tmp_path / "back/background.ply").read_bytes() == (cut / "background.ply").read_bytes()


def test_bad_input_gets_a_sentence(tmp_path: Path, cameras: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = scene(tmp_path / "a.ply")
    bad = read_splats(source).gaussians
    bad.sh[3, 0, 1] = np.nan
    write_splats(tmp_path / "nan.ply", SplatFile.from_gaussians(bad))
    (tmp_path / "empty").mkdir()
    blocked = tmp_path / "file"
    blocked.write_text("")
    away = tmp_path / "away.json"
    save_cameras(away, [View("x", Camera(40, 30, 50.0, 50.0, 20.0, 15.0, look_at((0, 0, -5), (0, 0, -9), (0, -1, 0))))])
    cases = [
        ([str(source), "--cameras", str(cameras), "--out", str(tmp_path / "b.spz")], "only a plain .ply"),
        ([str(tmp_path / "nan.ply"), "--cameras", str(cameras), "--out", str(tmp_path / "b.ply")], "--drop-invalid"),
        ([str(tmp_path / "empty"), "--cameras", str(cameras), "--out", str(tmp_path / "b")], "without objects"),
        ([str(source), "--cameras", str(cameras), "--out", str(source)], "the input itself"),
        ([str(source), "--cameras", str(cameras), "--out", str(blocked / "b.ply")], "cannot be written"),
        ([str(source), "--cameras", str(away), "--out", str(tmp_path / "b.ply")], "see"),
        ([str(source), "--cameras", str(tmp_path / "none"), "--out", str(tmp_path / "b.ply")], "none"),
        ([str(tmp_path / "no.ply"), "--cameras", str(cameras), "--out", str(tmp_path / "b.ply")], "no.ply"),
    ]
    for arguments, words in cases:
        assert main(["match", *arguments]) == 2, arguments
        assert words in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main(["match", str(source), "--blend", "odd", "--out", str(tmp_path / "b.ply")])
    assert stopped.value.code == 2
    assert not (tmp_path / "b.ply").exists()


def test_one_view_and_none(tmp_path: Path, cameras: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = scene(tmp_path / "a.ply")
    one = tmp_path / "one.json"
    save_cameras(one, [View("x", Camera(40, 30, 50.0, 50.0, 20.0, 15.0, look_at((0, 0, -3), (0, 0, 0), (0, -1, 0))))])
    assert main(["match", str(source), "--cameras", str(one), "--out", str(tmp_path / "b.ply")]) == 0
    assert "only 1 views" in capsys.readouterr().err
    solid = read_splats(source).gaussians
    solid.opacity_logits[:] = 4.0
    write_splats(tmp_path / "solid.ply", SplatFile.from_gaussians(solid))
    # Without cameras, virtual ones.
    assert main(["match", str(tmp_path / "solid.ply"), "--out", str(tmp_path / "c.ply")]) == 0
    made = read_splats(tmp_path / "c.ply")
    assert is_matched(made)
    assert np.abs(made.gaussians.sh - solid.sh).max() > 0.05
