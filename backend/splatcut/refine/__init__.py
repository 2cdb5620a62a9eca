# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Joint optimisation of the Gaussians around the objects' edges (method: joint optimisation)."""
