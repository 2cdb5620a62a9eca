# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut heal``: a cut in; what stays without some of its objects, holes filled, out."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any

from splatcut.messages.arguments import add_arguments
from splatcut.messages.worker import Heal

_DESCRIPTION = """Heals what stays of a cut when objects are taken out of it: what they left behind goes, and what they
hid is filled. DIR/background.ply is the scene without any of the objects, DIR/without_<object>.ply that without some;
the property splatcut_filled is 1 for recoloured Gaussians and 2 for those that were made up. DIR/<name>_dropped.ply
holds what else was left out, DIR/masks/<name>/<view>.png where the filling shows. Nothing else in the cut changes.
With --close, DIR/closed_<object>.ply is the object with its own unseen sides closed where it touched planes."""


def add_parser(subparsers: Any) -> None:
    """Adds the command to the program's commands."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "heal", help="fill what the objects of a cut hid", description=_DESCRIPTION
    )
    parser.add_argument("cut", type=Path, metavar="CUT", help="folder that splatcut segment wrote")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--close", metavar="OBJECT", help="close this object where it touched planes, such as its underside"
    )
    what.add_argument(
        "--without", nargs="+", default=[], metavar="OBJECT", help="take out only these, together (default: all)"
    )
    parser.add_argument(
        "--cameras",
        type=Path,
        help="COLMAP model, transforms.json or cameras.json (default: those that the scene was cut with)",
    )
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder of the photos")
    parser.add_argument("--out", type=Path, metavar="DIR", help="output folder (default: CUT/healed)")
    add_arguments(parser, ["device", "seed", "trust_cameras"])
    parser.set_defaults(func=run)


def counted(dropped: int, recoloured: int, made_up: int) -> str:
    """What was done to the Gaussians, in words."""
    return f"{dropped:,} Gaussians dropped, {recoloured:,} of them recoloured, {made_up:,} made up"


def run(args: argparse.Namespace) -> int:
    """Runs the command and says what was written. Raises ``UserError``."""
    names = ("cut", "close", "cameras", "images", "out", "device", "seed", "trust_cameras")
    request = Heal(without=tuple(args.without), **{name: getattr(args, name) for name in names})

    from splatcut.pipeline import heal_cut
    from splatcut.pipeline.healing import PARTS
    from splatcut.progress import Terminal

    with contextlib.closing(Terminal(PARTS)) as progress:
        result = heal_cut(request, progress)
    for warning in result.warnings:
        print(f"note: {warning}")
    print(f"{result.name}: {counted(**result.counts)}, in {result.file}")
    return 0
