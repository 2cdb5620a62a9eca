# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a splat file says beside its rows: header, foreign elements, format. Kept with the object as text and bytes."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from splatcut.errors import UserError
from splatcut.formats import SplatFile
from splatcut.formats.antialiasing import FILTER, pixel_filter
from splatcut.formats.layout import find_layout, standard_dtype
from splatcut.formats.ply import new_table
from splatcut.formats.ply_header import PlyElement, PlyHeader, read_header
from splatcut.formats.world import F64
from splatcut.scene.gaussians import PixelFilter

_VERSION = 1


@dataclass(frozen=True)
class Facts:
    """Everything in a splat file but its rows.

    Attributes:
        header: of the PLY table; its number of rows is that of the file.
        before, after: bytes of foreign elements, see ``PlyTable``.
        source_format: name of the format that was read.
        offset: [3] world offset: what positions in the file have more than those of the object.
    """

    header: PlyHeader
    before: bytes = b""
    after: bytes = b""
    source_format: str = "ply"
    offset: tuple[float, ...] = (0.0, 0.0, 0.0)

    @staticmethod
    def of(splats: SplatFile) -> Facts:
        """The facts of a file."""
        table = splats.table
        return Facts(table.header, table.before, table.after, splats.source_format, tuple(splats.offset.tolist()))

    @staticmethod
    def standard(degree: int) -> Facts:
        """Those of a new file in the reference 3DGS layout."""
        dtype = standard_dtype(degree)
        return Facts(new_table(dtype, np.empty(0, dtype)).header)

    def to_json(self) -> str:
        """All but the bytes, as ASCII text."""
        data = {
            "version": _VERSION,
            "header": list(self.header.lines),
            "newline": self.header.newline,
            "source_format": self.source_format,
            "offset": list(self.offset),
        }
        return json.dumps(data)

    @staticmethod
    def from_json(text: str, before: bytes = b"", after: bytes = b"") -> Facts | None:
        """Reads what ``to_json`` wrote; None when it is damaged or of another version."""
        try:
            data = json.loads(text)
            if data["version"] != _VERSION:
                return None
            content = "".join(line + data["newline"] for line in data["header"]).encode("latin-1")
            header = read_header(io.BytesIO(content), "the object")
            offset = tuple(map(float, data.get("offset", (0, 0, 0))))
            if len(offset) != 3 or not all(map(math.isfinite, offset)):
                return None
            facts = Facts(header, before, after, str(data["source_format"]), offset)
            find_layout(facts.dtype, "the object")
        except (ValueError, KeyError, TypeError, AttributeError, UserError, StopIteration):
            return None
        return facts

    def moved(self, matrix: F64) -> tuple[Facts, F64]:
        """The facts of the file after ``matrix`` [4, 4], new_from_local, and what is left of it for the Gaussians.

        Of a scene with a world offset the translation becomes the offset.
        """
        if not any(self.offset):
            return self, matrix
        left = matrix.copy()
        left[:3, 3] = 0
        return replace(self, offset=tuple(matrix[:3, 3].tolist())), left

    @property
    def _vertex(self) -> PlyElement:
        return next(element for element in self.header.elements if element.name == "vertex")

    @property
    def count(self) -> int:
        """How many rows the header declares."""
        return self._vertex.count

    @property
    def dtype(self) -> np.dtype:
        """That of the rows, in the file's byte order."""
        return self._vertex.dtype(self.header.byte_order)

    @property
    def property_names(self) -> tuple[str, ...]:
        """The properties of the rows in the file's order."""
        return tuple(prop.name for prop in self._vertex.properties)

    @property
    def pixel_filter(self) -> PixelFilter:
        """How the file says that its scene is to be drawn."""
        return pixel_filter(self.header.comments, FILTER in self.property_names)

    def with_degree(self, degree: int) -> Facts:
        """The same file with room for SH of ``degree``; unchanged when it has enough."""
        names = self.property_names
        coefficients = (degree + 1) ** 2
        if len(find_layout(self.dtype, "the object").sh) >= coefficients:
            return self
        lines = [line for line in self.header.lines if not _declares(line, "f_rest_")]
        place = max(i for i, line in enumerate(lines) if any(_declares(line, f"f_dc_{c}") for c in range(3)))
        lines[place + 1 : place + 1] = [f"property float f_rest_{i}" for i in range(3 * (coefficients - 1))]
        assert names
        return self._with_lines(lines)

    def with_properties(self, properties: Sequence[tuple[str, str]]) -> Facts:
        """The same file with further properties (name, PLY type) at the end of each row."""
        if not properties:
            return self
        lines = list(self.header.lines)
        start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["element", "vertex"])
        following = (i for i in range(start + 1, len(lines)) if lines[i].split()[:1] in (["element"], ["end_header"]))
        end = next(following)
        lines[end:end] = [f"property {kind} {name}" for name, kind in properties]
        return self._with_lines(lines)

    def _with_lines(self, lines: list[str]) -> Facts:
        content = "".join(line + self.header.newline for line in lines).encode("latin-1")
        return replace(self, header=read_header(io.BytesIO(content), "the object"))


def _declares(line: str, prefix: str) -> bool:
    words = line.split()
    return len(words) == 3 and words[0] == "property" and words[2].startswith(prefix)
