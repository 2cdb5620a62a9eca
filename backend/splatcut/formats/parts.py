# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scenes whose objects are told apart: as named parts in a file (USD, glTF), and as rows in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut.formats.world import no_offset, world_offset
from splatcut.messages.conversion import located
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.transform import apply_transform


@dataclass(frozen=True)
class Part:
    """Some of a scene's Gaussians; ``name`` is the object's, "" for the background."""

    name: str
    gaussians: Gaussians


@dataclass(frozen=True, eq=False)
class Membership:
    """Which object each row of a scene belongs to.

    Attributes:
        names: of the objects.
        labels: [N] int32, 0 for the background, k for the k-th name (from 1).
    """

    names: tuple[str, ...]
    labels: NDArray[np.int32]

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_] | slice) -> Membership:
        """That of the rows at ``index``."""
        return replace(self, labels=self.labels[index])


def join(parts: Sequence[Part]) -> tuple[Gaussians, Membership | None]:
    """All parts as one scene, in order; parts of one name are one object. No membership where all are background.

    SH are filled up with zeros to the highest degree.
    """
    names = tuple(dict.fromkeys(part.name for part in parts if part.name))
    count = max(part.gaussians.sh.shape[1] for part in parts)
    gaussians = concatenate([with_coefficients(part.gaussians, count) for part in parts])
    if not names:
        return gaussians, None
    numbers = [names.index(part.name) + 1 if part.name else 0 for part in parts]
    return gaussians, Membership(names, np.repeat(np.array(numbers, np.int32), [len(part.gaussians) for part in parts]))


def split(gaussians: Gaussians, objects: Membership | None) -> list[Part]:
    """The parts of a scene that have Gaussians: the background, then the objects; one part without membership."""
    if objects is None:
        return [Part("", gaussians)]
    parts = [Part(name, gaussians.take(objects.labels == number)) for number, name in enumerate(("", *objects.names))]
    return [part for part in parts if len(part.gaussians)]


def with_coefficients(gaussians: Gaussians, count: int) -> Gaussians:
    """The same Gaussians with ``count`` SH coefficients, cut off or filled up with zeros."""
    have = gaussians.sh.shape[1]
    if have == count:
        return gaussians
    sh = np.zeros((len(gaussians), count, 3), np.float32)
    sh[:, : min(have, count)] = gaussians.sh[:, :count]
    return replace(gaussians, sh=sh)


def linear(gaussians: Gaussians) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Scales [N, 3], opacities [N] and unit quaternions wxyz [N, 4], as USD and glTF hold them."""
    with np.errstate(over="ignore"):
        scales = np.exp(gaussians.log_scales.astype(np.float64)).astype(np.float32)
        opacities = (1 / (1 + np.exp(-gaussians.opacity_logits.astype(np.float64)))).astype(np.float32)
    quats = gaussians.quats.astype(np.float64)
    length = np.linalg.norm(quats, axis=1, keepdims=True)
    unit = np.where(length > 0, quats / np.where(length > 0, length, 1), [1.0, 0, 0, 0])
    return scales, opacities, unit.astype(np.float32)


def logarithmic(
    scales: NDArray[np.floating], opacities: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Log scales [N, 3] and logits [N] of linear values; 0 and 1 become infinite, beyond them is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = opacities.astype(np.float64)
        logits = np.log(wide) - np.log1p(-wide)
        # A negative scale mirrors a Gaussian, which is its own mirror image.
        return np.log(np.abs(scales.astype(np.float64))).astype(np.float32), logits.astype(np.float32)


def placed(parts: Sequence[Part], matrices: Sequence[NDArray[np.float64]]) -> tuple[list[Part], NDArray[np.float64]]:
    """The parts where their matrices put them, relative to the world offset that the whole scene needs.

    Args:
        matrices: [4, 4] world_from_part of each part: rotation, uniform scale and translation.

    Returns:
        The parts, and the world offset [3].

    Raises:
        UserError: a matrix is no similarity (``scene.transform``).
    """
    if all(np.array_equal(matrix, np.eye(4)) for matrix in matrices):
        return list(parts), no_offset()
    places, moved = [], []
    for part, matrix in zip(parts, matrices, strict=True):
        places.append(part.gaussians.means.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3])
        with located(f"the splats {part.name!r}" if part.name else "the splats"):
            moved.append(apply_transform(part.gaussians, matrix))
    rows = np.ascontiguousarray(np.concatenate(places)).view([("x", "f8"), ("y", "f8"), ("z", "f8")])[:, 0]
    offset = world_offset(rows)
    means = [(place - offset).astype(np.float32) for place in places]
    return [
        Part(part.name, replace(gaussians, means=mean))
        for part, gaussians, mean in zip(parts, moved, means, strict=True)
    ], offset
