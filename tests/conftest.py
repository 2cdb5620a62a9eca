# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by all tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import hypothesis
import pytest

if importlib.util.find_spec("numba"):  # not inside Blender, where the engine is not there before the add-on is
    from splatcut.threads import sleep_when_idle

    sleep_when_idle()

# The same examples everywhere and at every run, on machines of any speed. Fixtures that an example changes are made by
# the test itself.
hypothesis.settings.register_profile(
    "splatcut",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("splatcut")

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = REPOSITORY.parent / "shared"
DEMO = REPOSITORY / "demo"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real scenes and splat files that a developer's checkout has beside it; a user's has not."""
    if not (SHARED / "scenes").is_dir():
        pytest.skip("the real scenes are not on this machine (no folder 'shared' beside the checkout)")
    return SHARED


@pytest.fixture(scope="session")
def demo() -> Path:
    """The embedded demo scene."""
    return DEMO
