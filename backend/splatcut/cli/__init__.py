# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The command ``splatcut``."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import splatcut
from splatcut.errors import MEMORY_SENTENCE, Cancelled, is_memory_problem, user_sentence
from splatcut.threads import sleep_when_idle

#: Subcommands in the order of the help; each module has ``add_parser(subparsers)``, which sets ``run``.
COMMANDS = ("segment", "heal", "render", "evaluate", "info", "check", "convert", "match", "doctor", "worker")

EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 130


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser with these subcommands."""
    parser = argparse.ArgumentParser(
        prog="splatcut", description="Cuts clean, named objects out of 3D Gaussian Splatting scenes."
    )
    parser.add_argument("--version", action="version", version=f"splatcut {splatcut.__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in commands:
        importlib.import_module(f"splatcut.cli.{name}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line; returns the exit code: 0 done, 1 the answer is no, 2 bad input, 130 cancelled."""
    sleep_when_idle()
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        # The modules of the other commands need not be loaded, nor be whole where packages are missing.
        args = build_parser([name for name in COMMANDS if name in arguments[:1]] or COMMANDS).parse_args(arguments)
        return int(args.func(args))
    except (Cancelled, KeyboardInterrupt):
        print("\nsplatcut: stopped. Finished work is kept; run the same command again to continue.", file=sys.stderr)
        return EXIT_CANCELLED
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        sentence = MEMORY_SENTENCE if is_memory_problem(error) else user_sentence(error)
        if sentence is None:
            raise
        print(f"splatcut: {sentence}", file=sys.stderr)
        return EXIT_BAD_INPUT
