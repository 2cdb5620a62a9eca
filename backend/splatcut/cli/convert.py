# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``splatcut convert A B``: a splat file in another format."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from splatcut.errors import UserError
from splatcut.formats import FORMATS, format_of, losses, read_splats, writable_format, write_splats
from splatcut.formats.findings import place_findings
from splatcut.formats.parts import Membership
from splatcut.formats.spz import SH_BITS
from splatcut.messages.arguments import add_arguments


def add_parser(subparsers: Any) -> None:
    """Adds the command to the command line."""
    writable = ", ".join(kind.suffix for kind in FORMATS if kind.writable)
    parser = subparsers.add_parser(
        "convert",
        help="write a splat file in another format",
        description="Writes a splat file in the format that B's extension names, and says what that format cannot "
        "hold. The folder of a cut becomes one file of named objects where the format supports them (USD, glTF); "
        "such a file becomes a folder if B has no extension.",
    )
    parser.add_argument(
        "input", type=Path, metavar="A", help="splat file to read, or the folder of an unbundled SOG or of a cut"
    )
    parser.add_argument(
        "output", type=Path, metavar="B", help=f"splat file to write: {writable}; or a folder for the objects in A"
    )
    parser.add_argument("--force", action="store_true", help="overwrite B if it exists")
    parser.add_argument(
        "--spz-sh-bits",
        type=int,
        choices=range(1, 9),
        metavar="1-8",
        help="bits per coefficient of view-dependent colour in an .spz (default: 5 for SH degree 1, 4 above)",
    )
    add_arguments(parser, ["drop_invalid", "antialiased", "spz_axes"])
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Converts; prints what is lost on standard error. Returns the exit code."""
    to_folder = not args.output.suffix and not args.input.is_dir() and format_of(args.input).tells_objects
    if not to_folder:
        writable_format(args.output)  # says so before a large file is read for nothing
    if args.output.exists() and not (to_folder and args.output.is_dir() and not any(args.output.iterdir())):
        if args.input.exists() and args.output.samefile(args.input):
            raise UserError(f"{args.output} is the input itself. Choose another name for the output.")
        if args.output.is_dir() != to_folder:
            what = ("not a folder", "a new folder") if to_folder else ("a folder", "a file")
            raise UserError(f"{args.output} is {what[0]}. Give the name of {what[1]} to write.")
        if not args.force:
            raise UserError(f"{args.output} already exists. Choose another name, or use --force to overwrite it.")
    bits = SH_BITS if args.spz_sh_bits is None else (args.spz_sh_bits,) * 2
    splats = read_splats(
        args.input, drop_invalid=args.drop_invalid, antialiased=args.antialiased, spz_axes=args.spz_axes
    )
    if splats.dropped:
        print(f"Left out {splats.dropped} Gaussians with values that are not finite.", file=sys.stderr)
    told = [*place_findings(splats), *splats.findings]
    lost = [] if to_folder else losses(splats, args.output, spz_sh_bits=bits)
    for sentence in (*(finding.text for finding in told), *lost):
        print(f"Note: {sentence}", file=sys.stderr)
    if to_folder:
        from splatcut.export.plys import write_objects

        objects = splats.objects or Membership((), np.zeros(len(splats), np.int32))
        write_objects(splats, objects.labels, objects.names, args.output)
    else:
        write_splats(args.output, splats, spz_sh_bits=bits)
    print(f"Wrote {len(splats):,} Gaussians to {args.output}.")
    return 0
