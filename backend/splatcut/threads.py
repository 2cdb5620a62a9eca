# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How the threads of the compiled parts wait for work."""

from __future__ import annotations

import os


def sleep_when_idle() -> None:
    """Lets waiting OpenMP threads sleep instead of spin, unless OMP_WAIT_POLICY says how they wait.

    Spinning costs more than twice the processor time of the work itself. OpenMP reads these variables when it is
    loaded, so this comes before numba or torch.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ.setdefault("GOMP_SPINCOUNT", "0")
