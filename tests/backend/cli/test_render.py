# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut render``: files of a small scene."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from mask_scenes import make_gaussians
from PIL import Image

from splatcut.cameras import save_cameras
from splatcut.cli import render
from splatcut.errors import UserError
from splatcut.formats import SplatFile, write_splats
from splatcut.scene.camera import Camera, View


def disc(colour: tuple[float, float, float], x: float, z: float, coefficients: int = 1) -> SplatFile:
    """One opaque round Gaussian."""
    made = make_gaussians((x, 0, z), 0.2, 0.9997, colour)
    sh = np.concatenate([made.sh, np.zeros((1, coefficients - 1, 3), np.float32)], axis=1)
    return SplatFile.from_gaussians(replace(made, sh=sh))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A red disc before a green one, a blue one aside with SH degree 1, and two cameras."""
    write_splats(tmp_path / "red.ply", disc((1, 0, 0), 0, 2))
    write_splats(tmp_path / "green.ply", disc((0, 1, 0), 0, 4))
    write_splats(tmp_path / "blue.ply", disc((0, 0, 1), 0.8, 2, 4))
    behind = np.diag([-1.0, 1.0, -1.0, 1.0])
    behind[2, 3] = 6.0
    views = [View("front", Camera(64, 48, 60.0, 60.0, 32.0, 24.0, np.eye(4)))]
    views.append(View("behind", Camera(64, 48, 60.0, 60.0, 32.0, 24.0, behind)))
    save_cameras(tmp_path / "cameras.json", views)
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    render.add_parser(parser.add_subparsers())
    scenes = [folder / name for name in ("red.ply", "green.ply", "blue.ply")]
    base = ["render", *scenes, "--cameras", folder / "cameras.json", "--out", folder / "out", "--device", "cpu"]
    args = parser.parse_args([*map(str, base), *arguments])
    return args.func(args)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_pictures_show_the_scenes_together(folder: Path) -> None:
    assert run(folder) == 0
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["behind.png", "front.png"]
    front, behind = pixels(folder / "out" / "front.png"), pixels(folder / "out" / "behind.png")
    assert front.shape == (48, 64, 3)
    assert front[24, 32, 0] > 245
    assert front[24, 32, 1] < 10
    # Seen from behind, the green one is in front.
    assert behind[24, 32, 1] > 245
    assert front[24, 56, 2] > 200
    assert front[0, 0].tolist() == [0, 0, 0]


def test_antialiased_scenes_are_drawn_as_trained(folder: Path) -> None:
    """A disc of a third of a pixel shows a part of its opacity, and scenes of both kinds are not mixed."""
    small = disc((1, 0, 0), 0, 2)
    small = SplatFile.from_gaussians(replace(small.gaussians, log_scales=small.gaussians.log_scales - np.float32(3)))
    for name in ("red.ply", "green.ply", "blue.ply"):
        write_splats(folder / name, small)
    assert run(folder, "--views", "front") == 0
    classic = pixels(folder / "out" / "front.png")[..., 0].max()
    assert run(folder, "--views", "front", "--antialiased", "on") == 0
    assert 0.2 * classic < pixels(folder / "out" / "front.png")[..., 0].max() < 0.8 * classic
    write_splats(folder / "red.ply", small.with_antialiased("on"))
    with pytest.raises(UserError, match="--antialiased"):
        run(folder)
    assert run(folder, "--views", "front", "--antialiased", "off") == 0
    assert pixels(folder / "out" / "front.png")[..., 0].max() == classic


def test_mattes_alpha_and_depth(folder: Path) -> None:
    assert run(folder, "--rgba", "--matte", "--depth", "--views", "front") == 0
    out = folder / "out"
    image = pixels(out / "front.png")
    assert image.shape == (48, 64, 4)
    assert image[0, 0, 3] == 0
    assert image[24, 32, 3] > 245
    # Straight alpha: the colour at a soft edge is the object's own.
    soft = (image[..., 3] > 60) & (image[..., 3] < 120) & (np.arange(64) < 30)
    assert soft.any()
    assert (image[soft][:, 0] > 240).all()
    mattes = {name: pixels(out / "matte" / name / "front.png") for name in ("red", "green", "blue")}
    assert mattes["red"][24, 32] > 245
    assert mattes["green"][24, 32] < 10
    assert mattes["blue"][24, 56] > 200
    together = sum(matte.astype(int) for matte in mattes.values())
    np.testing.assert_allclose(together, image[..., 3], atol=3)
    assert pixels(out / "depth" / "front.tif")[24, 32] == pytest.approx(2.0, abs=0.05)
    assert not (out / "behind.png").exists()


def test_exr_has_everything_as_channels(folder: Path) -> None:
    assert run(folder, "--exr", "--matte", "--depth", "--views", "front") == 0
    file = OpenEXR.File(str(folder / "out" / "exr" / "front.exr"), separate_channels=True)
    channels = file.channels()
    assert set(channels) == {"R", "G", "B", "A", "Z", "red.A", "green.A", "blue.A"}
    depth, alpha = channels["Z"].pixels, channels["A"].pixels
    assert depth[24, 32] == pytest.approx(2.0, abs=0.05)
    # Where nothing is, it is far away and not before everything.
    assert alpha[0, 0] == 0
    assert depth[0, 0] == np.float32(1e10)


def test_mistakes_get_sentences(folder: Path) -> None:
    with pytest.raises(UserError, match="no view 'side'"):
        run(folder, "--views", "side")
    assert not (folder / "out").exists()
    paths = [Path("a/pot.ply"), Path("b/pot.ply"), Path("cup.compressed.ply")]
    assert render.layer_names(paths) == ["a_pot", "b_pot", "cup"]
    with pytest.raises(UserError, match="'a_pot'"):
        render.layer_names([Path("x/a/pot.ply"), Path("y/a/pot.ply")])
