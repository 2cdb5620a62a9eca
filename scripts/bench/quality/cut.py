# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a run of ``splatcut segment`` wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from splatcut import formats
from splatcut.scene.gaussians import Gaussians, concatenate


@dataclass(frozen=True, eq=False)
class LabelFile:
    """Content of ``labels.npz``.

    Attributes:
        labels: [M] int32, 0 the background, k the k-th of ``names`` (from 1).
        names: K object names.
        probability: [M, K] float16, probability of each object.
        parent: [M] int64, row of the input scene from which the row came; soft edges make two of some.
    """

    labels: NDArray[np.int32]
    names: tuple[str, ...]
    probability: NDArray[np.float16]
    parent: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cut:
    """The Gaussians of the background and then of every object, and whose each is.

    Attributes:
        gaussians: M Gaussians as they stand in the PLYs.
        labels: [M] int32 in that order, 0 the background, k the k-th of ``names`` (from 1).
        names: K object names.
        rows: ``labels.npz``, whose rows stand in the segmented scene's order.
    """

    gaussians: Gaussians
    labels: NDArray[np.int32]
    names: tuple[str, ...]
    rows: LabelFile

    def object(self, name: str) -> Gaussians:
        """The Gaussians of one object."""
        return self.gaussians.take(self.labels == self.names.index(name) + 1)


def read_cut(out: Path) -> Cut:
    """Reads the PLYs of a run."""
    with np.load(out / "labels.npz", allow_pickle=False) as file:
        rows = LabelFile(file["labels"], tuple(map(str, file["names"])), file["probability"], file["parent"])
    parts, labels = [], []
    for k, path in enumerate([out / "background.ply", *(out / "objects" / f"{name}.ply" for name in rows.names)]):
        if path.is_file():
            parts.append(formats.read_splats(path).gaussians)
            labels.append(np.full(len(parts[-1]), k, np.int32))
    return Cut(concatenate(parts), np.concatenate(labels), rows.names, rows)


def partners(names: Sequence[str], truth: Iterable[str]) -> dict[str, str]:
    """Name in the run -> name in the ground truth; single objects belong together whatever they are called."""
    known = list(truth)
    if len(names) == 1 and len(known) == 1:
        return {names[0]: known[0]}
    return {name: name for name in names if name in known}
