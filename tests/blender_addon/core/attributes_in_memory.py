# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of a splat object without Blender."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from blender_addon.core import layout

from splatcut.formats import SplatFile


class Attributes:
    """Attributes in memory."""

    def __init__(self, values: dict[str, tuple[str, np.ndarray]]) -> None:
        self.values = values
        self.read: set[str] = set()

    @staticmethod
    def of(splats: SplatFile) -> Attributes:
        found = {}
        for name, kind, values in layout.attributes_of(splats):
            number, width = layout.TYPES[kind]
            assert name not in found
            assert values.dtype == number
            assert values.shape == ((len(splats),) if width == 1 else (len(splats), width))
            assert len(name.encode()) <= 63
            found[name] = (kind, np.array(values))
        return Attributes(found)

    @property
    def count(self) -> int:
        return len(self.values[layout.POSITION][1])

    def types(self) -> Mapping[str, str]:
        return {name: kind for name, (kind, _) in self.values.items()}

    def get(self, name: str) -> np.ndarray | None:
        if name in self.values:
            assert name not in self.read, "Blender's attributes can be read once"
            self.read |= {name} - {layout.POSITION}
        return self.values[name][1].copy() if name in self.values else None

    def take(self, index: np.ndarray) -> Attributes:
        return Attributes({name: (kind, values[index]) for name, (kind, values) in self.values.items()})

    def joined(self, other: Attributes) -> Attributes:
        """As Blender joins: what one of the two does not have is zero there."""
        found = {}
        for name in {**self.values, **other.values}:
            kind, like = (self.values.get(name) or other.values[name])[0:2]
            parts = [
                part.values[name][1] if name in part.values else np.zeros((part.count, *like.shape[1:]), like.dtype)
                for part in (self, other)
            ]
            found[name] = (kind, np.concatenate(parts))
        return Attributes(found)
