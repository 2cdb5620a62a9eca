# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splats in USD, both ways, and what others write."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_splats import same_rotation
from odd_plys import gaussians

from splatcut.cli import convert, info
from splatcut.errors import UserError
from splatcut.formats import SplatFile, losses, read_splats, write_splats
from splatcut.formats.parts import Membership
from splatcut.scene.gaussians import ANTIALIASED, Gaussians
from splatcut.scene.transform import apply_transform

# usd-core comes without types.
_MODULES: Any = [importlib.import_module(f"pxr.{name}") for name in ("Gf", "Usd", "UsdGeom", "UsdVol", "Vt")]
Gf, Usd, UsdGeom, UsdVol, Vt = _MODULES


def splatcut(*words: object) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(required=True)
    info.add_parser(subparsers)
    convert.add_parser(subparsers)
    args = parser.parse_args([str(word) for word in words])
    return args.func(args)


def assert_same(back: Gaussians, g: Gaussians) -> None:
    """To float32: positions and harmonics bit by bit."""
    np.testing.assert_array_equal(back.means, g.means)
    np.testing.assert_array_equal(back.sh, g.sh)
    np.testing.assert_allclose(back.scales(), g.scales(), rtol=1e-6)
    np.testing.assert_allclose(back.opacities(), g.opacities(), atol=1.1e-6)
    assert same_rotation(back, g) > 1 - 1e-6


def scene(degree: int = 2) -> SplatFile:
    """Two objects with awkward names and a background, their rows mixed."""
    labels = np.random.default_rng(3).integers(0, 3, 90).astype(np.int32)
    made = SplatFile.from_gaussians(gaussians(90, degree))
    return replace(made, objects=Membership(("my vase.001", "büste"), labels))


@pytest.mark.parametrize("suffix", [".usda", ".usdc", ".usd"])
def test_objects_are_prims_of_their_own(tmp_path, suffix) -> None:
    splats, path = scene(), tmp_path / f"a{suffix}"
    write_splats(path, splats)
    assert losses(splats, path) == []
    stage = Usd.Stage.Open(str(path))
    found = {str(prim.GetPath()): prim for prim in stage.Traverse() if prim.IsA(UsdVol.ParticleField3DGaussianSplat)}
    assert list(found) == ["/SplatCut/background", "/SplatCut/objects/my_vase_001", "/SplatCut/objects/büste"]
    assert stage.GetDefaultPrim().GetPath() == "/SplatCut"
    for number, prim in enumerate(found.values()):
        g = splats.gaussians.take(splats.objects.labels == number)
        splat = UsdVol.ParticleField3DGaussianSplat(prim)
        np.testing.assert_array_equal(np.array(splat.GetPositionsAttr().Get()), g.means)
        np.testing.assert_allclose(np.array(splat.GetScalesAttr().Get()), g.scales(), rtol=1e-6)
        np.testing.assert_allclose(np.array(splat.GetOpacitiesAttr().Get()), g.opacities(), atol=1e-6)
        harmonics = np.array(splat.GetRadianceSphericalHarmonicsCoefficientsAttr().Get()).reshape(len(g), 9, 3)
        np.testing.assert_array_equal(harmonics, g.sh)
        first = splat.GetOrientationsAttr().Get()[0]
        quat = np.array([first.GetReal(), *first.GetImaginary()])
        np.testing.assert_allclose(quat, g.quats[0] / np.linalg.norm(g.quats[0]), atol=1e-6)
        low, high = np.array(splat.GetExtentAttr().Get())
        assert (low < g.means.min(axis=0)).all()
        assert (high > g.means.max(axis=0)).all()

    back = read_splats(path)
    assert back.objects.names == splats.objects.names
    order = np.argsort(splats.objects.labels, kind="stable")
    np.testing.assert_array_equal(back.objects.labels, splats.objects.labels[order])
    assert_same(back.gaussians, splats.gaussians.take(order))


@given(st.integers(0, 4), st.integers(1, 30), st.integers(0, 9))
def test_round_trips(tmp_path_factory: pytest.TempPathFactory, degree: int, count: int, seed: int) -> None:
    g = gaussians(count, degree, seed)
    g.opacity_logits[0] = [0, np.inf, -np.inf, 30, -30][seed % 5]
    g.log_scales[0, 0] = [-1, -np.inf][seed % 2]
    path = tmp_path_factory.mktemp("usd") / "a.usdc"
    write_splats(path, SplatFile.from_gaussians(g))
    splats = read_splats(path)
    assert splats.objects is None
    assert_same(splats.gaussians, g.computable())
    assert splats.table.rows["scale_0"][0] == pytest.approx(g.log_scales[0, 0])


def test_antialiased_scenes_are_marked(tmp_path) -> None:
    splats = SplatFile.from_gaussians(replace(gaussians(5, 0), pixel_filter=ANTIALIASED))
    write_splats(tmp_path / "a.usda", splats)
    assert read_splats(tmp_path / "a.usda").gaussians.antialiased
    assert "antialiased" in " ".join(losses(splats, tmp_path / "a.usda"))


def stage_of(path: Path, g: Gaussians, *, place: str = "/World/Splat", half: bool = False) -> Any:
    """A file as other programs write it: SH of degree 3 without saying so, a transform above."""
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.Xform.Define(stage, "/World").AddTransformOp()
    splat = UsdVol.ParticleField3DGaussianSplat.Define(stage, place)
    quats = np.roll(g.quats, -1, axis=1)
    if half:
        splat.CreatePositionshAttr(Vt.Vec3hArray.FromNumpy(g.means.astype("f2")))
        splat.CreateOrientationshAttr(Vt.QuathArray.FromNumpy(quats.astype("f2")))
        splat.CreateScaleshAttr(Vt.Vec3hArray.FromNumpy(g.scales().astype("f2")))
        splat.CreateOpacitieshAttr(Vt.HalfArray.FromNumpy(g.opacities().astype("f2")))
        harmonics = g.sh.reshape(-1, 3).astype("f2")
        splat.CreateRadianceSphericalHarmonicsCoefficientshAttr(Vt.Vec3hArray.FromNumpy(harmonics))
    else:
        splat.CreatePositionsAttr(Vt.Vec3fArray.FromNumpy(g.means))
        splat.CreateOrientationsAttr(Vt.QuatfArray.FromNumpy(np.ascontiguousarray(quats)))
        splat.CreateScalesAttr(Vt.Vec3fArray.FromNumpy(g.scales()))
        splat.CreateOpacitiesAttr(Vt.FloatArray.FromNumpy(g.opacities()))
        splat.CreateRadianceSphericalHarmonicsCoefficientsAttr(Vt.Vec3fArray.FromNumpy(g.sh.reshape(-1, 3)))
    return stage


@pytest.mark.parametrize("half", [False, True])
def test_files_of_others(tmp_path, half) -> None:
    g = gaussians(20, 3)
    stage_of(tmp_path / "a.usda", g, half=half).Save()
    splats = read_splats(tmp_path / "a.usda")
    assert splats.objects is None
    if not half:
        assert_same(splats.gaussians, g)
    np.testing.assert_allclose(splats.gaussians.sh, g.sh, atol=1e-3)
    np.testing.assert_allclose(splats.gaussians.means, g.means, atol=2e-3)
    assert same_rotation(splats.gaussians, g) > 0.999


def test_transforms_are_applied(tmp_path) -> None:
    g = gaussians(20, 3)
    stage = stage_of(tmp_path / "a.usda", g)
    turn = Gf.Matrix4d().SetRotate(Gf.Rotation(Gf.Vec3d(1, 2, 3), 50)) * Gf.Matrix4d().SetScale(2.0)
    matrix = turn * Gf.Matrix4d().SetTranslate(Gf.Vec3d(1, 2, 3))
    UsdGeom.Xformable(stage.GetPrimAtPath("/World")).GetOrderedXformOps()[0].Set(matrix)
    stage.Save()
    expected = apply_transform(g, np.array(matrix).T)
    back = read_splats(tmp_path / "a.usda").gaussians
    for name in ("means", "log_scales", "sh"):
        np.testing.assert_allclose(getattr(back, name), getattr(expected, name), atol=1e-5, err_msg=name)
    point = matrix.Transform(Gf.Vec3d(*g.means[4].tolist()))
    np.testing.assert_allclose(back.means[4], point, atol=1e-5)
    UsdGeom.Xformable(stage.GetPrimAtPath("/World")).GetOrderedXformOps()[0].Set(
        Gf.Matrix4d().SetScale(Gf.Vec3d(1, 2, 1))
    )
    stage.Save()
    with pytest.raises(UserError, match="the splats.*unevenly"):
        read_splats(tmp_path / "a.usda")


def test_what_is_hidden_is_left_out_and_told(tmp_path) -> None:
    """By visibility, inherited or of its own, and by purpose; what is there for renders is read, instances too."""
    shown, hidden = gaussians(20, 3), gaussians(7, 3)
    stage = stage_of(tmp_path / "a.usda", shown)
    tokens = UsdGeom.Tokens
    stage_of(tmp_path / "hidden.usda", hidden).Save()

    def placed(place: str) -> Any:
        prim = UsdGeom.Xform.Define(stage, place).GetPrim()
        prim.GetReferences().AddReference("hidden.usda", "/World")
        return UsdGeom.Imageable(prim)

    placed("/World/under").GetVisibilityAttr().Set(tokens.invisible)
    placed("/World/proxy").GetPurposeAttr().Set(tokens.proxy)
    placed("/World/guide").GetPurposeAttr().Set(tokens.guide)
    stage.Save()
    splats = read_splats(tmp_path / "a.usda")
    assert splats.objects is None
    assert_same(splats.gaussians, shown)
    (finding,) = splats.findings
    assert finding.severity == "note"
    assert all(f"/World/{name}/Splat" in finding.text for name in ("under", "proxy", "guide"))
    placed("/World/full").GetPurposeAttr().Set(tokens.render)
    placed("/World/again").GetPrim().SetInstanceable(True)
    stage.Save()
    splats = read_splats(tmp_path / "a.usda")
    assert len(splats) == 20 + 7 + 7
    assert_same(splats.gaussians.take(slice(27, 34)), hidden)
    UsdGeom.Imageable(stage.GetPrimAtPath("/World")).GetVisibilityAttr().Set(tokens.invisible)
    stage.Save()
    with pytest.raises(UserError, match="All splats in a.usda are hidden"):
        read_splats(tmp_path / "a.usda")


def test_scenes_far_from_their_origin_keep_their_doubles(tmp_path) -> None:
    g, offset = gaussians(50, 1), np.array([448_000.0, 5_411_000, 256])
    splats = SplatFile.from_gaussians(g, offset=offset)
    write_splats(tmp_path / "a.usdc", splats)
    assert losses(splats, tmp_path / "a.usdc") == []
    back = read_splats(tmp_path / "a.usdc")
    for name, mean, place in zip("xyz", g.means.T, offset, strict=True):
        np.testing.assert_allclose(back.table.rows[name], mean.astype(np.float64) + place, rtol=0, atol=1e-6)


def test_what_cannot_be_used_is_told(tmp_path) -> None:
    (tmp_path / "a.usda").write_text("no USD", encoding="utf-8")
    (tmp_path / "a.usdc").write_bytes(b"PXR-USDC" + bytes(50))
    for name in ("a.usda", "a.usdc"):
        with pytest.raises(UserError, match="not a USD file"):
            read_splats(tmp_path / name)
    Usd.Stage.CreateNew(str(tmp_path / "b.usda")).Save()
    with pytest.raises(UserError, match="no prim of type"):
        read_splats(tmp_path / "b.usda")
    stage = stage_of(tmp_path / "c.usda", gaussians(20, 3))
    stage.GetPrimAtPath("/World/Splat").GetAttribute("scales").Set(Vt.Vec3fArray(19))
    stage.Save()
    with pytest.raises(UserError, match=r"/World/Splat.*scales has the shape \(19, 3\), not \(20, 3\)"):
        read_splats(tmp_path / "c.usda")
    stage.GetPrimAtPath("/World/Splat").GetAttribute("scales").Clear()
    stage.Save()
    with pytest.raises(UserError, match="no scales"):
        read_splats(tmp_path / "c.usda")
    with pytest.raises(UserError, match="only be read"):
        write_splats(tmp_path / "a.usdz", SplatFile.from_gaussians(gaussians(3, 0)))


def test_a_cut_becomes_one_file_and_a_cut_again(tmp_path, capsys) -> None:
    splats = scene()
    names = ("", *splats.objects.names)
    (tmp_path / "cut" / "objects").mkdir(parents=True)
    for number, name in enumerate(names):
        place = tmp_path / "cut" / (f"objects/{name}.ply" if name else "background.ply")
        write_splats(place, splats.take(splats.objects.labels == number))
    assert splatcut("convert", tmp_path / "cut", tmp_path / "a.usdc") == 0
    assert splatcut("info", tmp_path / "a.usdc") == 0
    assert "object       büste, " in capsys.readouterr().out
    assert splatcut("convert", tmp_path / "a.usdc", tmp_path / "again") == 0
    for path in (tmp_path / "cut").rglob("*.ply"):
        back = read_splats(tmp_path / "again" / path.relative_to(tmp_path / "cut"))
        assert_same(back.gaussians, read_splats(path).gaussians)
    assert splatcut("convert", tmp_path / "a.usdc", tmp_path / "one.ply") == 0
    assert "2 objects and the background become one scene" in capsys.readouterr().err
    with pytest.raises(UserError, match="already exists"):
        splatcut("convert", tmp_path / "a.usdc", tmp_path / "again")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="neither a SOG nor a cut"):
        splatcut("convert", tmp_path / "empty", tmp_path / "b.usdc")
