# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What something hid, filled once it is taken out (method: healing)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splatcut.lazy import offered

if TYPE_CHECKING:
    from splatcut.heal.closing import close
    from splatcut.heal.healing import Healed, heal

__all__ = ["Healed", "close", "heal"]

__getattr__ = offered(__name__, {"Healed": "healing", "close": "closing", "heal": "healing"})
