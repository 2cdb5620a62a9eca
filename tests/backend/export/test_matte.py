# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Colour conversions and image files, read back with other programs' readers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mask_scenes import make_gaussians
from PIL import Image

from splatcut.errors import UserError
from splatcut.export import matte
from splatcut.scene.camera import Camera
from splatcut.scene.gaussians import Gaussians


def discs(depths: list[float], offsets: list[float]) -> Gaussians:
    """Round Gaussians before the camera below, red, green, blue in turn."""
    places = [(x, 0.0, z) for x, z in zip(offsets, depths, strict=True)]
    return make_gaussians(places, 0.15, 0.9997, np.eye(3)[np.arange(len(places)) % 3])


CAMERA = Camera(64, 48, 60.0, 60.0, 32.0, 24.0, np.eye(4))


def test_layers_occlude_each_other_and_add_up() -> None:
    # Red at depth 2 before green at depth 4, blue aside.
    gaussians = discs([2.0, 4.0, 2.0], [0.0, 0.0, 0.6])
    layers = matte.render_layers(gaussians, np.array([0, 1, 2]), 3, CAMERA)
    np.testing.assert_allclose(layers.coverage.sum(axis=0), layers.alpha, atol=2e-3)
    centre = (24, 32)
    assert layers.coverage[0][centre] > 0.98
    assert layers.coverage[1][centre] < 0.02
    assert layers.depth[centre] == pytest.approx(2.0, abs=0.05)
    assert layers.coverage[2][24, 50] > 0.9
    # Premultiplied: where only red is, the red channel is the coverage.
    np.testing.assert_allclose(layers.image[..., 2], layers.coverage[2], atol=2e-3)
    assert layers.depth[0, 0] == 0.0
    masks = matte.object_masks(gaussians, np.array([0, 2, 1]), 2, CAMERA)
    np.testing.assert_allclose(masks[0], layers.coverage[2], atol=1e-6)
    np.testing.assert_allclose(masks[1], layers.coverage[1], atol=1e-6)


def test_srgb_to_linear_at_known_values() -> None:
    values = np.array([-0.5, 0.0, 0.04045, 0.5, 1.0], dtype=np.float32)
    expected = [0.0, 0.0, 0.0031308, 0.2140411, 1.0]
    np.testing.assert_allclose(matte.srgb_to_linear(values), expected, atol=1e-6)


@given(st.floats(0, 1, width=32) | st.floats(0.4999, 0.5001).map(np.float32))
def test_a_byte_above_127_is_a_value_above_one_half(value: float) -> None:
    assert (matte.to_bytes(np.array([value], dtype=np.float32))[0] > 127) == (value > 0.5)


def test_rgba_is_straight(tmp_path: Path) -> None:
    alpha = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    image = alpha[..., None] * np.array([0.8, 0.4, 0.2], dtype=np.float32)
    matte.write_rgba(tmp_path / "a.png", image, alpha)
    pixels = np.asarray(Image.open(tmp_path / "a.png"))
    assert pixels.tolist() == [[[0, 0, 0, 0], [204, 102, 51, 127], [204, 102, 51, 255]]]


def test_masks_and_depth_read_back(tmp_path: Path) -> None:
    coverage = np.array([[[0.0, 0.5, 1.0, 2.0]], [[0.25, 0, 0, 0]]], dtype=np.float32)
    paths = matte.write_masks(tmp_path, ["pot", "cup"], "view 1", coverage)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == ["pot/view 1.png", "cup/view 1.png"]
    assert np.asarray(Image.open(paths[0])).tolist() == [[0, 127, 255, 255]]
    depth = np.array([[0.0, 1.2345678, 1e4]], dtype=np.float32)
    matte.write_depth(tmp_path / "d.tif", depth)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "d.tif")), depth)


def test_exr_is_linear_and_premultiplied(tmp_path: Path) -> None:
    alpha = np.array([[0.0, 0.5, 1.0]], dtype=np.float32)
    image = alpha[..., None] * np.array([1.0, 0.5, 0.0], dtype=np.float32)
    depth = np.array([[0.0, 2.5, 1e6]], dtype=np.float32)
    matte.write_exr(tmp_path / "a.exr", image, alpha, depth=depth, mattes={"pot": alpha})
    channels = OpenEXR.File(str(tmp_path / "a.exr"), separate_channels=True).channels()
    assert set(channels) == {"R", "G", "B", "A", "Z", "pot.A"}
    assert channels["R"].pixels.dtype == np.float16
    np.testing.assert_allclose(channels["R"].pixels, alpha, atol=1e-3)
    np.testing.assert_allclose(channels["G"].pixels, 0.2140411 * alpha, atol=1e-3)
    np.testing.assert_array_equal(channels["B"].pixels, 0)
    np.testing.assert_array_equal(channels["Z"].pixels, np.array([[1e10, 2.5, 1e6]], np.float32))
    np.testing.assert_array_equal(channels["pot.A"].pixels, channels["A"].pixels)


def test_without_openexr_a_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(UserError, match="pip install OpenEXR"):
        matte.require_exr()
    with pytest.raises(UserError, match="pip install OpenEXR"):
        matte.write_exr(tmp_path / "a.exr", np.zeros((1, 1, 3), np.float32), np.zeros((1, 1), np.float32))
    assert list(tmp_path.iterdir()) == []
