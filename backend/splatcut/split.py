# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Splitting of boundary Gaussians along the axis that crosses the object's edge (method: splitting).

The edge's normal at a Gaussian is read off the masks: in a view, the blending-weighted covariance of pixel position and
mask points from the background's to the object's pixels; times the inverse projected covariance it is the gradient of
the mask over the image, and the projection's Jacobian pulls it back into the world. Summed over views it is a covector
n, and the axis to split is the one along which the mask changes most inside the Gaussian: argmax_k |n . a_k| s_k.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from splatcut import raster
from splatcut.progress import Progress
from splatcut.raster.rule import LOW_PASS
from splatcut.scene.camera import Camera, View
from splatcut.scene.gaussians import Gaussians, concatenate
from splatcut.scene.masks import MaskSet
from splatcut.scene.rotations import rotation_matrices


@dataclass(frozen=True)
class SplitOptions:
    """Which boundary Gaussians are split.

    Attributes:
        min_pixels: standard deviation along the axis, in pixels of the closest view, below which a Gaussian stays.
        rounds: how often children that are still boundary are split again.
    """

    min_pixels: float = 1.0
    rounds: int = 2

    def __post_init__(self) -> None:
        if self.min_pixels <= 0:
            raise ValueError("min_pixels must be above 0.")
        if self.rounds < 0:
            raise ValueError("rounds must not be negative.")


@dataclass(frozen=True, eq=False)
class Split:
    """Gaussians of which some were replaced by two children.

    Attributes:
        gaussians: M Gaussians: the first children in their parents' rows, the second ones at the end.
        parent: [M] int64, row of the input.
        changed: [M] bool, true for children.
    """

    gaussians: Gaussians
    parent: NDArray[np.int64]
    changed: NDArray[np.bool_]


def projection_jacobians(gaussians: Gaussians, camera: Camera) -> NDArray[np.float64]:
    """[N, 2, 3] derivative of the pixel with respect to the world point at every centre (no guard band)."""
    rotation = camera.camera_from_world[:3, :3]
    p = gaussians.means.astype(np.float64) @ rotation.T + camera.camera_from_world[:3, 3]
    z = np.where(np.abs(p[:, 2]) < 1e-9, 1e-9, p[:, 2])
    jacobian = np.zeros((len(gaussians), 2, 3))
    jacobian[:, 0, 0] = camera.fx / z
    jacobian[:, 0, 2] = -camera.fx * p[:, 0] / z**2
    jacobian[:, 1, 1] = camera.fy / z
    jacobian[:, 1, 2] = -camera.fy * p[:, 1] / z**2
    return jacobian @ rotation


def covariances(gaussians: Gaussians) -> NDArray[np.float64]:
    """[N, 3, 3] float64 covariances, world frame."""
    axes = rotation_matrices(gaussians.quats) * np.exp(gaussians.log_scales.astype(np.float64))[:, None, :]
    return axes @ axes.transpose(0, 2, 1)


def edge_normals(
    gaussians: Gaussians,
    index: NDArray[np.integer],
    views: Sequence[View],
    masks: MaskSet,
    object_of: NDArray[np.integer],
    progress: Progress,
    device: raster.Device = "cpu",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Covectors [M, 3] across the object's edge, and pixels per world unit in the closest view [M], of ``index``.

    Args:
        views: the views of ``masks``, in its order.
        object_of: [M] the object (from 0) whose edge each Gaussian straddles.
    """
    some = gaussians.take(np.asarray(index))
    sigma = covariances(some)
    normal = np.zeros((len(some), 3))
    pixels_per_unit = np.zeros(len(some))
    progress.stage("edge normals", len(views))
    for number, view in enumerate(views):
        progress.step()
        trust = masks.confidence[number][object_of]
        if not trust.any():
            continue
        camera = view.camera
        tiles = raster.touched_tiles(some, camera)
        if not tiles.any():
            continue
        x, y = np.meshgrid(
            np.arange(camera.width, dtype=np.float32) + np.float32(0.5 - camera.width / 2),
            np.arange(camera.height, dtype=np.float32) + np.float32(0.5 - camera.height / 2),
        )
        soft = masks.soft(number)
        signals = np.concatenate([x[None], y[None], soft, soft * x, soft * y]).astype(np.float32, copy=False)
        sums = raster.accumulate(gaussians, camera, signals, tiles=tiles, device=device)
        weight, weighted = sums.weight[index].astype(np.float64), sums.weighted[index].astype(np.float64)
        kinds = soft.shape[0]
        rows = np.arange(len(some))
        safe = np.maximum(weight, 1e-9)
        mean = weighted[:, :2] / safe[:, None]
        share = weighted[rows, 2 + object_of] / safe
        moment = np.stack([weighted[rows, 2 + kinds + object_of], weighted[rows, 2 + 2 * kinds + object_of]], axis=1)
        moment = moment / safe[:, None] - share[:, None] * mean
        jacobian = projection_jacobians(some, camera)
        flat = jacobian @ sigma @ jacobian.transpose(0, 2, 1) + LOW_PASS * np.eye(2)
        gradient = np.linalg.solve(flat, moment[:, :, None])
        seen = weight > 1e-3
        factor = np.where(seen, trust * weight, 0.0)
        normal += factor[:, None] * (jacobian.transpose(0, 2, 1) @ gradient)[:, :, 0]
        scale = np.linalg.norm(jacobian, axis=(1, 2)) / np.sqrt(2.0)
        pixels_per_unit = np.maximum(pixels_per_unit, np.where(seen, scale, 0.0))
    return normal, pixels_per_unit


def split_axes(
    gaussians: Gaussians, normal: NDArray[np.float64], pixels_per_unit: NDArray[np.float64], min_pixels: float
) -> NDArray[np.int64]:
    """[M] axis (0 to 2) to split each Gaussian along, -1 where the edge is unknown or the axis too short to matter."""
    axes = rotation_matrices(gaussians.quats)
    scales = np.exp(gaussians.log_scales.astype(np.float64))
    change = np.abs(np.einsum("ni,nik->nk", normal, axes)) * scales
    axis = change.argmax(axis=1)
    length = np.take_along_axis(scales, axis[:, None], axis=1)[:, 0] * pixels_per_unit
    return np.where((change.max(axis=1) > 0) & (length >= min_pixels), axis, -1)


def half_moments(share: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the upper part of a standard normal that holds ``share`` [M] in (0, 1) of it."""
    share = np.asarray(share, np.float64)
    threshold = ndtri(1.0 - share)
    mean = np.exp(-0.5 * threshold**2) / np.sqrt(2.0 * np.pi) / share
    return mean, np.sqrt(np.maximum(1.0 + threshold * mean - mean**2, 1e-6))


def split(
    gaussians: Gaussians,
    index: NDArray[np.integer],
    axis: NDArray[np.integer],
    towards: NDArray[np.floating],
    share: NDArray[np.floating],
) -> Split:
    """Cuts Gaussians ``index`` [M] in two across their own axes ``axis`` [M], where the object's edge crosses them.

    The axis' normal profile is cut where the upper part holds ``share`` of it; each child takes the mean, the variance
    and the mass of its part, so together they have the parent's mean, covariance and integrated opacity (peak opacity
    times volume), up to opacities that would exceed 1.

    Args:
        towards: [M, 3] covectors that point to the object (``edge_normals``).
        share: [M] probability of the object, clipped to [0.1, 0.9].
    """
    chosen = gaussians.take(np.asarray(index))
    rows = np.arange(len(chosen))
    direction = rotation_matrices(chosen.quats)[rows, :, axis]
    sign = np.where((direction * towards).sum(axis=1) < 0, -1.0, 1.0)
    scale = np.exp(chosen.log_scales.astype(np.float64))[rows, axis]
    inside = np.clip(np.asarray(share, np.float64), 0.1, 0.9)

    def child(part: NDArray[np.float64], side: NDArray[np.float64]) -> Gaussians:
        mean, deviation = half_moments(part)
        means = chosen.means + direction * (side * mean * scale)[:, None]
        log_scales = chosen.log_scales.copy()
        log_scales[rows, axis] += np.log(deviation).astype(np.float32)
        opacity = np.clip(chosen.opacities().astype(np.float64) * part / deviation, 1e-6, 1.0 - 1e-4)
        logits = np.log(opacity / (1.0 - opacity)).astype(np.float32)
        return Gaussians(means.astype(np.float32), log_scales, chosen.quats, logits, chosen.sh)

    first, second = child(inside, sign), child(1.0 - inside, -sign)
    whole = concatenate([gaussians, second])
    for name in ("means", "log_scales", "opacity_logits"):
        getattr(whole, name)[np.asarray(index)] = getattr(first, name)
    parent = np.concatenate([np.arange(len(gaussians)), np.asarray(index)]).astype(np.int64)
    changed = np.zeros(len(whole), bool)
    changed[np.asarray(index)] = True
    changed[len(gaussians) :] = True
    return Split(whole, parent, changed)
