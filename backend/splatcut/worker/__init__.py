# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The long-lived worker that Blender talks to (``splatcut worker``): JSON lines in, JSON lines out."""
