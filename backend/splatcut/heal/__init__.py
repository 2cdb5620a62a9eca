# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What something hid, filled once it is taken out (method: healing)."""

from __future__ import annotations

from splatcut.heal.close import close
from splatcut.heal.heal import Healed, heal

__all__ = ["Healed", "close", "heal"]
