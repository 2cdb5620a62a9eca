# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""``python -m splatcut`` is the command ``splatcut``."""

import sys

from splatcut.cli import main

if __name__ == "__main__":
    sys.exit(main())
