# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours that were matched to Blender's light, and the trained ones that a splat object keeps beside them.

A code of the matched colours says for each Gaussian whether they are still there. Where they are, the trained ones
count for everything but Blender's picture; where somebody changed them since, or Gaussians of another object were
joined, what is there now counts, as everywhere in splat objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import layout
from .layout import F32

#: The code of the matched colours, and the trained constant term; ``trained_name`` has the others.
MATCHED = "splatcut:matched"
TRAINED_BASE = "splatcut:trained_base"
_TRAINED_SH = "splatcut:trained_sh_"


def trained_name(index: int) -> str:
    """The attribute of the trained SH coefficient ``index``, counted from 0 behind the constant term."""
    return f"{_TRAINED_SH}{index}"


def is_ours(name: str) -> bool:
    """Whether an attribute is one of those that matching adds."""
    return name in (MATCHED, TRAINED_BASE) or name.startswith(_TRAINED_SH)


def code(base: F32, sh: Sequence[F32 | None]) -> NDArray[np.int32]:
    """[N] a number of each Gaussian's colours, never 0; further coefficients that are 0 do not change it.

    Args:
        base: [N, 3] the constant term; sh: [N, 3] each.
    """
    factors = np.random.default_rng(20).integers(0, 2**31, (len(sh) + 1, 3)).astype(np.uint32) * np.uint32(2) + 1
    total = np.zeros(len(base), np.uint32)
    for values, row in zip((base, *sh), factors, strict=True):
        if values is not None:
            bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
            total += (bits * row.astype(np.uint32)).sum(axis=1, dtype=np.uint32)
    return (total | np.uint32(1)).view(np.int32)


class AsTrained:
    """The attributes of a matched splat object with its trained colours; each can be read once."""

    def __init__(self, source: layout.Source) -> None:
        self._source = source
        self._types = {name: kind for name, kind in source.types().items() if not is_ours(name)}
        self._sh = [layout.sh_name(k) for k in range(layout.coefficient_count(source) - 1)]
        self._found: dict[str, NDArray[Any] | None] | None = None

    @property
    def count(self) -> int:
        return self._source.count

    def types(self) -> Mapping[str, str]:
        return self._types

    def get(self, name: str) -> NDArray[Any] | None:
        if name != layout.BASE and name not in self._sh:
            return self._source.get(name)
        if self._found is None:
            self._found = self._read()
        return self._found.pop(name, None)

    def _read(self) -> dict[str, NDArray[Any] | None]:
        names = (layout.BASE, *self._sh)
        found: dict[str, NDArray[Any] | None] = {name: self._source.get(name) for name in names}
        base, codes = self._shaped(found[layout.BASE], 4), self._source.get(MATCHED)
        if base is None or codes is None or codes.shape != (self.count,):
            return found
        seen = [self._shaped(found[name], 3) for name in self._sh]
        same = codes == code(base[:, :3], seen)
        kept = (TRAINED_BASE, *(trained_name(k) for k in range(len(seen))))
        for values, name in zip((base[:, :3], *seen), kept, strict=True):
            trained = self._shaped(self._source.get(name), 3)
            if values is not None and trained is not None:
                values[same] = trained[same]
        return found

    def _shaped(self, values: NDArray[Any] | None, width: int) -> NDArray[Any] | None:
        right = values is not None and values.shape == (self.count, width) and values.dtype == np.float32
        return values if right else None
