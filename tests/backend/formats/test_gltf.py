# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splats in glTF, both ways, and what others write."""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_splats import same_rotation
from odd_plys import gaussians

from splatcut.errors import UserError
from splatcut.formats import SplatFile, losses, read_splats, write_splats
from splatcut.formats.parts import Membership
from splatcut.scene.gaussians import ANTIALIASED, Gaussians
from splatcut.scene.rotations import rotation_matrices
from splatcut.scene.transform import apply_transform

KHR = "KHR_gaussian_splatting"


def assert_same(back: Gaussians, g: Gaussians) -> None:
    """To float32: positions and harmonics bit by bit."""
    np.testing.assert_array_equal(back.means, g.means)
    np.testing.assert_array_equal(back.sh, g.sh)
    np.testing.assert_allclose(back.scales(), g.scales(), rtol=1e-6)
    np.testing.assert_allclose(back.opacities(), g.opacities(), atol=1.1e-6)
    assert same_rotation(back, g) > 1 - 1e-6


def parsed(path: Path) -> tuple[dict[str, Any], bytes]:
    """JSON and data of a .glb, by the specification."""
    content = path.read_bytes()
    magic, version, length, size, kind = struct.unpack("<4sIIII", content[:20])
    assert (magic, version, length, kind) == (b"glTF", 2, len(content), 0x4E4F534A)
    assert size % 4 == 0
    start = 20 + size
    data_size, kind = struct.unpack("<II", content[start : start + 8])
    assert kind == 0x004E4942
    assert start + 8 + data_size == length
    return json.loads(content[20:start]), content[start + 8 :]


def test_objects_are_nodes_of_their_own(tmp_path) -> None:
    labels = np.random.default_rng(3).integers(0, 3, 90).astype(np.int32)
    splats = replace(SplatFile.from_gaussians(gaussians(90, 3)), objects=Membership(("my vase.001", "büste"), labels))
    write_splats(tmp_path / "a.glb", splats)
    assert losses(splats, tmp_path / "a.glb") == []
    document, data = parsed(tmp_path / "a.glb")
    assert [node["name"] for node in document["nodes"]] == ["SplatCut", "background", "my vase.001", "büste"]
    for number, mesh in enumerate(document["meshes"]):
        g = splats.gaussians.take(labels == number)
        (primitive,) = mesh["primitives"]
        assert primitive["mode"] == 0
        assert primitive["extensions"][KHR] == {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}

        def values(name: str, primitive: Any = primitive) -> np.ndarray:
            accessor = document["accessors"][primitive["attributes"][name]]
            view = document["bufferViews"][accessor["bufferView"]]
            raw = data[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
            return np.frombuffer(raw, "<f4").reshape(accessor["count"], -1)

        np.testing.assert_array_equal(values("POSITION"), g.means * [-1, -1, 1])
        np.testing.assert_allclose(values(f"{KHR}:SCALE"), g.scales(), rtol=1e-6)
        np.testing.assert_allclose(values(f"{KHR}:OPACITY")[:, 0], g.opacities(), atol=1e-6)
        turned = apply_transform(g, np.diag([-1.0, -1, 1, 1]))
        np.testing.assert_allclose(values(f"{KHR}:SH_DEGREE_2_COEF_4"), turned.sh[:, 8], atol=1e-6)
        unit = turned.quats / np.linalg.norm(turned.quats, axis=1, keepdims=True)
        rotations = np.roll(values(f"{KHR}:ROTATION"), 1, axis=1)
        np.testing.assert_allclose(np.abs((rotations * unit).sum(axis=1)), 1, atol=1e-6)
        low = document["accessors"][primitive["attributes"]["POSITION"]]["min"]
        np.testing.assert_array_equal(np.float32(low), values("POSITION").min(axis=0))

    back = read_splats(tmp_path / "a.glb")
    assert back.objects.names == splats.objects.names
    order = np.argsort(labels, kind="stable")
    np.testing.assert_array_equal(back.objects.labels, labels[order])
    assert_same(back.gaussians, splats.gaussians.take(order))


@given(st.integers(0, 3), st.integers(1, 30), st.integers(0, 9), st.sampled_from([".glb", ".gltf"]))
def test_round_trips(tmp_path_factory: pytest.TempPathFactory, degree: int, count: int, seed: int, suffix: str) -> None:
    g = gaussians(count, degree, seed)
    g.opacity_logits[0] = [0, np.inf, -np.inf, 30, -30][seed % 5]
    g.log_scales[0, 0] = [-1, -np.inf][seed % 2]
    path = tmp_path_factory.mktemp("gltf") / f"a{suffix}"
    write_splats(path, SplatFile.from_gaussians(g))
    splats = read_splats(path)
    assert splats.objects is None
    assert_same(splats.gaussians, g.computable())


def test_far_scenes_antialiased_ones_and_degree_4(tmp_path) -> None:
    g, offset = replace(gaussians(50, 4), pixel_filter=ANTIALIASED), np.array([448_000.0, 5_411_000, 256])
    splats = SplatFile.from_gaussians(g, offset=offset)
    told = " ".join(losses(splats, tmp_path / "a.glb"))
    assert "SH degree 4 becomes 3" in told
    assert "antialiased" in told
    write_splats(tmp_path / "a.glb", splats)
    back = read_splats(tmp_path / "a.glb")
    assert back.gaussians.antialiased
    np.testing.assert_array_equal(back.gaussians.sh, g.sh[:, :16])
    for name, mean, place in zip("xyz", g.means.T, offset, strict=True):
        np.testing.assert_allclose(back.table.rows[name], mean.astype(np.float64) + place, rtol=0, atol=1e-6)


def foreign(g: Gaussians, folder: Path) -> dict[str, Any]:
    """A file as others write it: whole numbers, interleaved, the data beside it, a node with a transform above."""
    unit = np.roll(g.quats / np.linalg.norm(g.quats, axis=1, keepdims=True), -1, axis=1)
    rows = np.zeros(
        len(g), [("p", "<f4", 3), ("c", "<f4", 3), ("r", "<i2", 4), ("s", "<f4", 3), ("o", "u1"), ("pad", "u1", 3)]
    )
    rows["p"], rows["c"], rows["s"] = g.means, g.sh[:, 0], g.scales()
    rows["r"], rows["o"] = np.rint(unit * 32767), np.rint(g.opacities() * 255)
    (folder / "some data.bin").write_bytes(b"head" + rows.tobytes())
    kinds = {"p": (5126, "VEC3"), "c": (5126, "VEC3"), "r": (5122, "VEC4"), "s": (5126, "VEC3"), "o": (5121, "SCALAR")}
    accessors = [
        {"bufferView": 0, "byteOffset": rows.dtype.fields[name][1], "componentType": kind, "type": shape}
        | {"count": len(g), "normalized": kind != 5126}
        for name, (kind, shape) in kinds.items()
    ]
    names = ["POSITION", *(f"{KHR}:{name}" for name in ("SH_DEGREE_0_COEF_0", "ROTATION", "SCALE", "OPACITY"))]
    primitive = {"attributes": dict(zip(names, range(5), strict=True)), "mode": 0}
    primitive["extensions"] = {KHR: {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}}
    return {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": [
            {"children": [1], "translation": [1, 2, 3], "scale": [2, 2, 2]},
            {"mesh": 0, "rotation": [0, 0, 1, 0]},
        ],
        "meshes": [{"primitives": [primitive]}],
        "accessors": accessors,
        "bufferViews": [{"buffer": 0, "byteOffset": 4, "byteLength": rows.nbytes, "byteStride": rows.itemsize}],
        "buffers": [{"uri": "some%20data.bin", "byteLength": rows.nbytes + 4}],
    }


def test_files_of_others(tmp_path) -> None:
    g = gaussians(20, 0)
    (tmp_path / "a.gltf").write_text(json.dumps(foreign(g, tmp_path)))
    back = read_splats(tmp_path / "a.gltf").gaussians
    half_turn = np.diag([-1.0, -1, 1, 1])  # of the node, and the one between the axes
    place = np.diag([2.0, 2, 2, 1])
    place[:3, 3] = [1, 2, 3]
    expected = apply_transform(g, half_turn @ place @ half_turn)
    np.testing.assert_allclose(back.means, expected.means, atol=1e-5)
    np.testing.assert_allclose(back.log_scales, expected.log_scales, atol=1e-5)
    np.testing.assert_array_equal(back.sh, g.sh)
    np.testing.assert_allclose(back.opacities(), g.opacities(), atol=0.5 / 255 + 1e-5)
    np.testing.assert_allclose(covariances(back), covariances(expected), rtol=0.01, atol=1e-4)


@pytest.mark.parametrize(("kind", "code"), [(5121, "u1"), (5123, "<u2"), (5125, "<u4")])
def test_sparse_accessors_replace_some_values_and_stand_for_zeros(tmp_path, kind: int, code: str) -> None:
    """glTF 2.0, 3.6.2.3: over another array, and over nothing."""
    g = gaussians(20, 0)
    document = foreign(g, tmp_path)
    places, other = np.array([3, 17], code), np.array([[1, 2, 3], [4, 5, 6]], "<f4")
    data = places.tobytes() + b"\0" * (-places.nbytes % 4) + other.tobytes()
    start = len(data) - other.nbytes
    document["buffers"].append({"uri": "data:;base64," + base64.b64encode(data).decode(), "byteLength": len(data)})
    document["bufferViews"].append({"buffer": 1, "byteLength": len(data)})
    sparse = {
        "count": 2,
        "indices": {"bufferView": 1, "componentType": kind},
        "values": {"bufferView": 1, "byteOffset": start},
    }
    document["accessors"][0]["sparse"] = sparse
    document["accessors"][1] = {"componentType": 5126, "type": "VEC3", "count": 20, "sparse": sparse}
    document["nodes"] = [{"mesh": 0}]
    (tmp_path / "a.gltf").write_text(json.dumps(document))
    back = read_splats(tmp_path / "a.gltf").gaussians
    means, colours = g.means.copy(), np.zeros((20, 3), np.float32)
    means[places] = colours[places] = other
    np.testing.assert_array_equal(back.means, means * np.array([-1, -1, 1], np.float32))
    np.testing.assert_array_equal(back.sh[:, 0], colours)
    sparse["indices"]["componentType"] = 5120
    (tmp_path / "a.gltf").write_text(json.dumps(document))
    with pytest.raises(UserError, match="damaged"):
        read_splats(tmp_path / "a.gltf")


def covariances(g: Gaussians) -> np.ndarray:
    axes = rotation_matrices(g.quats) * g.scales()[:, None]
    return axes @ axes.mT


@pytest.mark.parametrize(
    ("place", "value", "word"),
    [
        (("buffers", 0, "uri"), "../secret.bin", "is not beside it"),
        (("buffers", 0, "uri"), "data:;base64," + base64.b64encode(bytes(50)).decode(), "runs past its end"),
        (("meshes", 0, "primitives", 0, "extensions", KHR, "kernel"), "ellipse2d", "only ellipses"),
        (("meshes", 0, "primitives", 0, "extensions", KHR, "extensions"), {f"{KHR}_compression_spz": {}}, "compressed"),
        (("meshes", 0, "primitives", 0, "attributes"), {"POSITION": 0}, f"no {KHR}:SCALE"),
        (("nodes", 1, "children"), [0], "loop"),
        (("nodes", 1, "scale"), [1, 2, 1], "unevenly"),
        (("accessors", 3, "bufferView"), 7, "damaged"),
        (("accessors", 3, "count"), 19, "damaged"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, place, value, word) -> None:
    document = foreign(gaussians(20, 0), tmp_path)
    inner: Any = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "a.gltf").write_text(json.dumps(document))
    with pytest.raises(UserError, match=word):
        read_splats(tmp_path / "a.gltf")


def test_linear_colours_are_told(tmp_path) -> None:
    document = foreign(gaussians(20, 0), tmp_path)
    document["meshes"][0]["primitives"][0]["extensions"][KHR]["colorSpace"] = "lin_rec709_display"
    (tmp_path / "a.gltf").write_text(json.dumps(document))
    assert "linear colours" in read_splats(tmp_path / "a.gltf").findings[0].what


@pytest.mark.parametrize("length", [10, 30, 200, 2000])
def test_a_file_that_is_cut_off(tmp_path, length) -> None:
    write_splats(tmp_path / "a.glb", SplatFile.from_gaussians(gaussians(50, 1)))
    (tmp_path / "a.glb").write_bytes((tmp_path / "a.glb").read_bytes()[:length])
    with pytest.raises(UserError):
        read_splats(tmp_path / "a.glb")
