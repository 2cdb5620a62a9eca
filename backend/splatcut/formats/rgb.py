# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""PLYs with plain colours, ``red``, ``green`` and ``blue``, in place of ``f_dc_*``: nerfstudio's ``rgb`` mode.

They are read as if they had ``f_dc_*`` in these places, and written so: every program knows these, and a colour that
the refinement changed keeps its precision.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from splatcut.formats.ply import PlyTable
from splatcut.formats.ply_header import PlyHeader
from splatcut.messages.findings import Finding
from splatcut.scene.gaussians import SH_C0

_RGB = ("red", "green", "blue")
_REST_OF_GAUSSIANS = ("opacity", "scale_0", "scale_1", "rot_0", "rot_1", "rot_2", "rot_3")
#: Floating-point colours up to this are 0 to 1 (some a little above), larger ones 0 to 255.
_BRIGHTEST = 2.0


def is_rgb(table: PlyTable) -> bool:
    """Whether rows are Gaussians with plain colours, and none with ``f_dc_*``."""
    names = set(table.property_names)
    return names.issuperset((*_RGB, *_REST_OF_GAUSSIANS)) and not names & {"f_dc_0", "f_dc_1", "f_dc_2"}


def with_dc(table: PlyTable) -> tuple[PlyTable, Finding]:
    """The same file with float ``f_dc_*`` where colours were, and what is to say about it."""
    old = table.rows.dtype
    renamed = {name: f"f_dc_{channel}" for channel, name in enumerate(_RGB)}
    byte_order = table.header.byte_order
    rows = np.empty(
        len(table.rows),
        [(renamed[name], byte_order + "f4") if name in renamed else (name, old[name]) for name in old.names or ()],
    )
    white: dict[str, float] = {}
    for name in _RGB:
        kind = old[name]
        largest = max(float(np.nanmax(table.rows[channel], initial=0)) for channel in _RGB) if kind.kind == "f" else 0
        white[name] = (255 if largest > _BRIGHTEST else 1) if kind.kind == "f" else np.iinfo(kind).max
    for name in old.names or ():
        values = table.rows[name]
        if name in renamed:
            values = (values.astype(np.float64) / white[name] - 0.5) / SH_C0
        rows[renamed.get(name, name)] = values
    finding = Finding(
        "note",
        f"The colours are stored as red, green and blue from 0 to {white['red']:.0f}.",
        remedy="They are converted to f_dc_0 to f_dc_2 and written that way.",
    )
    return replace(table, header=_renamed(table.header, renamed), rows=rows), finding


def _renamed(header: PlyHeader, renamed: dict[str, str]) -> PlyHeader:
    lines, inside = [], False
    for line in header.lines:
        words = line.split()
        if words[:1] == ["element"]:
            inside = words[1] == "vertex"
        if inside and words[:1] == ["property"] and words[-1] in renamed:
            line = f"property float {renamed[words[-1]]}"
        lines.append(line)
    elements = []
    for element in header.elements:
        if element.name == "vertex":
            properties = tuple(
                replace(prop, name=renamed[prop.name], code="f4") if prop.name in renamed else prop
                for prop in element.properties
            )
            element = replace(element, properties=properties)
        elements.append(element)
    return replace(header, lines=tuple(lines), elements=tuple(elements))
