# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The command ``splatcut``."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence

import splatcut
from splatcut.errors import Cancelled, UserError

#: Subcommands in the order of the help; each module has ``add_parser(subparsers)``, which sets ``run``.
COMMANDS = ("segment", "render", "evaluate", "info", "convert", "doctor")

EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 130


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    parser = argparse.ArgumentParser(
        prog="splatcut", description="Cuts clean, named objects out of 3D Gaussian Splatting scenes."
    )
    parser.add_argument("--version", action="version", version=f"splatcut {splatcut.__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"splatcut.cli.{name}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code: 0 done, 1 the answer is no, 2 bad input, 130 cancelled."""
    try:
        args = build_parser().parse_args(arguments)
        return int(args.func(args))
    except UserError as error:
        print(f"splatcut: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except (Cancelled, KeyboardInterrupt):
        print("\nsplatcut: stopped. What was finished is kept; the same command continues.", file=sys.stderr)
        return EXIT_CANCELLED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        print(
            "splatcut: the memory ran out. Use smaller photos, fewer views or a machine with more memory.",
            file=sys.stderr,
        )
        return EXIT_BAD_INPUT
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            print("splatcut: the disk is full. Free some space and run the same command again.", file=sys.stderr)
            return EXIT_BAD_INPUT
        if error.filename is None:
            raise
        print(f"splatcut: {error.filename} cannot be read or written ({error.strerror}).", file=sys.stderr)
        return EXIT_BAD_INPUT
