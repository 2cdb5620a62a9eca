# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""How good a cut is: scores against true masks, folders of masks, unseen views."""
