# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Files whose colours were matched to blending in linear light: a comment in a PLY's header, and the trained colours
beside the new ones, so that the file comes back bit by bit (method: linear blending).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splatcut.formats.layout import extract, find_layout
from splatcut.formats.ply_header import PlyHeader, PlyProperty
from splatcut.formats.splatfile import SplatFile
from splatcut.scene.gaussians import F32

#: The comment, and what stands before the names of the properties that hold the colours as trained.
MARK = "splatcut blend linear"
TRAINED = "splatcut_trained_"


def is_matched(splats: SplatFile) -> bool:
    """Whether the file's colours are for blending in linear light."""
    return MARK in splats.table.header.comments


def with_matched(splats: SplatFile, sh: F32) -> SplatFile:
    """The file with other colours, marked, its own beside them.

    Args:
        splats: not matched yet.
        sh: [N, K, 3], of the file's SH degree.
    """
    table = splats.table
    names = [name for triple in find_layout(table.rows.dtype, "the file").sh for name in triple]
    old = table.rows.dtype
    fields = [(name, old[name]) for name in table.property_names]
    rows = np.zeros(len(splats), np.dtype([*fields, *((TRAINED + name, old[name]) for name in names)]))
    for name in table.property_names:
        rows[name] = table.rows[name]
    for name in names:
        rows[TRAINED + name] = table.rows[name]
    layout = find_layout(rows.dtype, "the file")
    # Colours alone: writing the others again would fuse a 3D filter with them.
    for k, triple in enumerate(layout.sh):
        for channel, name in enumerate(triple):
            rows[name] = sh[:, k, channel]
    header = _with_properties(table.header, names)
    made = replace(splats.gaussians, sh=np.ascontiguousarray(sh, np.float32))
    return replace(splats, gaussians=made, table=replace(table, header=header, rows=rows))


def as_trained(splats: SplatFile) -> SplatFile:
    """The file as it was before ``with_matched``, bit by bit; one that is not matched, itself."""
    if not is_matched(splats):
        return splats
    table = splats.table
    kept = [name for name in table.property_names if not name.startswith(TRAINED)]
    rows = np.zeros(len(splats), np.dtype([(name, table.rows.dtype[name]) for name in kept]))
    there = set(table.property_names)
    for name in kept:
        rows[name] = table.rows[TRAINED + name if TRAINED + name in there else name]
    found = find_layout(rows.dtype, "the file")
    header = _without_properties(table.header)
    gaussians = replace(splats.gaussians, sh=extract(rows, found, splats.offset).sh)
    return replace(splats, gaussians=gaussians, table=replace(table, header=header, rows=rows))


def _with_properties(header: PlyHeader, names: list[str]) -> PlyHeader:
    """The header with the mark, and with a property for each trained colour, of the colour's own type."""
    lines = list(header.lines)
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["element", "vertex"])
    end = start + 1
    while lines[end].split()[:1] in (["property"], ["comment"], ["obj_info"]):
        end += 1
    words = {line.split()[-1]: line.split()[1] for line in lines[start:end] if line.startswith("property")}
    lines[end:end] = [f"property {words[name]} {TRAINED}{name}" for name in names]
    lines.insert(next(i for i, line in enumerate(lines) if line.startswith("format")) + 1, f"comment {MARK}")
    index = header.index("vertex")
    assert index is not None
    vertex = header.elements[index]
    codes = {prop.name: prop for prop in vertex.properties}
    more = tuple(replace(codes[name], name=TRAINED + name) for name in names)
    return _changed(header, lines, index, (*vertex.properties, *more))


def _without_properties(header: PlyHeader) -> PlyHeader:
    ours = (f"comment {MARK}",)
    lines = [
        line
        for line in header.lines
        if line not in ours and not (line.startswith("property") and line.split()[-1].startswith(TRAINED))
    ]
    index = header.index("vertex")
    assert index is not None
    properties = tuple(prop for prop in header.elements[index].properties if not prop.name.startswith(TRAINED))
    return _changed(header, lines, index, properties)


def _changed(header: PlyHeader, lines: list[str], index: int, properties: tuple[PlyProperty, ...]) -> PlyHeader:
    elements = list(header.elements)
    elements[index] = replace(elements[index], properties=properties)
    return replace(header, lines=tuple(lines), elements=tuple(elements))
