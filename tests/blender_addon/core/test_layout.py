# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat files to attributes and back without Blender: exact where nothing was edited, right where something was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import odd_plys
import pytest
from blender_addon.core import layout
from blender_addon.core.facts import Facts
from hypothesis import given, settings
from hypothesis import strategies as st

from splatcut.errors import UserError
from splatcut.formats import SplatFile, read_splats, write_splats
from splatcut.scene.gaussians import MIP
from splatcut.scene.rotations import rotation_matrices
from splatcut.scene.transform import apply_transform

from .attributes_in_memory import Attributes

VARIANTS = odd_plys.variants()


def read(tmp_path: Path, content: bytes, name: str = "in.ply") -> SplatFile:
    path = tmp_path / name
    path.write_bytes(content)
    return read_splats(path)


def written(tmp_path: Path, splats: SplatFile) -> bytes:
    path = tmp_path / "out.ply"
    write_splats(path, splats)
    return path.read_bytes()


def there_and_back(splats: SplatFile) -> SplatFile:
    facts = Facts.of(splats)
    again = Facts.from_json(facts.to_json(), facts.before, facts.after)
    assert again == facts
    return layout.splats_from(Attributes.of(splats), again)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_comes_back_bit_by_bit(name: str, tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS[name])
    back = there_and_back(splats)
    assert written(tmp_path, back) == VARIANTS[name]
    for field in ("means", "log_scales", "quats", "opacity_logits", "sh"):
        ours, theirs = getattr(back.gaussians, field), getattr(splats.gaussians, field)
        assert ours.tobytes() == theirs.tobytes(), field


@pytest.mark.parametrize(
    "name", ["real/inria_layout_sh3_small.ply", "compose/dragon_10k.splat", "formats/minimal.splat"]
)
def test_real_files_come_back_bit_by_bit(name: str, shared: Path, tmp_path: Path) -> None:
    splats = read_splats(shared / "splats" / name)
    back = there_and_back(splats)
    assert back.source_format == splats.source_format
    for part, suffix in ((back, "b"), (splats, "a")):
        write_splats(tmp_path / f"{suffix}{Path(name).suffix}", part)
    assert (tmp_path / f"a{Path(name).suffix}").read_bytes() == (tmp_path / f"b{Path(name).suffix}").read_bytes()
    assert np.asarray(back.table.rows).tobytes() == np.asarray(splats.table.rows).tobytes()


def test_what_is_seen(tmp_path: Path) -> None:
    g = odd_plys.gaussians(degree=2)
    seen = Attributes.of(read(tmp_path, odd_plys.ply(odd_plys.columns(g)))).values
    np.testing.assert_array_equal(seen["position"][1], g.means)
    np.testing.assert_allclose(seen["scale"][1], np.exp(g.log_scales), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(seen["rotation"][1], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(rotation_matrices(seen["rotation"][1]), rotation_matrices(g.quats), atol=1e-6)
    np.testing.assert_array_equal(seen["radiance:base"][1][:, :3], g.sh[:, 0])
    np.testing.assert_allclose(seen["radiance:base"][1][:, 3], 1 / (1 + np.exp(-g.opacity_logits.astype(float))), 1e-6)
    assert [name for name in seen if name.startswith("radiance:sh_")] == [f"radiance:sh_{k}" for k in range(8)]
    np.testing.assert_array_equal(seen["radiance:sh_7"][1], g.sh[:, 8])


@settings(max_examples=60)
@given(index=st.lists(st.integers(0, 39), min_size=1, max_size=90), name=st.sampled_from(sorted(VARIANTS)))
def test_deleted_moved_and_duplicated_rows_stay_exact(index: list[int], name: str, tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS[name])
    rows = np.array(index) % len(splats)
    back = layout.splats_from(Attributes.of(splats).take(rows), Facts.of(splats))
    assert np.asarray(back.table.rows).tobytes() == np.asarray(splats.table.rows)[rows].tobytes()
    content = written(tmp_path, back)
    assert len(read(tmp_path, content)) == len(rows)


@settings(max_examples=60)
@given(data=st.data())
def test_edits_win_where_they_were_made(data: st.DataObject, tmp_path: Path) -> None:
    kind = data.draw(st.sampled_from(["float", "double"]))
    g = odd_plys.gaussians(seed=data.draw(st.integers(0, 99)))
    splats = read(tmp_path, odd_plys.ply(odd_plys.columns(g, kind=kind)))
    attributes = Attributes.of(splats)
    edited = np.zeros(len(g), bool)
    edited[data.draw(st.lists(st.integers(0, len(g) - 1), max_size=20))] = True
    rng = np.random.default_rng(0)
    new = {
        "position": rng.normal(size=(len(g), 3)),
        "scale": rng.uniform(0.1, 2, (len(g), 3)),
        "rotation": rng.normal(size=(len(g), 4)),
        "radiance:base": rng.uniform(0.05, 0.95, (len(g), 4)),
        "radiance:sh_1": rng.normal(size=(len(g), 3)),
    }
    changed = data.draw(st.sets(st.sampled_from(sorted(new)), min_size=1))
    for name in changed:
        attributes.values[name][1][edited] = new[name][edited]
    back = layout.splats_from(attributes, Facts.of(splats))
    rows, before = np.asarray(back.table.rows), np.asarray(splats.table.rows)
    assert rows[~edited].tobytes() == before[~edited].tobytes()

    expected = {
        "position": (new["position"], g.means, back.gaussians.means),
        "scale": (np.log(new["scale"]), g.log_scales, back.gaussians.log_scales),
        "rotation": (new["rotation"], g.quats, back.gaussians.quats),
        "radiance:sh_1": (new["radiance:sh_1"], g.sh[:, 2], back.gaussians.sh[:, 2]),
    }
    for name, (values, old, found) in expected.items():
        wanted = values if name in changed else old
        np.testing.assert_allclose(found[edited], wanted[edited], rtol=1e-5, atol=1e-6, err_msg=name)
    if "radiance:base" in changed:
        opacity = new["radiance:base"][edited, 3]
        np.testing.assert_allclose(
            back.gaussians.opacity_logits[edited], np.log(opacity / (1 - opacity)), rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(back.gaussians.sh[edited, 0], new["radiance:base"][edited, :3], rtol=1e-6)
    np.testing.assert_allclose(rows["scale_1"][edited], back.gaussians.log_scales[edited, 1])


def test_a_hidden_splat_and_one_without_size_can_be_written(tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS["degree 0"])
    attributes = Attributes.of(splats)
    attributes.values["radiance:base"][1][:3, 3] = [0, 1, 2]
    attributes.values["scale"][1][0] = [0, -1, 1]
    attributes.values["rotation"][1][1] = 0
    g = layout.splats_from(attributes, Facts.of(splats)).gaussians
    assert not g.invalid().any()
    np.testing.assert_allclose(g.opacities()[:3], [0, 1, 1], atol=1e-5)
    assert g.log_scales[0, 0] < -20


def test_another_processors_exp_is_not_an_edit(tmp_path: Path) -> None:
    """A .blend made elsewhere may hold seen values that differ in the last bits."""
    splats = read(tmp_path, VARIANTS["degree 3"])
    attributes = Attributes.of(splats)
    for name in ("scale", "rotation"):
        values = attributes.values[name][1]
        values[:] = np.nextafter(values, np.float32(np.inf))
    base = attributes.values["radiance:base"][1]
    base[:, 3] = np.nextafter(base[:, 3], np.float32(2))
    assert written(tmp_path, layout.splats_from(attributes, Facts.of(splats))) == VARIANTS["degree 3"]


@pytest.mark.parametrize("kind", ["float", "double"])
def test_edited_gaussians_lose_their_3d_filter_but_not_what_it_did(kind: str, tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS[f"3D filter, {kind}"])
    attributes = Attributes.of(splats)
    attributes.values["scale"][1][:5] *= 2
    attributes.values["radiance:base"][1][3:9, 3] = 0.5
    attributes.values["position"][1][20:] += 1
    back = layout.splats_from(attributes, Facts.of(splats))
    rows, before = np.asarray(back.table.rows), np.asarray(splats.table.rows)
    assert not rows["filter_3D"][:9].any()
    for name in ("filter_3D", "scale_0", "opacity"):
        assert (rows[name][9:] == before[name][9:]).all()
    written(tmp_path, back)
    again = read_splats(tmp_path / "out.ply").gaussians
    assert again.pixel_filter == MIP
    np.testing.assert_allclose(again.log_scales[:5], splats.gaussians.log_scales[:5] + np.log(2), atol=1e-5)
    np.testing.assert_allclose(again.log_scales[5:], splats.gaussians.log_scales[5:], atol=1e-6)
    np.testing.assert_allclose(again.opacity_logits[3:9], 0, atol=1e-6)
    np.testing.assert_allclose(again.opacity_logits[9:], splats.gaussians.opacity_logits[9:])
    np.testing.assert_array_equal(again.means, back.gaussians.means)


@pytest.mark.parametrize(("one", "other"), [("3D filter, float", "degree 1"), ("degree 1", "3D filter, float")])
def test_the_first_of_joined_objects_says_how_they_are_drawn(one: str, other: str, tmp_path: Path) -> None:
    first, second = (read(tmp_path, VARIANTS[name], f"{name}.ply") for name in (one, other))
    joined = layout.splats_from(Attributes.of(first).joined(Attributes.of(second)), Facts.of(first))
    written(tmp_path, joined)
    again = read_splats(tmp_path / "out.ply").gaussians
    assert again.pixel_filter == joined.gaussians.pixel_filter == first.gaussians.pixel_filter
    for name in ("log_scales", "opacity_logits"):
        expected = np.concatenate([getattr(first.gaussians, name), getattr(second.gaussians, name)])
        np.testing.assert_array_equal(getattr(again, name), expected)


def test_edited_unknown_properties_win(tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS["unknown properties, binary_little_endian"])
    attributes = Attributes.of(splats)
    attributes.values["my_uchar"][1][5:8] = [-3, 7, 300]
    attributes.values["my_float"][1][5] = 0.25
    attributes.values["fine_double"][1][6] = 0.1
    rows = layout.splats_from(attributes, Facts.of(splats)).table.rows
    assert rows["my_uchar"][5:8].tolist() == [0, 7, 255]
    assert rows["my_float"][5] == np.float32(0.25)
    assert rows["fine_double"][6] == np.float32(0.1)
    assert rows["fine_double"][7] == 1 + 7e-12


def test_joined_objects_keep_what_each_has(tmp_path: Path) -> None:
    first = read(tmp_path, VARIANTS["unknown properties, binary_big_endian"], "a.ply")
    second = read(tmp_path, odd_plys.ply(odd_plys.columns(odd_plys.gaussians(7, 2, seed=5))), "b.ply")
    count = len(first)
    for one, other in ((first, second), (second, first)):
        joined = layout.splats_from(Attributes.of(one).joined(Attributes.of(other)), Facts.of(one))
        assert joined.gaussians.sh_degree == 2
        for name in one.table.property_names:
            if not name.startswith("f_rest_"):
                ours = np.ascontiguousarray(joined.table.rows[name][: len(one)])
                assert ours.tobytes() == np.ascontiguousarray(one.table.rows[name]).tobytes(), name
        for part, wanted in ((slice(0, len(one)), one), (slice(len(one), None), other)):
            got, g = joined.gaussians.take(part), wanted.gaussians
            for field in ("means", "log_scales", "quats", "opacity_logits"):
                assert getattr(got, field).tobytes() == getattr(g, field).tobytes(), field
            assert np.array_equal(got.sh[:, : g.sh.shape[1]], g.sh)
            assert not got.sh[:, g.sh.shape[1] :].any()
        again = read(tmp_path, written(tmp_path, joined), "c.ply")
        assert again.gaussians.sh.tobytes() == joined.gaussians.sh.tobytes()
        own = slice(0, count) if one is first else slice(len(second), None)
        assert np.array_equal(again.table.rows["my_short"][own], first.table.rows["my_short"])
        np.testing.assert_array_equal(again.table.rows["my_float"][own], first.table.rows["my_float"])
        assert not again.table.rows["my_short"][slice(count, None) if one is first else slice(0, len(second))].any()


def test_peoples_own_attributes_are_written_too(tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS["degree 1"])
    attributes = Attributes.of(splats)
    count = len(splats)
    attributes.values["weight"] = ("FLOAT", np.linspace(0, 1, count, dtype=np.float32))
    attributes.values["keep"] = ("BOOLEAN", np.arange(count) % 2 == 0)
    attributes.values["two words"] = ("FLOAT", np.ones(count, np.float32))
    attributes.values[layout.OBJECT] = ("INT", np.ones(count, np.int32))
    back = read(tmp_path, written(tmp_path, layout.splats_from(attributes, Facts.of(splats))), "b.ply")
    assert back.table.property_names == (*splats.table.property_names, "weight", "keep")
    np.testing.assert_array_equal(back.table.rows["weight"], attributes.values["weight"][1])
    np.testing.assert_array_equal(back.table.rows["keep"], attributes.values["keep"][1])


def test_without_facts_it_is_a_standard_file(tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS["degree 2"])
    back = layout.splats_from(Attributes.of(splats), None)
    assert back.table.property_names[:6] == ("x", "y", "z", "nx", "ny", "nz")
    assert back.gaussians.sh.tobytes() == splats.gaussians.sh.tobytes()
    assert len(read(tmp_path, written(tmp_path, back), "b.ply")) == len(splats)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"version": 2}', '{"version": 1, "header": [], "newline": "\\n"}']
)
def test_damaged_facts_are_none(text: str) -> None:
    assert Facts.from_json(text) is None


def test_missing_attributes_get_plain_values() -> None:
    attributes = Attributes({"position": ("FLOAT_VECTOR", np.zeros((3, 3), np.float32))})
    g = layout.splats_from(attributes, None).gaussians
    assert g.sh_degree == 0
    np.testing.assert_array_equal(g.quats, [[1, 0, 0, 0]] * 3)
    assert not g.invalid().any()


def test_no_gaussians_at_all(tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS["elements"])
    back = layout.splats_from(Attributes.of(splats).take(np.zeros(0, int)), Facts.of(splats))
    assert len(back) == 0
    assert back.table.header.index("face") is None


def rotation(seed: int) -> np.ndarray:
    return rotation_matrices(np.random.default_rng(seed).normal(size=(1, 4)))[0]


@pytest.mark.parametrize("name", ["degree 0", "degree 3", "degree 4", "doubles", "flat", "unknown properties, ascii"])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_transforms(name: str, scale: float, tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS[name])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = scale * rotation(3), [1, -2, 3]
    moved = layout.splats_from(Attributes.of(splats), Facts.of(splats), matrix)
    wanted = apply_transform(splats.gaussians, matrix)
    again = read(tmp_path, written(tmp_path, moved), "b.ply")
    for part in (moved, again):
        for field in ("means", "quats", "opacity_logits", "sh"):
            np.testing.assert_array_equal(getattr(part.gaussians, field), getattr(wanted, field), err_msg=field)
        np.testing.assert_allclose(part.gaussians.log_scales, wanted.log_scales, atol=2e-6)
    for prop in set(splats.table.property_names) - set(odd_plys.columns(splats.gaussians)):
        np.testing.assert_array_equal(again.table.rows[prop], splats.table.rows[prop], err_msg=prop)


def test_a_transform_that_moves_nothing_changes_nothing(tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS["doubles"])
    back = layout.splats_from(Attributes.of(splats), Facts.of(splats), np.eye(4))
    assert written(tmp_path, back) == VARIANTS["doubles"]


@pytest.mark.parametrize(
    "linear", [np.diag([1.0, 2, 1]), np.diag([1.0, 1, 0]), np.array([[1, 0.5, 0], [0, 1, 0], [0, 0, 1]])]
)
def test_transforms_that_gaussians_cannot_follow(linear: np.ndarray, tmp_path: Path) -> None:
    splats = read(tmp_path, VARIANTS["degree 1"])
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    with pytest.raises(UserError, match="transform"):
        layout.splats_from(Attributes.of(splats), Facts.of(splats), matrix)


def test_names_are_told_apart() -> None:
    names = ["nx", "position", "ply:position", "a" * 200, "a" * 199, "é", "radiance", ".x", "a b"]
    found = [layout.attribute_name(name) for name in names]
    assert len(set(found)) == len(names)
    assert found[0] == "nx"
    assert all(not name.startswith((".", "splatcut:")) and name not in ("position", "radiance") for name in found)
