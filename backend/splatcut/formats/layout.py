# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Where the parameters of a Gaussian stand among the properties of a PLY file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats.antialiasing import FILTER, fuse
from splatcut.formats.ply import BLOCK_ROWS
from splatcut.formats.world import F64, absolute, relative
from splatcut.scene.gaussians import F32, LEAST_LOG_SCALE, MOST_LOGIT, Gaussians

#: Natural logarithm of a flat Gaussian's thickness over its smaller radius, for files without ``scale_2`` (2DGS).
FLAT_LOG_RATIO = np.float32(np.log(1e-3))

_MEANS = ("x", "y", "z")
_SCALES = ("scale_0", "scale_1", "scale_2")
_QUATS = ("rot_0", "rot_1", "rot_2", "rot_3")
_DC = ("f_dc_0", "f_dc_1", "f_dc_2")
#: What ``Gaussians.computable`` puts for infinite values, by property.
_STAND_INS = {
    "opacity": ((np.inf, MOST_LOGIT), (-np.inf, -MOST_LOGIT)),
    **{name: ((-np.inf, LEAST_LOG_SCALE),) for name in _SCALES},
}


@dataclass(frozen=True)
class Layout:
    """Property names of a file's Gaussians.

    Attributes:
        scales: ``scale_0`` to ``scale_2``, or without the last one for flat (2DGS) Gaussians.
        sh: [K][3] names of the SH coefficients (constant term first) of red, green and blue.
        filtered: whether there is a 3D filter besides, which scales and opacities do not contain yet.
    """

    scales: tuple[str, ...]
    sh: tuple[tuple[str, ...], ...]
    filtered: bool = False

    @property
    def flat(self) -> bool:
        """Whether the file has two scales only."""
        return len(self.scales) == 2

    @property
    def names(self) -> tuple[str, ...]:
        """All properties that belong to the Gaussians."""
        coefficients = tuple(name for triple in self.sh for name in triple)
        return (*_MEANS, *self.scales, *_QUATS, "opacity", *coefficients)

    def places(self, gaussians: Gaussians) -> list[tuple[str, F32]]:
        """Every property's name with the [N] view of ``gaussians`` that it holds."""
        scales = gaussians.log_scales.T[: len(self.scales)]
        colours = gaussians.sh.reshape(len(gaussians), 3 * len(self.sh)).T
        columns = [*gaussians.means.T, *scales, *gaussians.quats.T, gaussians.opacity_logits, *colours]
        return list(zip(self.names, columns, strict=True))


def find_layout(dtype: np.dtype, file_name: str) -> Layout:
    """Finds the Gaussians' properties in any order among those of ``dtype``.

    SH bands beyond degree 4, and a last band that is not complete, are left among the unknown properties.

    Raises:
        UserError: properties are missing (all of them are named), not floating-point, or the f_rest are not numbered
            0, 1, 2, ... in a multiple of three.
    """
    names = set(dtype.names or ())
    missing = [name for name in (*_MEANS, *_DC, "opacity", *_SCALES[:2], *_QUATS) if name not in names]
    if missing:
        kind = "It looks like a mesh or a point cloud. " if {"x", "y", "z"} <= names else ""
        raise UserError(
            f"{file_name} holds no Gaussians: the vertex properties {', '.join(missing)} are missing. {kind}"
            "Choose the PLY file that 3D Gaussian Splatting training wrote."
        )
    rest = sum(name.startswith("f_rest_") for name in names)
    lost = [f"f_rest_{i}" for i in range(rest) if f"f_rest_{i}" not in names]
    if lost or rest % 3:
        detail = f"{lost[0]} is missing" if lost else "their number is not a multiple of three"
        raise UserError(
            f"The colour coefficients of {file_name} are incomplete: it has {rest} properties f_rest_*, but {detail}. "
            "Export the file again."
        )
    per_channel = rest // 3
    count = max(k for k in (1, 4, 9, 16, 25) if k <= per_channel + 1)
    # Channel-major: all coefficients of red, then green, then blue.
    triples = [tuple(f"f_rest_{channel * per_channel + k}" for channel in range(3)) for k in range(count - 1)]
    layout = Layout(_SCALES if "scale_2" in names else _SCALES[:2], (_DC, *triples), FILTER in names)
    for name in (*layout.names, *([FILTER] if layout.filtered else [])):
        if dtype[name].kind != "f":
            raise UserError(
                f"The property '{name}' of {file_name} has whole numbers ({dtype[name].name}), where a Gaussian needs "
                "floating-point ones (float or double). Export the file again."
            )
    return layout


def standard_dtype(degree: int, *, doubles: bool = False) -> np.dtype:
    """The layout of the reference 3DGS files: little-endian float32, with normals (always zero).

    With ``doubles`` the positions are float64.
    """
    rest = tuple(f"f_rest_{i}" for i in range(3 * ((degree + 1) ** 2 - 1)))
    names = (*_MEANS, "nx", "ny", "nz", *_DC, *rest, "opacity", *_SCALES, *_QUATS)
    return np.dtype([(name, "<f8" if doubles and name in _MEANS else "<f4") for name in names])


def extract(rows: NDArray[np.void], layout: Layout, offset: F64 | None = None) -> Gaussians:
    """The Gaussians of structured ``rows`` [N], 3D filter included; doubles are rounded, too large becomes infinite.

    Infinite values are left as they are (``Gaussians.computable``). Positions are relative to the world ``offset`` [3].
    """
    count = len(rows)
    shifts = _shifts(offset)
    gaussians = Gaussians(
        means=np.empty((count, 3), np.float32),
        log_scales=np.empty((count, 3), np.float32),
        quats=np.empty((count, 4), np.float32),
        opacity_logits=np.empty(count, np.float32),
        sh=np.empty((count, len(layout.sh), 3), np.float32),
    )
    places = layout.places(gaussians)
    # Blocks that stay in the cache: the properties of a row lie side by side, but are gathered one after the other.
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, count, BLOCK_ROWS // 8):
            part = slice(start, start + BLOCK_ROWS // 8)
            block = np.asarray(rows[part])
            for name, target in places:
                target[part] = relative(block[name], shifts[name]) if name in shifts else block[name]
    if layout.flat:
        gaussians.log_scales[:, 2] = gaussians.log_scales[:, :2].min(axis=1) + FLAT_LOG_RATIO
    if layout.filtered:
        deviation = np.asarray(rows[FILTER], np.float32)
        log_scales, logits = fuse(gaussians.log_scales, gaussians.opacity_logits, deviation)
        gaussians = replace(gaussians, log_scales=log_scales, opacity_logits=logits)
    return gaussians


def overwrite(
    rows: NDArray[np.void],
    index: NDArray[np.intp],
    gaussians: Gaussians,
    layout: Layout,
    offset: F64 | None = None,
) -> None:
    """Sets the Gaussians' properties of ``rows[index[j]]`` to Gaussian j, in place; ``offset`` as in ``extract``.

    A property keeps its value where float32 cannot tell the difference, or where it is infinite and the Gaussian has
    what stands for that. The 3D filter, where there is one, becomes 0: the Gaussians' scales and opacities contain it.
    """
    shifts = _shifts(offset)
    for start in range(0, len(index), BLOCK_ROWS // 8):  # blocks that stay in the cache
        part = index[start : start + BLOCK_ROWS // 8]
        block = rows[part]
        for name, values in layout.places(gaussians.take(slice(start, start + len(part)))):
            kept, shift = block[name], shifts.get(name, 0.0)
            old = relative(kept, shift)
            same = (old == values) & (kept.dtype.itemsize > 4)
            for infinite, stand_in in _STAND_INS.get(name, ()):
                same |= (old == infinite) & (values == stand_in)
            new = absolute(values, shift)
            block[name] = np.where(same, kept, new) if same.any() else new
        if layout.filtered:
            block[FILTER] = 0
        rows[part] = block


def _shifts(offset: F64 | None) -> dict[str, float]:
    """The world offset of each property that has one."""
    return {} if offset is None else {name: float(value) for name, value in zip(_MEANS, offset, strict=True) if value}
