# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""A splat file in memory: its Gaussians and, row by row, everything else that the file said about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from splatcut.formats.antialiasing import FILTER, marked, pixel_filter
from splatcut.formats.layout import extract, find_layout, overwrite, standard_dtype
from splatcut.formats.parts import Membership, Part, join
from splatcut.formats.ply import PlyTable, new_table
from splatcut.formats.world import F64, no_offset, relative, world_offset
from splatcut.messages.findings import Finding
from splatcut.scene.gaussians import LEAST_LOG_SCALE, MIP, MOST_LOGIT, Gaussians, concatenate


@dataclass(frozen=True)
class SplatFile:
    """The Gaussians of a file with the PLY rows they stand in.

    Attributes:
        gaussians: [N], relative to ``offset``, all values finite when the file was read by ``read_splats``
            (``Gaussians.computable``).
        table: the N rows exactly as in the file (for formats other than PLY: the reference 3DGS layout).
        source_format: name of the format it was read from, such as ``ply`` or ``spz``.
        dropped: how many Gaussians with values that are not finite were left out.
        findings: what the reader did that is worth saying.
        offset: [3] float64 world offset: what the Gaussians' positions in the file have more than ``gaussians.means``.
        objects: which object each row belongs to, where the file tells objects apart.
    """

    gaussians: Gaussians
    table: PlyTable
    source_format: str = "ply"
    dropped: int = 0
    findings: tuple[Finding, ...] = ()
    offset: F64 = field(default_factory=no_offset)
    objects: Membership | None = None

    def __post_init__(self) -> None:
        if len(self.gaussians) != len(self.table.rows):
            raise ValueError(f"{len(self.gaussians)} Gaussians do not fit {len(self.table.rows)} rows.")

    def __len__(self) -> int:
        return len(self.gaussians)

    def stored(self) -> Gaussians:
        """The Gaussians as the rows have them: with the infinite values for which ``gaussians`` has stand-ins."""
        g = self.gaussians
        if (np.abs(g.opacity_logits) == MOST_LOGIT).any() or (g.log_scales == LEAST_LOG_SCALE).any():
            stored = extract(self.table.rows, find_layout(self.table.rows.dtype, "the file"), self.offset)
            return replace(stored, pixel_filter=g.pixel_filter)
        return g

    @staticmethod
    def from_table(table: PlyTable, file_name: str, source_format: str = "ply") -> SplatFile:
        """The Gaussians in the rows of a PLY table, relative to the world offset that they need.

        Raises ``UserError`` when there are none (``file_name`` for the message).
        """
        layout = find_layout(table.rows.dtype, file_name)
        drawn = pixel_filter(table.header.comments, layout.filtered)
        offset = world_offset(table.rows)
        gaussians = replace(extract(table.rows, layout, offset), pixel_filter=drawn).computable()
        return SplatFile(gaussians, table, source_format, offset=offset)

    @staticmethod
    def from_gaussians(
        gaussians: Gaussians,
        source_format: str = "ply",
        comments: tuple[str, ...] = (),
        offset: F64 | None = None,
    ) -> SplatFile:
        """A new file in the reference 3DGS layout (binary little-endian float32, normals of zero).

        Args:
            offset: [3] world offset of the Gaussians; positions are then doubles. None: they have none yet, and get
                one when they lie far away.
        """
        doubles = offset is not None and bool(offset.any())
        dtype = standard_dtype(gaussians.sh_degree, doubles=doubles)
        rows = np.zeros(len(gaussians), dtype)
        overwrite(rows, np.arange(len(rows)), gaussians, find_layout(dtype, "the new file"), offset)
        table = new_table(dtype, rows, comments)
        table = replace(table, header=marked(table.header, gaussians.antialiased, filtered=False))
        made = SplatFile(gaussians.computable(), table, source_format, offset=no_offset() if offset is None else offset)
        return made if doubles else made.with_offset(world_offset(rows))

    @property
    def doubles(self) -> bool:
        """Whether positions have more than single precision in the file."""
        return any(self.table.rows.dtype[name].itemsize > 4 for name in "xyz")

    def with_offset(self, offset: F64) -> SplatFile:
        """The same file with another world offset [3]."""
        if np.array_equal(offset, self.offset):
            return self
        rows = np.asarray(self.table.rows)
        means = np.stack([relative(rows[name], value) for name, value in zip("xyz", offset, strict=True)], axis=1)
        return replace(self, gaussians=replace(self.gaussians, means=means), offset=offset)

    def with_antialiased(self, choice: str) -> SplatFile:
        """The same file, antialiased as ``choice`` says ("on", "off", or "mip" for Mip-Splatting's filter), in its
        header too; "auto" changes nothing.
        """
        own = self.gaussians.pixel_filter
        if choice == "auto" or (own == MIP if choice == "mip" else own.compensated == (choice == "on")):
            return self
        filtered = FILTER in self.table.property_names
        header = marked(self.table.header, choice != "off", filtered, narrow=choice == "mip")
        drawn = pixel_filter(header.comments, filtered)
        gaussians = replace(self.gaussians, pixel_filter=drawn)
        return replace(self, gaussians=gaussians, table=replace(self.table, header=header))

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> SplatFile:
        """The rows at ``index`` (indices, a boolean mask or a slice), in that order and bit by bit."""
        rows = np.asarray(self.table.rows)[index]
        objects = None if self.objects is None else self.objects.take(index)
        return replace(self, gaussians=self.gaussians.take(index), table=self.table.with_rows(rows), objects=objects)

    def with_gaussians(
        self, gaussians: Gaussians, parent: NDArray[np.integer], changed: NDArray[np.bool_]
    ) -> SplatFile:
        """A file of M rows that descend from this one's.

        Args:
            gaussians: [M], of this file's SH degree.
            parent: [M] integers; row j starts as a copy of this file's row ``parent[j]``, unknown properties included.
            changed: [M] bool; where true, row j's Gaussian properties are set from ``gaussians`` in the file's own
                types. All other rows stay bit-identical to their parent's.

        Returns:
            The new file. Its ``gaussians`` are what its rows say, so they equal the argument only where ``changed``.
        """
        parent, changed = np.asarray(parent), np.asarray(changed, dtype=bool)
        if parent.shape != (len(gaussians),) or changed.shape != parent.shape:
            raise ValueError(f"parent and changed must have the shape ({len(gaussians)},).")
        if gaussians.sh_degree != self.gaussians.sh_degree:
            raise ValueError(
                f"The file has SH degree {self.gaussians.sh_degree}, the new Gaussians {gaussians.sh_degree}."
            )
        rows = np.asarray(self.table.rows)[parent]
        layout = find_layout(rows.dtype, "the file")
        index = np.flatnonzero(changed)
        overwrite(rows, index, gaussians.take(index), layout, self.offset)
        made = replace(extract(rows, layout, self.offset), pixel_filter=self.gaussians.pixel_filter).computable()
        objects = None if self.objects is None else self.objects.take(parent)
        return replace(self, gaussians=made, table=self.table.with_rows(rows), objects=objects)

    def with_property(self, name: str, values: NDArray[np.integer]) -> SplatFile:
        """The same file with integers from 0 to 255 [N] as a property, the last of a row where it is new."""
        return replace(self, table=self.table.with_property(name, values))

    def with_added(self, gaussians: Gaussians, parent: NDArray[np.integer]) -> SplatFile:
        """A file of this one's N rows, bit by bit, and F new ones after them, which belong to no object.

        Args:
            gaussians: [F], of this file's SH degree: what the new rows say.
            parent: [F] integers, the row of which a new one has the unknown properties; -1 for none: then they are 0.
        """
        rows = np.asarray(self.table.rows)
        new = np.zeros(len(gaussians), rows.dtype)
        new[parent >= 0] = rows[parent[parent >= 0]]
        overwrite(new, np.arange(len(new)), gaussians, find_layout(rows.dtype, "the file"), self.offset)
        objects = self.objects
        if objects is not None:
            objects = replace(objects, labels=np.concatenate([objects.labels, np.zeros(len(new), np.int32)]))
        table = self.table.with_rows(np.concatenate([rows, new]))
        return replace(self, gaussians=concatenate([self.gaussians, gaussians]), table=table, objects=objects)


def together(files: Sequence[tuple[str, SplatFile]]) -> SplatFile:
    """Several files as one, each an object, or the background where its name is "".

    Rows stay bit by bit where all files have the same properties; else they become those of the standard layout.
    """
    offset = next((file.offset for _, file in files if file.offset.any()), no_offset())
    files = [(name, file.with_offset(offset)) for name, file in files]
    first = files[0][1]
    gaussians, objects = join([Part(name, file.stored()) for name, file in files])
    if all(file.table.rows.dtype == first.table.rows.dtype for _, file in files):
        rows = np.concatenate([file.table.rows for _, file in files])
        made = replace(first, gaussians=gaussians.computable(), table=first.table.with_rows(rows))
    else:
        made = SplatFile.from_gaussians(gaussians, first.source_format, offset=offset)
    findings = tuple(dict.fromkeys(finding for _, file in files for finding in file.findings))
    return replace(made, objects=objects, findings=findings, dropped=sum(file.dropped for _, file in files))
