# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The header of a PLY file: parsed strictly, written back line by line as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np

from splatcut.errors import UserError

#: A header longer than this is taken for a damaged file.
MAX_HEADER_BYTES = 4 << 20

#: Numpy's codes and the words for them, the ones to write first.
_WORDS = {
    "i1": ("char", "int8"),
    "u1": ("uchar", "uint8"),
    "i2": ("short", "int16"),
    "u2": ("ushort", "uint16"),
    "i4": ("int", "int32"),
    "u4": ("uint", "uint32"),
    "f4": ("float", "float32"),
    "f8": ("double", "float64"),
}
_TYPES = {word: code for code, words in _WORDS.items() for word in words}
_FORMATS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class PlyProperty:
    """One property of an element: numpy type code without byte order, and that of the list length (None: a scalar)."""

    name: str
    code: str
    length_code: str | None = None


@dataclass(frozen=True)
class PlyElement:
    """One element: its name, number of rows and properties in the order of the file."""

    name: str
    count: int
    properties: tuple[PlyProperty, ...]

    @property
    def has_lists(self) -> bool:
        """Whether rows have different sizes."""
        return any(prop.length_code is not None for prop in self.properties)

    def dtype(self, byte_order: str) -> np.dtype:
        """Packed structured dtype of a row; ``byte_order`` is '<', '>' or '='. Only without list properties."""
        return np.dtype([(prop.name, byte_order + prop.code) for prop in self.properties])


@dataclass(frozen=True)
class PlyHeader:
    """A parsed header that remembers its own text.

    Attributes:
        lines: every line from ``ply`` to ``end_header`` without line ends, decoded as Latin-1 (so no byte is lost).
        newline: the file's line end, used for all of the header.
        format_name: ``ascii``, ``binary_little_endian`` or ``binary_big_endian``.
        elements: the elements in the order of the file.
    """

    lines: tuple[str, ...]
    newline: str
    format_name: str
    elements: tuple[PlyElement, ...]

    @property
    def ascii(self) -> bool:
        """Whether the data are text."""
        return self.format_name == "ascii"

    @property
    def byte_order(self) -> str:
        """'<' or '>' of the binary data, '=' for text."""
        return _FORMATS[self.format_name]

    def _texts(self, keyword: str) -> tuple[str, ...]:
        found = (line[len(keyword) :] for line in self.lines if line.split(" ", 1)[0] == keyword)
        return tuple(text[1:].encode("latin-1").decode("utf-8", "replace") for text in found)

    @property
    def comments(self) -> tuple[str, ...]:
        """The comments, in order."""
        return self._texts("comment")

    @property
    def obj_info(self) -> tuple[str, ...]:
        """The obj_info lines, in order."""
        return self._texts("obj_info")

    def index(self, name: str) -> int | None:
        """Position of the element called ``name``, or None."""
        return next((i for i, element in enumerate(self.elements) if element.name == name), None)

    def with_count(self, name: str, count: int) -> PlyHeader:
        """The same header with another number of rows of one element; nothing else changes."""
        elements = tuple(replace(e, count=count) if e.name == name else e for e in self.elements)
        if elements == self.elements:
            return self
        lines = tuple(
            f"element {name} {count}" if line.split()[:2] == ["element", name] else line for line in self.lines
        )
        return replace(self, lines=lines, elements=elements)

    def without(self, name: str) -> PlyHeader:
        """The same header without one element, its properties and the comments among them."""
        lines: list[str] = []
        inside = False
        for line in self.lines:
            words = line.split()
            if words[:1] == ["element"]:
                inside = words[1] == name
            if not inside or words == ["end_header"]:
                lines.append(line)
        return replace(self, lines=tuple(lines), elements=tuple(e for e in self.elements if e.name != name))

    def with_property(self, element: str, prop: PlyProperty) -> PlyHeader:
        """The same header with one more scalar property, the last of an element."""
        last, inside = 0, False
        for number, line in enumerate(self.lines):
            words = line.split()
            if words[:1] == ["element"]:
                inside = words[1] == element
            if inside and words[:1] in (["element"], ["property"]):
                last = number + 1
        lines = (*self.lines[:last], f"property {_WORDS[prop.code][0]} {prop.name}", *self.lines[last:])
        properties = {e.name: (*e.properties, *([prop] if e.name == element else [])) for e in self.elements}
        elements = tuple(replace(e, properties=properties[e.name]) for e in self.elements)
        return replace(self, lines=lines, elements=elements)

    def encode(self) -> bytes:
        """The header as it stands in a file, including the line end behind ``end_header``."""
        return "".join(line + self.newline for line in self.lines).encode("latin-1")


def build_header(format_name: str, element: PlyElement, comments: tuple[str, ...] = ()) -> PlyHeader:
    """A new header with one element of scalar properties."""
    lines = ["ply", f"format {format_name} 1.0"]
    lines += [f"comment {comment.encode('utf-8').decode('latin-1')}" for comment in comments]
    lines.append(f"element {element.name} {element.count}")
    lines += [f"property {_WORDS[prop.code][0]} {prop.name}" for prop in element.properties]
    return PlyHeader((*lines, "end_header"), "\n", format_name, (element,))


def read_header(stream: BinaryIO, name: str) -> PlyHeader:
    """Reads a header from the start of ``stream`` and leaves the stream at the first byte of the data.

    Raises:
        UserError: this is no PLY file, or the header is damaged (with the line's number); ``name`` says which file.
    """
    lines, newline = _read_lines(stream, name)
    format_name = ""
    elements: list[PlyElement] = []
    for number, line in enumerate(lines[1:-1], start=2):
        words = line.split()
        where = f"Line {number} of the header of {name} is damaged: '{_shown(line)}'"
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "format":
            if len(words) < 2 or words[1] not in _FORMATS:
                raise UserError(f"{where} names an unknown format. Export the file again.")
            format_name = words[1]
        elif words[0] == "element":
            if len(words) != 3 or not (words[2].isascii() and words[2].isdigit()) or len(words[2]) > 18:
                raise UserError(f"{where} should be 'element NAME COUNT'. Export the file again.")
            if any(element.name == words[1] for element in elements):
                raise UserError(f"{where} declares an element a second time. Export the file again.")
            elements.append(PlyElement(words[1], int(words[2]), ()))
        elif words[0] == "property":
            prop = _parse_property(words)
            if prop is None or not elements:
                raise UserError(f"{where} is not a property of an element. Export the file again.")
            if any(other.name == prop.name for other in elements[-1].properties):
                raise UserError(f"{where} declares a property a second time. Export the file again.")
            elements[-1] = replace(elements[-1], properties=(*elements[-1].properties, prop))
        else:
            raise UserError(f"{where} starts with an unknown word. Export the file again.")
    if not format_name:
        raise UserError(f"{name} is a PLY file without a format line. Export the file again.")
    return PlyHeader(tuple(lines), newline, format_name, tuple(elements))


def _parse_property(words: list[str]) -> PlyProperty | None:
    if len(words) == 3 and words[1] in _TYPES:
        return PlyProperty(words[2], _TYPES[words[1]])
    if len(words) == 5 and words[1] == "list" and words[2] in _TYPES and words[3] in _TYPES:
        if _TYPES[words[2]].startswith("f"):
            return None
        return PlyProperty(words[4], _TYPES[words[3]], _TYPES[words[2]])
    return None


def _read_lines(stream: BinaryIO, name: str) -> tuple[list[str], str]:
    start = stream.read(5)
    if start[:3] != b"ply" or start[3:4] not in (b"\n", b"\r"):
        raise UserError(f"{name} is not a PLY file: it does not begin with 'ply'. Check that this is the right file.")
    newline = b"\r\n" if start[3:5] == b"\r\n" else start[3:4]
    stream.seek(0)
    text = b""
    end = newline + b"end_header" + newline
    while (position := text.find(end)) < 0:
        block = stream.read(1 << 16)
        if not block or len(text) > MAX_HEADER_BYTES:
            # A file may end right behind "end_header" without a line end when it holds no data.
            raise UserError(f"{name} is a damaged PLY file: its header has no end ('end_header'). Export it again.")
        text += block
    stream.seek(position + len(end))
    header = text[: position + len(end) - len(newline)].decode("latin-1")
    return header.split(newline.decode("ascii")), newline.decode("ascii")


def _shown(line: str) -> str:
    """A line for an error message: short and printable."""
    text = "".join(c if c.isprintable() else "?" for c in line)
    return text if len(text) <= 60 else text[:60] + "..."
