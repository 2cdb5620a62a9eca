# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The objects of a scene as PLY files, and the labels as arrays (method: objects out).

Every PLY has exactly the input's properties, in their order and precision, and its comments; the rows are the
input's, bit by bit, in the input's order. Put together the files are the scene: no Gaussian is lost or doubled. Input
that was not a PLY is written in the standard 3DGS layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut.files import atomic_path
from splatcut.formats import SplatFile, write_splats
from splatcut.messages import check_object_names
from splatcut.progress import Progress, Quiet


@dataclass(frozen=True)
class ObjectFiles:
    """What ``write_objects`` wrote.

    Attributes:
        objects: object name -> its PLY; an object without Gaussians has no file.
        background: the rest's PLY, or None when every Gaussian belongs to an object.
        counts: object name -> number of Gaussians.
        background_count: number of Gaussians of the rest.
    """

    objects: dict[str, Path]
    background: Path | None
    counts: dict[str, int]
    background_count: int

    @property
    def empty(self) -> tuple[str, ...]:
        """Objects that got no Gaussians."""
        return tuple(name for name, count in self.counts.items() if count == 0)


def write_objects(
    splats: SplatFile,
    labels: NDArray[np.integer],
    names: Sequence[str],
    folder: Path,
    *,
    progress: Progress | None = None,
) -> ObjectFiles:
    """Writes ``folder/objects/<name>.ply`` for every object and ``folder/background.ply``.

    An object without Gaussians gets no file (a splat file of zero Gaussians is refused by most programs), and a file
    of an earlier run in its place is removed; the result tells which those are.

    Args:
        splats: the scene, N Gaussians.
        labels: [N] integers, 0 the background, k the k-th of ``names`` (from 1).
        names: K object names.

    Raises:
        UserError: a name that is no file name, two equal names, a place that cannot be written, a full disk.
        ValueError: labels that do not fit the scene or the names.
    """
    check_object_names(names)
    if labels.shape != (len(splats.gaussians),):
        raise ValueError(f"There are {len(splats.gaussians)} Gaussians but labels of shape {list(labels.shape)}.")
    if labels.size and (int(labels.min()) < 0 or int(labels.max()) > len(names)):
        raise ValueError(f"Labels must lie between 0 and the number of objects, {len(names)}.")
    progress = progress or Quiet()
    progress.stage("objects", len(names) + 1)
    for k, path in enumerate([folder / "background.ply", *(folder / "objects" / f"{name}.ply" for name in names)]):
        rows = np.flatnonzero(labels == k)
        if rows.size:
            write_splats(path, splats.take(rows))
        else:
            path.unlink(missing_ok=True)
        progress.step()
    return object_files(labels, names, folder)


def object_files(labels: NDArray[np.integer], names: Sequence[str], folder: Path) -> ObjectFiles:
    """What ``write_objects`` writes for these labels, without writing it."""
    counts = np.bincount(labels, minlength=len(names) + 1)
    return ObjectFiles(
        {name: folder / "objects" / f"{name}.ply" for name, count in zip(names, counts[1:], strict=True) if count},
        folder / "background.ply" if counts[0] else None,
        {name: int(count) for name, count in zip(names, counts[1:], strict=True)},
        int(counts[0]),
    )


def write_labels(
    path: Path,
    labels: NDArray[np.integer],
    names: Sequence[str],
    probability: NDArray[np.floating],
    parent: NDArray[np.integer],
    variance: NDArray[np.floating] | None = None,
    island: NDArray[np.integer] | None = None,
) -> None:
    """Writes ``labels.npz``, whose M rows are the segmented scene's; the PLYs hold them in this order.

    Args:
        labels: [M], written as int32; 0 the background, k the k-th of ``names`` (from 1).
        names: K object names.
        probability: [M, K] of each object, written as float16.
        parent: [M] row of the input scene from which the row came, written as int64.
        variance: [M] in [0, 1], mask variance, the largest over the objects; 1 for parts of cut Gaussians. Written as
            float16 where it is given.
        island: [M] label of the object that a Gaussian of the background was sent away from because it stands apart, 0
            elsewhere. Written as int32 where it is given.
    """
    arrays = {
        "labels": labels.astype(np.int32),
        "names": np.array(list(names), dtype=np.str_),
        "probability": probability.astype(np.float16),
        "parent": parent.astype(np.int64),
    }
    if variance is not None:
        arrays["variance"] = variance.astype(np.float16)
    if island is not None:
        arrays["island"] = island.astype(np.int32)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
