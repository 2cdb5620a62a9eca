# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The job and prompt schema as dataclasses, to and from JSON. Standard library only: Blender imports it as it is."""

from splatcut.messages.job import InlineView, Job, job_from_json, job_to_json, options_to_json
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
from splatcut.messages.reading import SCHEMA_VERSION

__all__ = [
    "OPTIONS",
    "SCENE_OPTIONS",
    "SCHEMA_VERSION",
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
    "job_from_json",
    "job_to_json",
    "load_prompts",
    "options_to_json",
    "parse_at",
    "parse_prompts",
    "placed",
    "prompts_to_json",
]
