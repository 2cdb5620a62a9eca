# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that a run writes: the objects, their masks, the contact sheet and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from splatcut.lazy import offered

if TYPE_CHECKING:
    from splatcut.export.healed import (
        BACKGROUND,
        HEALED,
        HealedFiles,
        check_replaceable,
        healed_files,
        healed_name,
        write_healed,
    )
    from splatcut.export.plys import ObjectFiles, object_files
    from splatcut.export.report import ObjectEntry, Report, write_report
    from splatcut.export.writing import Results, write

__all__ = [
    "BACKGROUND",
    "HEALED",
    "HealedFiles",
    "ObjectEntry",
    "ObjectFiles",
    "Report",
    "Results",
    "check_replaceable",
    "healed_files",
    "healed_name",
    "object_files",
    "write",
    "write_healed",
    "write_report",
]

__getattr__ = offered(
    __name__,
    {
        "BACKGROUND": "healed",
        "HEALED": "healed",
        "HealedFiles": "healed",
        "check_replaceable": "healed",
        "healed_files": "healed",
        "healed_name": "healed",
        "write_healed": "healed",
        "ObjectFiles": "plys",
        "object_files": "plys",
        "ObjectEntry": "report",
        "Report": "report",
        "write_report": "report",
        "Results": "writing",
        "write": "writing",
    },
)
