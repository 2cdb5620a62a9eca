# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""PLY files read and written without loss: one structured array of vertices, everything else kept as bytes.

Own code with numpy alone, because the add-on reads splats with the numpy inside Blender, text files of a million rows
must not be parsed row by row, and the header has to come back line by line.
"""

from __future__ import annotations

import mmap
import os
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats.ply_header import PlyElement, PlyHeader, PlyProperty, build_header, read_header

#: Rows handled at once where a whole table would need a copy in memory.
BLOCK_ROWS = 1 << 15

#: What stands between the last number of a text element and the next element.
_LINE_END = re.compile(rb"[ \t]*(\r\n|\n|\r)?")


@dataclass(frozen=True)
class PlyTable:
    """The content of a PLY file, with the rows of its ``vertex`` element at hand.

    Attributes:
        header: the header as it was.
        rows: [N] structured array, one field per property in the file's order, type and byte order (native for text);
            read-only and possibly memory-mapped.
        before: the bytes of the elements that precede ``vertex``, verbatim.
        after: the bytes behind ``vertex``, verbatim.
    """

    header: PlyHeader
    rows: NDArray[np.void]
    before: bytes = b""
    after: bytes = b""

    @property
    def property_names(self) -> tuple[str, ...]:
        """The vertex properties in the file's order."""
        return self.rows.dtype.names or ()

    @property
    def extra_elements(self) -> tuple[PlyElement, ...]:
        """The elements besides ``vertex``."""
        return tuple(element for element in self.header.elements if element.name != "vertex")

    def with_rows(self, rows: NDArray[np.void]) -> PlyTable:
        """The same file with other rows of the same dtype.

        Elements that refer to rows by number (lists called ``vertex_index`` or ``vertex_indices``) are left out, since
        the numbers would be wrong; all other elements stay.
        """
        if rows.dtype != self.rows.dtype:
            raise ValueError("The new rows must have the dtype of the table.")
        table = replace(self, header=self.header.with_count("vertex", len(rows)), rows=rows)
        for element in self.extra_elements:
            if any(prop.length_code and prop.name.startswith("vertex_ind") for prop in element.properties):
                table = table._without(element)
        return table

    def with_property(self, name: str, values: NDArray[np.integer]) -> PlyTable:
        """The same file with integers from 0 to 255 [N] as a property, the last of a row where it is new."""
        old = self.rows.dtype
        if name in self.property_names:
            rows = np.array(self.rows)
            rows[name] = values
            return replace(self, rows=rows)
        rows = np.empty(len(self.rows), [*((own, old[own]) for own in self.property_names), (name, "u1")])
        for own in self.property_names:
            rows[own] = self.rows[own]
        rows[name] = values
        return replace(self, header=self.header.with_property("vertex", PlyProperty(name, "u1")), rows=rows)

    def _without(self, element: PlyElement) -> PlyTable:
        names = [other.name for other in self.header.elements]
        vertex = names.index("vertex")
        ahead = names.index(element.name) < vertex
        data = self.before if ahead else self.after
        start = end = 0
        for other in self.header.elements[slice(vertex) if ahead else slice(vertex + 1, None)]:
            start, end = end, _element_end(data, end, other, self.header)
            if other.name == element.name:
                break
        data = data[:start] + data[end:]
        before, after = (data, self.after) if ahead else (self.before, data)
        return replace(self, header=self.header.without(element.name), before=before, after=after)


def new_table(dtype: np.dtype, rows: NDArray[np.void], comments: tuple[str, ...] = ()) -> PlyTable:
    """A binary little-endian file with nothing but ``rows`` [N] of the little-endian structured ``dtype``."""
    assert dtype.names is not None
    properties = tuple(PlyProperty(name, dtype[name].str[1:]) for name in dtype.names)
    header = build_header("binary_little_endian", PlyElement("vertex", len(rows), properties), comments)
    return PlyTable(header, rows)


def read_table(path: Path, element: str = "vertex") -> PlyTable:
    """Reads a PLY file; binary rows are memory-mapped, so that nothing is read before it is used.

    ``element`` names the element whose rows are wanted.

    Raises:
        UserError: not a PLY file, damaged, truncated, or without that element.
    """
    with path.open("rb") as stream:
        header = read_header(stream, path.name)
        index = header.index(element)
        if index is None:
            raise UserError(f"{path.name} has no '{element}' element, so there are no splats in it. Export it again.")
        size = os.fstat(stream.fileno()).st_size
        found = header.elements[index]
        if found.has_lists:
            raise UserError(f"The {element} element of {path.name} has list properties, so this is not a splat file.")
        if not found.properties:
            raise UserError(f"The {element} element of {path.name} has no properties, so there are no splats in it.")
        before = _read_before(stream, header, index, path.name)
        offset = stream.tell()
        if header.ascii:
            rows = _read_text_rows(stream, found, size - offset, path.name)
            after = _LINE_END.sub(b"", stream.read(), count=1)
            if index == len(header.elements) - 1 and after.strip():
                raise UserError(
                    f"{path.name} has more text after its last {element} row: the header declares {found.count} rows "
                    "of fewer values than there are. Export it again."
                )
        else:
            dtype = found.dtype(header.byte_order)
            end = offset + found.count * dtype.itemsize
            if end > size:
                raise _truncated(path.name, found, (size - offset) // dtype.itemsize)
            rows = (
                np.memmap(path, dtype, mode="r", offset=offset, shape=(found.count,))
                if found.count
                else np.empty(0, dtype)
            )
            stream.seek(end)
            after = stream.read()
    return PlyTable(header, rows, before, after)


def write_table(stream: BinaryIO, table: PlyTable) -> None:
    """Writes the file: header and foreign elements verbatim, binary rows bit by bit, text with every digit needed."""
    stream.write(table.header.encode())
    stream.write(table.before)
    for start in range(0, len(table.rows), BLOCK_ROWS):
        block = table.rows[start : start + BLOCK_ROWS]
        stream.write(_rows_as_text(block) if table.header.ascii else block.tobytes())
    stream.write(table.after)


def _truncated(name: str, element: PlyElement, rows: int) -> UserError:
    return UserError(
        f"{name} is truncated: its header declares {element.count} {element.name} rows, but the file ends after "
        f"{max(rows, 0)}. Copy or export it again."
    )


def _read_before(stream: BinaryIO, header: PlyHeader, index: int, name: str) -> bytes:
    """Reads the elements that precede element ``index`` and leaves the stream behind them."""
    start = end = stream.tell()
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for element in header.elements[:index]:
            try:
                end = _element_end(data, end, element, header)
            except (IndexError, ValueError) as error:
                raise _truncated(name, element, 0) from error
    return stream.read(end - start)


def _element_end(data: bytes | mmap.mmap, start: int, element: PlyElement, header: PlyHeader) -> int:
    """Position behind ``element`` when it starts at ``start`` of ``data``; IndexError or ValueError when it is cut."""
    if header.ascii:
        for _ in range(element.count):
            start = data.find(b"\n", start) + 1
            if not start:
                raise IndexError(element.name)
        return start
    if not element.has_lists:
        start += element.count * element.dtype("<").itemsize
    else:
        for _ in range(element.count):
            for prop in element.properties:
                length = 1
                if prop.length_code is not None:
                    length_type = np.dtype(header.byte_order + prop.length_code)
                    length = int(np.frombuffer(data, length_type, 1, start)[0])
                    start += length_type.itemsize
                start += max(length, 0) * np.dtype(prop.code).itemsize
    if start > len(data):
        raise IndexError(element.name)
    return start


def _read_text_rows(stream: BinaryIO, element: PlyElement, size: int, name: str) -> NDArray[np.void]:
    columns = len(element.properties)
    if element.count * columns * 2 - 1 > size:  # each value takes a character and a space
        raise _truncated(name, element, size // (2 * columns))
    rows = np.empty(element.count, element.dtype("="))
    for start in range(0, element.count, BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        values = _read_text_values(stream, len(block) * columns)
        if values is None or len(values) < len(block) * columns:
            raise UserError(
                f"{name} is truncated or damaged: the {element.name} rows from number {start + 1} on cannot be read as "
                f"numbers ({element.count} rows of {columns} values are declared). Export it again."
            )
        table = values.reshape(-1, columns)
        for column, prop in zip(table.T, element.properties, strict=True):
            if not prop.code.startswith("f"):
                limits = np.iinfo(prop.code)
                if not ((column >= limits.min) & (column <= limits.max) & (column == np.round(column))).all():
                    raise UserError(
                        f"The property '{prop.name}' of {name} has a value that is not a whole number from "
                        f"{limits.min} to {limits.max}, as its type requires. Export the file again."
                    )
            with np.errstate(over="ignore"):
                block[prop.name] = column
    return rows


def _read_text_values(stream: BinaryIO, count: int) -> NDArray[np.float64] | None:
    """``count`` numbers separated by white space; None when something else stands there."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromfile(stream, np.float64, count, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


def _rows_as_text(rows: NDArray[np.void]) -> bytes:
    """Lines of the shortest numbers that read back to the same values."""
    columns = [rows[name].astype(str).tolist() for name in rows.dtype.names or ()]
    return "".join(" ".join(row) + "\n" for row in zip(*columns, strict=True)).encode("ascii")
