# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Makes an environment: ``python3 scripts/set_up.py bpy45``.

The other scripts make what they need themselves; this is for whoever wants to work in one of the environments.
"""

from __future__ import annotations

import argparse
import sys
from typing import List

from lib import environment


def main(arguments: List[str]) -> int:
    """Makes the environments and prints their interpreters; returns 0, or 3 where one cannot be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("setup", nargs="+", choices=sorted(environment.SETUPS))
    for setup in parser.parse_args(arguments).setup:
        reason = environment.unsuited(setup)
        if reason is not None:
            print(f"{setup} cannot be made on this machine. {reason}", file=sys.stderr)
            return 3
        environment.ensure(setup)
        print(environment.python_of(setup))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
