# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""What files say about antialiasing is read, kept and carried on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_splats import sog_files, write_sog
from odd_plys import columns, gaussians, ply, write

from splatcut.formats import SplatFile, losses, read_splats, write_splats
from splatcut.formats.antialiasing import fuse
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, MIP, PixelFilter


@pytest.mark.parametrize(
    ("comments", "expected"),
    [
        ((), CLASSIC),
        (("SplatRenderMode: mip",), ANTIALIASED),  # splat-transform
        (("Exported from Brush", "SH degree: 3", "SplatRenderMode: mip"), MIP),
        (("Exported from Brush", "SplatRenderMode: default"), CLASSIC),
        (("SplatRenderMode: 2dgs",), CLASSIC),
        (("SplatRenderMode: mip-0.1", "Generated with NeRFICG/FasterGS"), MIP),
        (("SplatRenderMode: mip-0.2",), PixelFilter(0.2, True)),
        (("SplatRenderMode: mip-0.",), ANTIALIASED),  # no variance that a filter can have
        (("SplatRenderMode: mip-1.2.3",), ANTIALIASED),
        (("Exported from Brush", "SplatRenderMode: mip-0.3"), MIP),  # as Brush draws it
        (("  SPLATRENDERMODE:  MIP  ",), ANTIALIASED),
        (("antialiased 1",), ANTIALIASED),  # Postshot, and what others write to be understood
        (("antialiased 0",), CLASSIC),
        (("Postshot v1.0.0", "postshot.anti_aliasing=1"), ANTIALIASED),
        (("postshot.anti_aliasing=0",), CLASSIC),
        (("antialiased 1", "SplatRenderMode: default"), CLASSIC),  # the last one counts
        (("not antialiased 1", "grün: mip"), CLASSIC),
    ],
)
def test_comments_of_a_ply(comments: tuple[str, ...], expected: PixelFilter, tmp_path: Path) -> None:
    head = tuple(f"comment {text}".encode().decode("latin-1") for text in comments)
    path = write(tmp_path, head=head)
    splats = read_splats(path)
    assert splats.gaussians.pixel_filter == expected
    write_splats(tmp_path / "out.ply", splats.take(slice(3, 9)))
    cut = read_splats(tmp_path / "out.ply")
    assert (cut.gaussians.pixel_filter, cut.table.header.comments) == (expected, comments)


@pytest.mark.parametrize("ending", ["ply", "compressed.ply"])
def test_the_mark_goes_along_into_formats_that_can_hold_it(ending: str, tmp_path: Path) -> None:
    marked, plain = write(tmp_path, head=("comment antialiased 1",)), tmp_path / "plain.ply"
    plain.write_bytes(ply(columns(gaussians())))
    for path, expected in ((marked, ANTIALIASED), (plain, CLASSIC)):
        write_splats(tmp_path / f"out.{ending}", read_splats(path))
        back = read_splats(tmp_path / f"out.{ending}")
        assert back.gaussians.pixel_filter == expected
        write_splats(tmp_path / "back.ply", back)
        assert read_splats(tmp_path / "back.ply").gaussians.pixel_filter == expected
    assert "antialiased" not in " ".join(losses(read_splats(marked), tmp_path / f"out.{ending}"))


def test_a_sog_says_so_in_its_model(tmp_path: Path) -> None:
    files = sog_files(gaussians(50, 1))
    for model, expected in (("antialiased", ANTIALIASED), ("2dgs", CLASSIC), (None, CLASSIC)):
        meta = json.loads(files["meta.json"]) | ({} if model is None else {"model": model})
        splats = read_splats(write_sog(tmp_path / "a.sog", files | {"meta.json": json.dumps(meta).encode()}))
        assert splats.gaussians.pixel_filter == expected


def test_a_format_that_cannot_hold_the_mark_is_named(tmp_path: Path) -> None:
    splats = read_splats(write(tmp_path, head=("comment SplatRenderMode: mip",)))
    told = losses(splats, tmp_path / "a.splat")
    assert any("cannot say that the scene was trained antialiased" in text for text in told)
    assert not any("comments" in text for text in told)
    mip = replace(splats, gaussians=replace(splats.gaussians, pixel_filter=MIP))
    assert any("a little softer" in text for text in losses(mip, tmp_path / "a.compressed.ply"))


@pytest.mark.parametrize("said", ["", "comment antialiased 0", "comment antialiased 1"])
@pytest.mark.parametrize("filtered", [False, True])
def test_what_the_user_says_counts_and_is_written(said: str, filtered: bool, tmp_path: Path) -> None:
    content = columns(gaussians()) | ({"filter_3D": ("float", np.full(40, 0.01))} if filtered else {})
    head = ("comment one", *([said] if said else []), "comment two")
    path = tmp_path / "in.ply"
    path.write_bytes(ply(content, head=head))
    for choice in ("on", "off", "mip"):
        splats = read_splats(path, antialiased=choice)
        assert splats.gaussians.antialiased == (choice != "off")
        if choice == "mip":
            assert splats.gaussians.pixel_filter == MIP
        write_splats(tmp_path / "out.ply", splats)
        again = read_splats(tmp_path / "out.ply")
        assert again.gaussians.pixel_filter == splats.gaussians.pixel_filter
        assert {"one", "two"} <= set(again.table.header.comments)
        plain = read_splats(path).gaussians
        if plain.antialiased == (choice != "off") and (choice != "mip" or plain.pixel_filter == MIP):
            assert (tmp_path / "out.ply").read_bytes() == path.read_bytes()


def _filtered(folder: Path, deviation: np.ndarray, kind: str = "float") -> Path:
    content = columns(gaussians(len(deviation), 1)) | {"filter_3D": (kind, deviation)}
    (folder / "filtered.ply").write_bytes(ply(content))
    return folder / "filtered.ply"


def test_the_3d_filter_is_part_of_the_gaussians(tmp_path: Path) -> None:
    """By the paper's formula, in double precision."""
    deviation = np.linspace(0, 0.3, 40).astype(np.float32)
    g = read_splats(_filtered(tmp_path, deviation)).gaussians
    raw = gaussians(40, 1)
    assert g.pixel_filter == MIP
    variance = np.exp(2 * raw.log_scales.astype(np.float64))
    wide = variance + deviation[:, None].astype(np.float64) ** 2
    np.testing.assert_allclose(g.log_scales, 0.5 * np.log(wide), atol=1e-6)
    opacity = 1 / (1 + np.exp(-raw.opacity_logits.astype(np.float64)))
    np.testing.assert_allclose(g.opacities(), opacity * np.sqrt(variance.prod(1) / wide.prod(1)), rtol=2e-5)
    np.testing.assert_array_equal(g.log_scales[0], raw.log_scales[0])
    assert g.opacity_logits[0] == raw.opacity_logits[0]


@given(
    st.floats(-12, 3, width=32), st.floats(-15, 15, width=32), st.one_of(st.just(0.0), st.floats(2**-20, 10, width=32))
)
def test_fusing_never_narrows_nor_strengthens(log_scale: float, logit: float, deviation: float) -> None:
    log_scales, logits = np.full((1, 3), log_scale, np.float32), np.array([logit], np.float32)
    wide, fused = fuse(log_scales, logits, np.array([deviation], np.float32))
    assert np.isfinite(wide).all()
    assert np.isfinite(fused).all()
    assert (wide >= log_scales).all()
    assert (fused <= logits).all()
    if deviation == 0:
        assert (wide == log_scales).all()
        assert fused == logits


def test_an_opaque_and_a_flat_gaussian_have_a_3d_filter() -> None:
    scales = np.array([[-2, -2, -2], [-2, -2, -np.inf], [-2, -2, -np.inf]], np.float32)
    wide, fused = fuse(scales, np.array([np.inf, 1, np.inf], np.float32), np.array([0.1, 0.1, 0], np.float32))
    ratio = (np.exp(-4) / (np.exp(-4) + 0.01)) ** 1.5
    np.testing.assert_allclose(fused[0], np.log(ratio / (1 - ratio)), rtol=1e-5)
    np.testing.assert_allclose(wide[1, 2], np.log(0.1), rtol=1e-6)
    assert fused[1] == -np.inf  # nothing is left of what has no volume
    assert (wide[2] == scales[2]).all()
    assert fused[2] == np.inf


@pytest.mark.parametrize("kind", ["float", "double"])
def test_untouched_gaussians_keep_their_filter_bit_by_bit(kind: str, tmp_path: Path) -> None:
    splats = read_splats(_filtered(tmp_path, np.full(40, 0.1), kind))
    moved = splats.gaussians.take(slice(None))
    moved.opacity_logits[:10] += 1
    made = splats.with_gaussians(moved, np.arange(40), np.arange(40) < 10)
    assert np.asarray(made.table.rows)[10:].tobytes() == np.asarray(splats.table.rows)[10:].tobytes()
    assert (np.asarray(made.table.rows["filter_3D"])[:10] == 0).all()
    write_splats(tmp_path / "out.ply", made)
    again = read_splats(tmp_path / "out.ply").gaussians
    assert again.pixel_filter == MIP
    np.testing.assert_array_equal(again.log_scales, moved.log_scales)
    np.testing.assert_array_equal(again.opacity_logits, moved.opacity_logits)


def test_the_3d_filter_is_worked_into_formats_without_it(tmp_path: Path) -> None:
    splats = read_splats(_filtered(tmp_path, np.full(40, 0.1)))
    assert not any("filter_3D" in text for text in losses(splats, tmp_path / "a.compressed.ply"))
    write_splats(tmp_path / "a.compressed.ply", splats)
    back = read_splats(tmp_path / "a.compressed.ply").gaussians
    np.testing.assert_allclose(np.sort(back.log_scales[:, 0]), np.sort(splats.gaussians.log_scales[:, 0]), atol=0.01)
    assert back.antialiased


def test_a_new_file_of_antialiased_gaussians_says_so(tmp_path: Path) -> None:
    splats = SplatFile.from_gaussians(replace(gaussians(), pixel_filter=ANTIALIASED), comments=("mine",))
    assert splats.table.header.comments == ("SplatRenderMode: mip", "mine")
    assert SplatFile.from_gaussians(gaussians()).table.header.comments == ()
