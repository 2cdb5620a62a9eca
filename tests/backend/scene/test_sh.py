# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Spherical harmonics: values, orthonormality and rotation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from splatcut.scene import sh

angles = st.floats(-np.pi, np.pi)
rotations = st.tuples(angles, angles, angles).map(lambda a: Rotation.from_euler("xyz", a).as_matrix())
degrees = st.integers(0, 4)


def some_directions(count: int = 200) -> np.ndarray:
    d = np.random.default_rng(0).normal(size=(count, 3))
    return d / np.linalg.norm(d, axis=1, keepdims=True)


def test_first_bands() -> None:
    x, y, z = 0.36, 0.48, 0.8
    c1 = np.sqrt(3 / (4 * np.pi))
    values = sh.basis([[x, y, z]], 1)[0]
    np.testing.assert_allclose(values, [np.sqrt(1 / (4 * np.pi)), -c1 * y, c1 * z, -c1 * x])


def test_every_band_against_scipy() -> None:
    """Real harmonics from scipy's complex ones, whose Condon-Shortley phase gives the signs of 3DGS."""
    d = some_directions()
    polar, azimuth = np.arccos(d[:, 2]), np.arctan2(d[:, 1], d[:, 0])
    values = sh.basis(d, 4)
    for band in range(5):
        for m in range(-band, band + 1):
            y = sph_harm_y(band, abs(m), polar, azimuth)
            expected = y.real if m == 0 else np.sqrt(2) * (y.real if m > 0 else y.imag)
            np.testing.assert_allclose(values[:, band * band + band + m], expected, atol=1e-12, err_msg=f"{band} {m}")


def test_length_of_directions_does_not_matter() -> None:
    np.testing.assert_allclose(sh.basis([[3, -2, 5]], 4), sh.basis([[0.3, -0.2, 0.5]], 4), atol=1e-14)


@settings(max_examples=50)
@given(rotations, degrees)
def test_rotated_colours_are_seen_from_rotated_directions(rotation, degree) -> None:
    coefficients = np.random.default_rng(1).normal(size=(5, (degree + 1) ** 2, 3)).astype(np.float32)
    d = some_directions(40)
    before = np.einsum("dk,nkc->ndc", sh.basis(d, degree), coefficients)
    after = np.einsum("dk,nkc->ndc", sh.basis(d @ rotation.T, degree), sh.rotate(coefficients, rotation))
    np.testing.assert_allclose(after, before, atol=2e-6)


@settings(max_examples=30)
@given(rotations, rotations)
def test_rotation_matrices_form_a_group(a, b) -> None:
    product = sh.rotation_matrix(a, 4) @ sh.rotation_matrix(b, 4)
    np.testing.assert_allclose(sh.rotation_matrix(a @ b, 4), product, atol=1e-12)
    np.testing.assert_allclose(sh.rotation_matrix(a.T, 4), sh.rotation_matrix(a, 4).T, atol=1e-12)


def test_constant_term_is_copied() -> None:
    coefficients = np.random.default_rng(1).normal(size=(5, 4, 3)).astype(np.float32)
    turned = sh.rotate(coefficients, Rotation.from_euler("x", 1.0).as_matrix())
    np.testing.assert_array_equal(turned[:, 0], coefficients[:, 0])
    assert turned.dtype == np.float32


def test_refuses_what_is_no_rotation_or_degree() -> None:
    with pytest.raises(ValueError, match="orthogonal"):
        sh.rotation_matrix(2 * np.eye(3), 1)
    with pytest.raises(ValueError, match="0 to 4"):
        sh.basis([[1, 0, 0]], 5)
