# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The stages in order, from a job to files: views, masks, lift, refine, extract, write."""

from __future__ import annotations

from splatcut.pipeline.run import Result, RunSettings, run_job

__all__ = ["Result", "RunSettings", "run_job"]
