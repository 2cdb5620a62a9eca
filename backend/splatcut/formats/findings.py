# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What a scene is, beside its numbers: what its user should know, and what is done about it."""

from __future__ import annotations

from splatcut.formats.splatfile import SplatFile
from splatcut.messages.findings import Finding


def scene_findings(splats: SplatFile) -> list[Finding]:
    """The findings about a scene that was read; ``splatcut info``, ``check``, runs and Blender show the same list."""
    return [*_left_out(splats), *splats.findings]


def _left_out(splats: SplatFile) -> list[Finding]:
    if not splats.dropped:
        return []
    return [
        Finding(
            "warning", f"{splats.dropped} Gaussians with values that are not finite were left out (--drop-invalid)."
        )
    ]
