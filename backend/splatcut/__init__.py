# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""SplatCut: cut clean, named objects out of 3D Gaussian Splatting scenes."""

__version__ = "0.1.0"
