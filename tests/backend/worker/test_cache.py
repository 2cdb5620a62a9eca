# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What is kept between requests: within its size, and never for another view."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from blob_scene import BlobScene
from hypothesis import given
from hypothesis import strategies as st

from splatcut.cameras import load_views
from splatcut.lift.vote import ViewSums
from splatcut.worker.cache import Store, bytes_of, content_key, view_key


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 60)), max_size=40))
def test_a_store_holds_what_was_used_last(uses: list[tuple[int, int]]) -> None:
    store = Store(100)
    sizes: dict[int, int] = {}
    for key, size in uses:
        made = np.zeros(size, np.uint8)
        known = key in store
        assert (store.get(key, lambda made=made: made) is made) == (not known)
        sizes[key] = sizes[key] if known else size
        assert key in store
        assert store.bytes == sum(sizes[other] for other in range(7) if other in store) <= 100


def test_what_is_too_large_is_not_kept_and_drives_nothing_out() -> None:
    store = Store(10)
    store.get("small", lambda: b"")
    store.get("large", lambda: np.zeros(11, np.uint8))
    assert ("small" in store, "large" in store, store.find("small"), store.find("large")) == (True, False, b"", None)
    store.clear()
    assert ("small" in store, store.bytes) == (False, 0)


def test_all_arrays_in_a_value_count() -> None:
    flat, wide = np.zeros(3, np.float32), np.zeros((2, 5))
    assert bytes_of(flat) == 12
    assert bytes_of({"a": flat, "b": (wide, flat)}) == 104
    assert bytes_of(ViewSums(np.zeros(2, np.int32), flat, wide.astype(np.float32))) == 60


def test_views_are_told_apart_by_what_they_show(blobs: BlobScene, tmp_path: Path) -> None:
    first, second = load_views(blobs.cameras)[:2]
    key = view_key(first)
    assert view_key(replace(first, name="another")) == key
    assert view_key(second) != key
    assert view_key(replace(first, camera=replace(first.camera, near=0.1))) != key
    assert view_key(replace(first, photo=None)) != key
    photo = tmp_path / "photo.png"
    assert first.photo is not None
    photo.write_bytes(first.photo.read_bytes())
    own = replace(first, photo=photo)
    before = view_key(own)
    os.utime(photo, ns=(1, 1))
    assert view_key(own) != before


def test_arrays_are_told_apart_by_shape_and_content() -> None:
    a = np.arange(6.0)
    keys = {content_key(a), content_key(a.reshape(2, 3)), content_key(a + 1), content_key(None), content_key(a, None)}
    assert len(keys) == 5
    assert content_key(a) == content_key(np.arange(6.0))
