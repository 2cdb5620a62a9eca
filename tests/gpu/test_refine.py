# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The refinement on a GPU against the CPU: the same first steps, and an object that comes to fit its masks as well.

The two rasterisers clip alpha differently (``splatcut.raster.cuda``), and Adam's first steps have the sign of the
gradient alone, so single parameters may part; losses and what comes out may not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cuda_there import ON_CUDA
from refine_scenes import EdgeScene, edge_scene, iou_alone

from splatcut import raster
from splatcut.progress import Quiet
from splatcut.refine.bands import make_bands
from splatcut.refine.field_terms import FieldTerms
from splatcut.refine.optimise import Optimiser, optimise
from splatcut.refine.options import RefineOptions
from splatcut.refine.parameters import pixel_sizes

pytestmark = ON_CUDA

OPTIONS = RefineOptions(iterations=60, passes=0)
WITH_FIELD = RefineOptions(iterations=20, passes=0, field="full")


def _optimiser(scene: EdgeScene, options: RefineOptions, device: raster.Device) -> Optimiser:
    bands = make_bands(scene.movable, replace(scene.problem, device=device), options, Quiet())
    moving = scene.moving()
    pixel = pixel_sizes(scene.gaussians.means[scene.rows], scene.views)
    partner = None if options.field == "off" else FieldTerms(moving, np.arange(len(scene.rows)) % 2 == 0, options)
    return Optimiser(scene.gaussians, scene.probability, moving, pixel, bands, options, device, partner)


@pytest.mark.parametrize("options", [OPTIONS, WITH_FIELD])
def test_the_first_losses_are_the_cpus(options: RefineOptions) -> None:
    scene = edge_scene()
    few = replace(options, iterations=4)
    losses = []
    for device in ("cpu", "cuda"):
        optimiser = _optimiser(scene, few, device)
        optimise(optimiser, Quiet())
        losses.append(optimiser.history)
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.02)


@pytest.mark.parametrize("options", [OPTIONS, WITH_FIELD])
def test_the_object_alone_comes_to_fit_its_masks_as_on_the_cpu(options: RefineOptions) -> None:
    scene = edge_scene()
    found = {}
    for device in ("cpu", "cuda"):
        optimiser = _optimiser(scene, options, device)
        optimise(optimiser, Quiet())
        assert np.isfinite(optimiser.history).all()
        after = optimiser.moving.put_into(scene.gaussians)
        wall = scene.probability[:, 0] == 0
        assert after.means[wall].tobytes() == scene.gaussians.means[wall].tobytes()
        found[device] = iou_alone(scene, after)
    assert found["cuda"] > iou_alone(scene, scene.gaussians)
    assert abs(found["cuda"] - found["cpu"]) < 0.02
