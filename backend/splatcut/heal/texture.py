# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures continued into holes: smooth tones first, then texture copied from around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

#: Tones are what a blur of so many pixels leaves; texture is the rest.
TONE = 5.0
#: Side of the patches that are compared, pixels; the coarsest level has holes of about so many pixels.
PATCH, COARSEST = 7, 10
#: Rounds of matching and blending on each level; numbers that describe a patch; patches to choose from.
ROUNDS, NUMBERS, CHOICE = 6, 24, 20_000
#: Texture is copied from within so many depths of the hole around it.
AROUND = 4.0


def continued(values: NDArray[np.floating], known: Bools, hole: Bools) -> F32:
    """The values [H, W, C] with those in the hole continued from around: a membrane through the known ones.

    Each pixel is the mean of its neighbours (Laplace's equation); a plane stays a plane. Pixels that are neither known
    nor in the hole are left out. Values in parts of the hole that touch nothing known are 0.
    """
    values = np.asarray(values, np.float64)
    height, width, channels = values.shape
    out = np.where(known[..., None], values, 0.0)
    labels, _ = ndimage.label(hole, np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]))
    beside = ndimage.binary_dilation(known) & hole
    touched = np.zeros(int(labels.max()) + 1, bool)
    touched[np.unique(labels[beside])] = True
    hole = hole & touched[labels]
    index = np.full((height, width), -1)
    index[hole] = np.arange(hole.sum())
    rows, columns = np.nonzero(hole)
    count = len(rows)
    if not count:
        return out.astype(np.float32)
    diagonal, right = np.zeros(count), np.zeros((count, channels))
    entries = []
    for down, across in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        r, c = rows + down, columns + across
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        r, c = np.clip(r, 0, height - 1), np.clip(c, 0, width - 1)
        other = inside & hole[r, c]
        given = inside & known[r, c] & ~hole[r, c]
        diagonal += other | given
        right[given] += values[r[given], c[given]]
        entries.append((np.flatnonzero(other), index[r[other], c[other]]))
    i, j = (np.concatenate(part) for part in zip(*entries, strict=True))
    matrix = sparse.csc_matrix((np.full(len(i), -1.0), (i, j)), shape=(count, count)) + sparse.diags(diagonal)
    out[rows, columns] = np.asarray(spsolve(matrix.tocsc(), right)).reshape(count, channels)
    return out.astype(np.float32)


def blurred(values: NDArray[np.floating], known: Bools, sigma: float) -> F32:
    """[H, W, C] a Gaussian blur of the known pixels alone; 0 where none is near."""
    weight = ndimage.gaussian_filter(known.astype(np.float64), sigma)
    total = ndimage.gaussian_filter(np.where(known[..., None], values, 0.0), (sigma, sigma, 0))
    return (total / np.maximum(weight, 1e-9)[..., None]).astype(np.float32)


def filled(image: F32, known: Bools, hole: Bools, seed: int = 0) -> F32:
    """The image [H, W, 3] with its hole filled: tones continued, texture synthesised from what is known.

    Texture: every patch of the hole shall be like one of the known patches, coarse to fine (Wexler, Shechtman and
    Irani, "Space-time completion of video", PAMI 2007).
    """
    tone = blurred(image, known, TONE)
    base = continued(tone, known, hole)
    base = np.where(known[..., None], tone, base)
    detail = np.where(known[..., None], image - tone, 0).astype(np.float32)
    detail = _synthesised(detail, known, hole, np.random.default_rng(seed))
    return np.where(hole[..., None], base + detail, image).astype(np.float32)


def _synthesised(detail: F32, known: Bools, hole: Bools, rng: np.random.Generator) -> F32:
    """The texture [H, W, 3] in the hole as well, from the known pixels."""
    depth = float(ndimage.distance_transform_edt(hole).max())
    if depth * 2 > COARSEST and min(hole.shape) > 4 * PATCH:
        small, small_known, small_hole = _halved(detail, known, hole)
        coarse = _synthesised(small, small_known, small_hole, rng)
        again = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[: hole.shape[0], : hole.shape[1]]
        again = ndimage.gaussian_filter(again, (0.7, 0.7, 0))
        detail = np.where(hole[..., None], again, detail)
    else:
        detail = np.where(hole[..., None], _mirrored(detail, known, hole), detail)
    reach = PATCH // 2
    usable = ndimage.minimum_filter(known, PATCH, mode="constant", cval=False)
    usable &= ndimage.distance_transform_edt(~hole) < AROUND * max(COARSEST, depth)
    sources = np.argwhere(usable)
    if len(sources) < 50:
        return detail
    sources = sources[np.sort(rng.permutation(len(sources))[:CHOICE])]
    inside = ndimage.binary_dilation(hole, np.ones((PATCH, PATCH))) & (known | hole)
    border = np.zeros_like(hole)
    border[reach:-reach, reach:-reach] = True
    targets = np.argwhere(inside & border & ndimage.minimum_filter(known | hole, PATCH, mode="constant", cval=False))
    if not len(targets):
        return detail
    trust = np.where(known, 1.0, 0.3 + 0.7 * np.exp(-ndimage.distance_transform_edt(hole) / 4.0))
    given = _patches(detail, sources)
    mean = given.mean(axis=0)
    directions = np.linalg.svd(given[:: max(1, len(given) // 3000)] - mean, full_matrices=False)[2][:NUMBERS].T
    tree = cKDTree((given - mean) @ directions)
    for _ in range(ROUNDS):
        _, nearest = tree.query((_patches(detail, targets) - mean) @ directions, eps=0.5)
        total, weight = np.zeros(detail.shape), np.zeros(hole.shape)
        votes = given[nearest].reshape(-1, PATCH, PATCH, 3)
        strength = trust[targets[:, 0], targets[:, 1]]
        for dy in range(PATCH):
            for dx in range(PATCH):
                at = targets[:, 0] + dy - reach, targets[:, 1] + dx - reach
                np.add.at(total, at, votes[:, dy, dx] * strength[:, None])
                np.add.at(weight, at, strength)
        new = (total / np.maximum(weight, 1e-9)[..., None]).astype(np.float32)
        detail = np.where((hole & (weight > 0))[..., None], new, detail)
    # patches averaged are blurred: in the end every pixel takes the middle of its own patch's match, if it has one
    _, nearest = tree.query((_patches(detail, targets) - mean) @ directions)
    middle = given[nearest].reshape(-1, PATCH, PATCH, 3)[:, reach, reach]
    sharp = detail.copy()
    sharp[targets[:, 0], targets[:, 1]] = middle
    return np.where(hole[..., None], sharp, detail).astype(np.float32)


def _mirrored(detail: F32, known: Bools, hole: Bools) -> F32:
    """The texture with the hole's pixels taken from the other side of its rim: a start that is as rough as it is."""
    if not known.any():
        return np.zeros_like(detail)
    nearest = np.stack(ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True))
    here = np.stack(np.mgrid[: hole.shape[0], : hole.shape[1]])
    size = np.array(hole.shape)[:, None, None] - 1
    other = np.clip(2 * nearest - here, 0, size)
    usable = known[other[0], other[1]]
    row, column = np.where(usable, other, nearest)
    return detail[row, column]


def _patches(values: F32, centres: NDArray[np.integer]) -> F32:
    """[N, PATCH * PATCH * 3]: the patches about pixels [N, 2] (row, column)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, (PATCH, PATCH), axis=(0, 1))
    reach = PATCH // 2
    found = windows[centres[:, 0] - reach, centres[:, 1] - reach]
    return np.ascontiguousarray(found.transpose(0, 2, 3, 1).reshape(len(centres), -1), np.float32)


def _halved(values: F32, known: Bools, hole: Bools) -> tuple[F32, Bools, Bools]:
    """Half the size: means over known pixels; known where most of a square is, hole where any of it is."""
    height, width = (n + n % 2 for n in hole.shape)
    pad = ((0, height - hole.shape[0]), (0, width - hole.shape[1]))
    k, h = np.pad(known, pad).astype(np.float32), np.pad(hole, pad)
    v = np.pad(values, (*pad, (0, 0))) * k[..., None]

    def sums(part: NDArray[np.floating]) -> NDArray[np.floating]:
        return part.reshape(height // 2, 2, width // 2, 2, *part.shape[2:]).sum(axis=(1, 3))

    count = sums(k)
    some = h.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3))
    return (sums(v) / np.maximum(count, 1)[..., None]).astype(np.float32), (count >= 2) & ~some, some
