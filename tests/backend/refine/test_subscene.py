# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians of a band render its tiles as the whole scene does, and pass their gradients to those that move."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from refine_scenes import edge_scene

from splatcut import raster
from splatcut.refine.parameters import NAMES
from splatcut.refine.subscene import SubScene


def test_a_sub_scene_renders_the_band_as_the_whole_scene_does() -> None:
    scene = edge_scene(views=2)
    moving = scene.moving()
    labels = scene.probability.copy()
    labels[scene.rows] = moving.probability().detach().numpy()
    whole_scene = moving.put_into(scene.gaussians)
    ball = scene.probability[:, 0] > 0.5
    for band in scene.bands():
        sub = SubScene(scene.gaussians, scene.probability, moving, band)
        image, blended, transmittance = (tensor.detach().numpy() for tensor in sub.render("cpu"))
        whole = raster.render(whole_scene, band.camera, features=labels)
        alone = raster.render(whole_scene.take(ball), band.camera, colour=False, opacity_scale=labels[ball, 0])
        coverage = sub.coverage(0, "cpu").detach().numpy()

        def at(array: np.ndarray, pixels: np.ndarray = band.pixels[band.valid]) -> np.ndarray:
            return array.reshape(-1, *array.shape[2:])[pixels]

        np.testing.assert_array_equal(image[band.valid], at(whole.image))
        np.testing.assert_array_equal(blended[band.valid], at(whole.features))
        np.testing.assert_array_equal(transmittance[band.valid], at(whole.transmittance))
        np.testing.assert_allclose(coverage[band.valid], 1 - at(alone.transmittance), atol=1e-6)


def test_gradients_go_to_the_rows_that_move() -> None:
    scene = edge_scene(views=1)
    scene = replace(scene, rows=scene.rows[5::40])
    (band,) = scene.bands(parts=1)
    moving = scene.moving()
    image, labels, transmittance = SubScene(scene.gaussians, scene.probability, moving, band).render("cpu")
    (
        (image.square().sum(dim=-1) + transmittance + labels[..., 0].square()) * torch.from_numpy(band.valid)
    ).sum().backward()
    whole = scene.moving()
    everything = replace(
        band,
        tiles=np.ones_like(band.tiles),
        subset=np.arange(len(scene.gaussians), dtype=np.int32),
        place=scene.rows.astype(np.int32),
        moving=np.arange(len(scene.rows), dtype=np.int32),
    )
    image, labels, transmittance = SubScene(scene.gaussians, scene.probability, whole, everything).render("cpu")
    inside = torch.from_numpy(everything.valid & np.isin(everything.pixels, band.pixels[band.valid]))
    ((image.square().sum(dim=-1) + transmittance + labels[..., 0].square()) * inside).sum().backward()
    for name in NAMES:
        expected, found = whole.tensors[name].grad, moving.tensors[name].grad
        assert expected.abs().max() > 0, name
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
