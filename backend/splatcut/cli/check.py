# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut check``: problems of a scene, its cameras, photos and masks, with remedies, ahead of a run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from splatcut.messages import JobOptions, to_json
from splatcut.messages.arguments import add_arguments, given
from splatcut.messages.findings import Finding

_DESCRIPTION = """Checks everything that 'splatcut segment' would use, before anything is cut, and lists what is wrong
and what to do about it. The exit code is 2 if a run would stop at a problem, otherwise 0."""
_MARKS = {"problem": "PROBLEM", "warning": "warning", "note": "note"}


def add_parser(subparsers: Any) -> None:
    """Adds the command to the command line."""
    parser = subparsers.add_parser(
        "check", help="find problems in a scene, its cameras, photos and masks", description=_DESCRIPTION
    )
    parser.add_argument("scene", type=Path, help="the splat file")
    parser.add_argument("--cameras", type=Path, help="COLMAP model, transforms.json or cameras.json")
    parser.add_argument("--images", type=Path, help="folder of the photos (default: looked for beside the cameras)")
    parser.add_argument("--masks", type=Path, help="folder of ready masks")
    add_arguments(parser, ["holdout", "drop_invalid", "antialiased", "spz_axes", "trust_cameras", "trust_masks"])
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Prints the findings; returns the exit code."""
    options = JobOptions(**given(args))

    from splatcut.pipeline.checking import Subject, check

    checked = check(Subject(args.scene, args.cameras, args.images, args.masks, options))
    found = checked.findings
    problems = sum(finding.severity == "problem" for finding in found)
    if args.json:
        told = {"problems": problems, "looked_at": checked.looked_at, "findings": to_json(found)}
        print(json.dumps(told, indent=2))
    else:
        print("\n".join([*checked.looked_at, as_text(found)]))
    return 2 if problems else 0


def as_text(found: Sequence[Finding]) -> str:
    """The findings as lines of text, the gravest first."""
    order = sorted(found, key=lambda finding: list(_MARKS).index(finding.severity))
    lines = []
    for finding in order:
        where = f"{finding.where}: " if finding.where and finding.where not in finding.what else ""
        lines.append(f"{_MARKS[finding.severity]}: {where}{finding.what}")
        if finding.remedy:
            lines.append(f"  {finding.remedy}")
    if not any(finding.severity == "problem" for finding in found):
        warned = sum(finding.severity == "warning" for finding in found)
        told = (
            f"No problems, but {warned} warning{'' if warned == 1 else 's'}." if warned else "No problems were found."
        )
        lines.append(told)
    return "\n".join(lines)
