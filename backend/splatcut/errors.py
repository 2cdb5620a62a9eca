# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The two ways in which work ends early without being a defect of the software."""

from __future__ import annotations


class UserError(Exception):
    """Input that cannot be used. The message is one or more full sentences: what is wrong, where, what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class Cancelled(Exception):
    """The user asked for the work to stop; finished stages are kept on disk."""
