# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Pictures continued into holes: smooth tones first, then texture copied from around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.sparse.linalg import spsolve

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

#: A pixel and its eight neighbours.
SQUARE = np.ones((3, 3), bool)

#: Tones are what a blur of so many pixels leaves; texture is the rest.
TONE = 5.0
#: Texture comes from within so many depths of the hole around it, in at most so many pieces.
AROUND, PIECES = 4.0, 40
#: Pixels of the rim on which a piece is compared; so much of the rim, and of the hole, must have a place there.
RIM, OVERLAP, LEAST = 5, 0.5, 0.05
#: What a difference in strength by a factor of e counts beside unlikeness, which is 1 for unrelated textures.
STRENGTH = 0.25
#: A difference in tone that counts as much, root of the sum over the channels.
TONES = 0.2


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


def filled(image: F32, known: Bools, hole: Bools) -> F32:
    """The image [H, W, 3] with its hole filled: tones continued, texture copied from what is known around."""
    tone = blurred(image, known, TONE)
    base = np.where(known[..., None], tone, continued(tone, known, hole))
    detail = np.where(known[..., None], image - tone, 0).astype(np.float32)
    parts, count = ndimage.label(hole, SQUARE)
    for number in range(1, count + 1):
        detail = _copied(detail, base, known, parts == number)
    return np.where(hole[..., None], base + detail, image).astype(np.float32)


def _copied(detail: F32, tone: F32, known: Bools, hole: Bools) -> F32:
    """The texture [H, W, 3] in one hole as well: pieces of what is known, moved to where they fit what is around.

    Copying with few offsets: He and Sun, "Statistics of patch offsets for image completion", ECCV 2012. As large a
    piece as there is goes first; what it leaves open, later ones fill, in the end mirrored pixels.
    """
    out = detail.copy()
    done = known.copy()
    left = hole.copy()
    depth = float(ndimage.distance_transform_edt(hole).max())
    sources = known & (ndimage.distance_transform_edt(~hole) < AROUND * max(RIM, depth))
    for _ in range(PIECES):
        rim = ndimage.binary_dilation(left, SQUARE, iterations=RIM) & done & ~left
        offset = _offset(out, tone, sources, left, rim)
        if offset is None:
            break
        rows, columns = np.nonzero(left)
        r, c = rows + offset[0], columns + offset[1]
        inside = (r >= 0) & (r < hole.shape[0]) & (c >= 0) & (c < hole.shape[1])
        inside[inside] = sources[r[inside], c[inside]]
        rows, columns, r, c = rows[inside], columns[inside], r[inside], c[inside]
        out[rows, columns] = detail[r, c]
        done[rows, columns] = True
        left[rows, columns] = False
        if not left.any():
            return out
    return np.where(left[..., None], _mirrored(out, done), out)


def _offset(detail: F32, tone: F32, sources: Bools, hole: Bools, rim: Bools) -> tuple[int, int] | None:
    """Rows and columns to where the hole's texture comes from; None if hardly any of it could.

    A place fits whose rim is like the hole's, whose texture is as strong (alone, likeness would choose what is smooth,
    since it differs least from anything), and whose tones are those of the hole.
    """
    if not rim.any() or not sources.any():
        return None
    shape = [next_fast_len(2 * n) for n in hole.shape]

    def spectrum(values: NDArray[np.floating]) -> NDArray[np.complexfloating]:
        return np.asarray(rfft2(values, shape))

    def moved(here: NDArray[np.complexfloating], there: NDArray[np.complexfloating]) -> NDArray[np.float64]:
        """For every offset: the sum over pixels of here times there at the offset."""
        return np.asarray(irfft2(np.conj(here) * there, shape))

    source, at_hole, at_rim = (spectrum(part.astype(np.float64)) for part in (sources, hole, rim))
    covered = moved(at_hole, source) / hole.sum()
    overlap = moved(at_rim, source)
    square = np.where(sources[..., None], np.square(detail, dtype=np.float64), 0).sum(axis=2)
    squares = spectrum(square)
    there = moved(at_rim, squares)
    inner = moved(at_hole, squares) / np.maximum(covered * hole.sum(), 1)
    here = moved(spectrum(np.where(rim, np.square(detail, dtype=np.float64).sum(axis=2), 0)), source)
    product = sum(
        moved(spectrum(np.where(rim, detail[..., n], 0)), spectrum(np.where(sources, detail[..., n], 0)))
        for n in range(3)
    )
    usable = (overlap >= OVERLAP * rim.sum()) & (covered > LEAST)
    if not usable.any():
        return None
    usable &= covered >= 0.9 * covered[usable].max()
    least = 1e-6 * np.maximum(overlap, 1)
    energy = here + there
    unlike = (energy - 2 * product) / (energy + least)
    strength = np.abs(np.log((there + least) / (here + least)))
    strength += np.abs(np.log((inner + 1e-6) / (here / np.maximum(overlap, 1) + 1e-6)))
    tones = moved(at_hole, spectrum(np.where(sources[..., None], np.square(tone, dtype=np.float64), 0).sum(axis=2)))
    tones += moved(spectrum(np.where(hole[..., None], np.square(tone, dtype=np.float64), 0).sum(axis=2)), source)
    tones -= 2 * sum(
        moved(spectrum(np.where(hole, tone[..., n], 0)), spectrum(np.where(sources, tone[..., n], 0))) for n in range(3)
    )
    shade = tones / np.maximum(covered * hole.sum(), 1) / TONES**2
    score = np.where(usable, unlike + STRENGTH * strength + shade, np.inf)
    row, column = np.unravel_index(int(np.argmin(score)), score.shape)
    return int(row) - (shape[0] if row > shape[0] // 2 else 0), int(column) - (
        shape[1] if column > shape[1] // 2 else 0
    )


def _mirrored(detail: F32, known: Bools) -> F32:
    """The texture with the unknown pixels taken from the other side of their rim."""
    nearest = np.asarray(ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True))
    here = np.asarray(np.mgrid[: known.shape[0], : known.shape[1]])
    size = np.array(known.shape)[:, None, None] - 1
    other = np.clip(2 * nearest - here, 0, size)
    row, column = np.where(known[other[0], other[1]], other, nearest)
    return detail[row, column]
