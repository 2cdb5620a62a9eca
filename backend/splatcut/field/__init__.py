# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The continuous field that refines the Gaussians near an object's edge (method: the continuous field)."""
