# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where vectors do not compile, the kernels do the same with single numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import raster_scenes
import torch
from raster_scenes import SceneOptions, assert_gradients_close, gradients, normal_upstream, random_scene

import splatcut
from splatcut import raster
from splatcut.raster import autograd, simd

# More than one tile, channels beside the colour, and pixels that end early.
SCENE = random_scene(5, SceneOptions(opacity=(0.3, 0.999)))


def results() -> dict[str, Any]:
    """What every kernel with vectors gives for the scene."""
    gaussians, camera = SCENE.gaussians, SCENE.camera
    rendered = raster.render(gaussians, camera, features=SCENE.features)
    rng = np.random.default_rng(0)
    signals = rng.random((2, camera.height, camera.width), np.float32)
    sums = raster.accumulate(gaussians, camera, signals)
    made = gradients(autograd.render, SCENE, normal_upstream(SCENE), torch.float32)
    return {
        "image": rendered.image,
        "features": rendered.features,
        "transmittance": rendered.transmittance,
        "weight": sums.weight,
        "weighted": sums.weighted,
        **{f"gradient of {name}": value.numpy() for name, value in made.items()},
    }


@pytest.mark.slow
def test_the_same_without_vectors(tmp_path: Path) -> None:
    """In a process in which a step of the vectors does not compile, with kernels of its own."""
    code = f"""
import llvmlite.ir, numpy as np, sys
def fail(*arguments):
    raise TypeError("no vectors here")
llvmlite.ir.IRBuilder.shuffle_vector = fail
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(raster_scenes.__file__).parent)!r}]
import test_simd
assert test_simd.simd.form.scalar
np.savez(sys.argv[1], **test_simd.results())
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(splatcut.__file__).parents[1])}
    environment |= {"NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(tmp_path / "made.npz")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert ended.returncode == 0, ended.stderr
    assert "Vector code does not compile with this numba (" in ended.stderr
    assert "no vectors here" in ended.stderr
    assert not simd.form.scalar
    with np.load(tmp_path / "made.npz") as made:
        for name, expected in results().items():
            if name.startswith("gradient"):
                got, want = torch.from_numpy(made[name]), torch.from_numpy(expected)
                assert_gradients_close({name: got}, {name: want}, 1e-4)
            else:
                np.testing.assert_allclose(made[name], expected, atol=1e-5, err_msg=name)
