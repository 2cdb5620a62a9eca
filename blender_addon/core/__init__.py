# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions of the add-on that need no Blender: numpy, the standard library and splatcut's formats and messages."""
