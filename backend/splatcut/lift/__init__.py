# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""From masks to labels: the vote, the variance of the mask signal, islands, soft edges."""
