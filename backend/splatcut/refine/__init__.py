# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Joint optimisation of the Gaussians around the objects' edges (method: joint optimisation)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splatcut.lazy import offered
from splatcut.refine.options import RefineOptions

if TYPE_CHECKING:
    from splatcut.refine.run import START, STATE, Refined, Saving, refine

__all__ = ["START", "STATE", "RefineOptions", "Refined", "Saving", "refine"]

# These take torch, which is slow to load and which other jobs do without.
__getattr__ = offered(__name__, dict.fromkeys(("START", "STATE", "Refined", "Saving", "refine"), "run"))
