# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What everything else is about: Gaussians, cameras and masks as plain arrays. numpy and the standard library only."""
