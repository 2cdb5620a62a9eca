# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The refinement does the same whichever rasteriser it is given; the GPU's is tried with a stand-in for gsplat."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import gsplat_stand_in
import numpy as np
import pytest
from refine_scenes import EdgeScene, edge_scene

from splatcut import raster
from splatcut.progress import Quiet
from splatcut.raster import cuda
from splatcut.refine.bands import Band, make_bands
from splatcut.refine.field_terms import FieldTerms
from splatcut.refine.optimise import Optimiser, optimise
from splatcut.refine.options import FieldUse, RefineOptions
from splatcut.refine.parameters import Moving, pixel_sizes


@cache
def _scene() -> EdgeScene:
    return edge_scene(views=2, width=45, height=35)


def _run(options: RefineOptions, device: raster.Device) -> tuple[list[float], list[Band], Moving]:
    scene, moving = _scene(), _scene().moving()
    bands = make_bands(scene.movable, replace(scene.problem, device=device), options, Quiet())
    pixel = pixel_sizes(scene.gaussians.means[scene.rows], scene.views)
    partner = None if options.field == "off" else FieldTerms(moving, np.ones(len(scene.rows), bool), options)
    optimiser = Optimiser(
        scene.gaussians, scene.probability, moving, pixel, bands, options, device=device, partner=partner
    )
    optimise(optimiser, Quiet())
    return optimiser.history, bands, moving


@pytest.mark.parametrize("field", ["off", "full"])
@pytest.mark.parametrize("device", ["reference", "cuda"])
def test_the_same_bands_and_losses(device: raster.Device, field: FieldUse, monkeypatch: pytest.MonkeyPatch) -> None:
    if device == "cuda":
        monkeypatch.setattr(cuda, "_DEVICE", "cpu")
        monkeypatch.setattr(cuda, "require_cuda", lambda: None)
        monkeypatch.setattr(cuda, "_gsplat", lambda: gsplat_stand_in)
    options = RefineOptions(iterations=4, passes=0, parts=2, field=field)
    history, bands, moving = _run(options, "cpu")
    other_history, other_bands, other_moving = _run(options, device)
    assert [band.name for band in other_bands] == [band.name for band in bands]
    for one, other in zip(bands, other_bands, strict=True):
        np.testing.assert_array_equal(other.tiles, one.tiles)
        np.testing.assert_array_equal(other.subset, one.subset)
        assert np.abs(other.photo.astype(int) - one.photo).max() <= 3
    # gsplat clips alpha at 0.999, which stacks of nearly opaque Gaussians show.
    np.testing.assert_allclose(other_history, history, rtol=2e-3 if device == "reference" else 2e-2, atol=2e-4)
    # Adam's first steps follow the gradients' signs: where all agree the Gaussians move together.
    start = _scene().moving().tensors["log_scales"].detach()
    moves = [(m.tensors["log_scales"].detach() - start).numpy().ravel() for m in (moving, other_moving)]
    assert np.corrcoef(moves[0], moves[1])[0, 1] > 0.95
