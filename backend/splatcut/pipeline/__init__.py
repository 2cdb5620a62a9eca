# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The stages in order, from a job to files: views, masks, lift, refine, extract, write."""

from __future__ import annotations

from splatcut.pipeline.healing import heal_cut
from splatcut.pipeline.matching import match_scene
from splatcut.pipeline.run import Result, run_job
from splatcut.pipeline.stages import parts_of

__all__ = ["Result", "heal_cut", "match_scene", "parts_of", "run_job"]
