# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Jobs, prompts, options and the worker's messages, and their JSON. Standard library only: Blender imports it."""

from splatcut.messages.conversion import from_json, to_json
from splatcut.messages.job import InlineView, Job
from splatcut.messages.names import check_object_name, check_object_names, check_view_name
from splatcut.messages.options import OPTIONS, SCENE_OPTIONS, JobOptions, placed
from splatcut.messages.prompts import (
    MaskPrompt,
    ObjectPrompt,
    Points3DPrompt,
    Prompt,
    ScribblePrompt,
    ViewPrompt,
    load_prompts,
    parse_at,
    parse_prompts,
    prompts_to_json,
)

__all__ = [
    "OPTIONS",
    "SCENE_OPTIONS",
    "InlineView",
    "Job",
    "JobOptions",
    "MaskPrompt",
    "ObjectPrompt",
    "Points3DPrompt",
    "Prompt",
    "ScribblePrompt",
    "ViewPrompt",
    "check_object_name",
    "check_object_names",
    "check_view_name",
    "from_json",
    "load_prompts",
    "parse_at",
    "parse_prompts",
    "placed",
    "prompts_to_json",
    "to_json",
]
