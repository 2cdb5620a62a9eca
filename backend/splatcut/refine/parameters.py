# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians that move: their parameters as tensors, and the scene with them in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from splatcut.scene.camera import View
from splatcut.scene.gaussians import F32, Gaussians

GEOMETRY = ("means", "log_scales", "quats", "opacity_logits")
NAMES = (*GEOMETRY, "sh_dc", "sh_rest", "label_logits")


@dataclass(eq=False)
class Moving:
    """M Gaussians of a scene that may change.

    Attributes:
        rows: [M] int64, ascending rows of the scene.
        tensors: by name, leaf tensors float32: means [M, 3], log_scales [M, 3], quats [M, 4], opacity_logits [M],
            sh_dc [M, 1, 3], sh_rest [M, K - 1, 3], label_logits [M, 1 + objects] (background first).
        shown: [M] bool, those whose labels may change.
    """

    rows: NDArray[np.int64]
    tensors: dict[str, Tensor]
    shown: Tensor

    @staticmethod
    def of(
        scene: Gaussians, rows: NDArray[np.int64], probability: F32, shown: NDArray[np.bool_] | None = None
    ) -> Moving:
        """The rows of a scene; labels begin at the logarithm of ``probability`` [N, objects] (and what is left), and
        may change where ``shown`` [M]: everywhere unless given."""
        some = scene.take(rows)
        share = np.clip(probability[rows].astype(np.float64), 0.0, 1.0)
        rest = 1.0 - share.sum(axis=1, keepdims=True)
        logits = np.log(np.clip(np.concatenate([rest, share], axis=1), 0.01, None))
        logits -= logits.mean(axis=1, keepdims=True)
        arrays = {
            "means": some.means,
            "log_scales": some.log_scales,
            "quats": some.quats / np.linalg.norm(some.quats, axis=1, keepdims=True).clip(1e-12),
            "opacity_logits": some.opacity_logits,
            "sh_dc": some.sh[:, :1],
            "sh_rest": some.sh[:, 1:],
            "label_logits": logits,
        }
        tensors = {
            name: torch.from_numpy(np.array(array, dtype=np.float32, order="C")).requires_grad_()
            for name, array in arrays.items()
        }
        free = np.ones(len(rows), bool) if shown is None else shown
        return Moving(rows, tensors, torch.from_numpy(free))

    def probability(self) -> Tensor:
        """[M, objects] in [0, 1], differentiable."""
        logits = self.tensors["label_logits"]
        return torch.softmax(torch.where(self.shown[:, None], logits, logits.detach()), dim=1)[:, 1:]

    def finite(self) -> NDArray[np.bool_]:
        """[M] bool: those whose parameters are all finite."""
        good = np.ones(len(self.rows), bool)
        for tensor in self.tensors.values():
            good &= np.isfinite(tensor.detach().numpy()).reshape(len(self.rows), -1).all(axis=1)
        return good

    def put_into(self, scene: Gaussians, only: NDArray[np.bool_] | None = None) -> Gaussians:
        """A copy of the scene with these rows (those of ``only`` [M]) in it; all others bit by bit the same."""
        chosen = slice(None) if only is None else only
        values = {name: tensor.detach().numpy() for name, tensor in self.tensors.items()}
        values["sh"] = np.concatenate([values["sh_dc"], values["sh_rest"]], axis=1)
        arrays = {}
        for name in (*GEOMETRY, "sh"):
            arrays[name] = getattr(scene, name).copy()
            arrays[name][self.rows[chosen]] = values[name][chosen]
        return replace(scene, **arrays)


def pixel_sizes(means: NDArray[np.float32], views: Sequence[View]) -> NDArray[np.float32]:
    """[M] world units of a pixel at each centre in the closest view with it in its image, in any failing that."""
    best = np.full((2, len(means)), np.inf)
    for view in views:
        camera = view.camera
        pixels, z = camera.project(means)
        size = np.maximum(z, camera.near) / max(camera.fx, camera.fy)
        inside = (z > camera.near) & ((pixels > 0) & (pixels < (camera.width, camera.height))).all(axis=1)
        best[0] = np.minimum(best[0], np.where(inside, size, np.inf))
        best[1] = np.minimum(best[1], size)
    return np.where(np.isfinite(best[0]), best[0], best[1]).astype(np.float32)
