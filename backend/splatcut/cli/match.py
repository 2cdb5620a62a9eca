# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut match``: colours for programs that blend splats in linear light, and back."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import Any

from splatcut.messages.arguments import add_arguments
from splatcut.messages.worker import BLENDS, Match
from splatcut.progress import Terminal

_DESCRIPTION = """Fits the colours of a scene anew, so that it looks as trained where splats are blended in linear
light, as Blender 5.3 does; geometry and opacities stay. A cut's folder is matched as one scene, objects and background
alike. The trained colours stay in the file, and --blend display brings them back, bit by bit."""


def add_parser(subparsers: Any) -> None:
    """Adds the command to the program's commands."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "match", help="match colours to Blender's light", description=_DESCRIPTION
    )
    parser.add_argument("scene", type=Path, metavar="SCENE", help="splat file, or the folder of a cut")
    parser.add_argument(
        "--blend",
        choices=BLENDS,
        default="linear",
        help="how the colours will be blended: linear, as in Blender; display, as trained, which undoes a match "
        "(default: linear)",
    )
    parser.add_argument(
        "--cameras",
        type=Path,
        metavar="PATH",
        help="COLMAP model, transforms.json or cameras.json; virtual cameras are made without",
    )
    parser.add_argument(
        "--images", type=Path, metavar="DIR", help="folder of the photos; needed only if the cameras do not give a size"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help="a .ply, or a folder for a cut")
    parser.add_argument("--force", action="store_true", help="overwrite OUT if it exists")
    add_arguments(parser, ["device", "drop_invalid", "antialiased"])
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Runs the command. Raises ``UserError``."""
    names = ("scene", "out", "blend", "cameras", "images", "force", "device", "drop_invalid", "antialiased")
    request = Match(**{name: getattr(args, name) for name in names})

    from splatcut.pipeline import match_scene
    from splatcut.pipeline.matching import PARTS

    with contextlib.closing(Terminal(PARTS)) as progress:
        result = match_scene(request, progress)
    for sentence in result.warnings:
        print(f"note: {sentence}", file=sys.stderr)
    if result.before is None or result.after is None:
        print(f"The colours of {result.gaussians:,} Gaussians are as trained again. They are in {args.out}.")
        return 0
    print(
        f"Matched {result.gaussians:,} Gaussians: blended in linear light, they differ from the scene as trained by "
        f"{255 * result.after:.1f} of 255 (root mean square), {255 * result.before:.1f} before. They are in {args.out}."
    )
    return 0
