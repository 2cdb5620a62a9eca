# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""PlayCanvas' SOG: Gaussians in WebP images, as one ``.sog`` (zip) or a folder with ``meta.json``.

Own code, because gsply wants a 100 MB image package for it and does not check the look-up tables it reads from.
Version 2 maps bytes through tables of 256 numbers, version 1 (without a version number) linearly between bounds.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splatcut.errors import UserError
from splatcut.formats.packages import require
from splatcut.scene.gaussians import ANTIALIASED, CLASSIC, F32, OPACITY_MARGIN, Gaussians

#: By how much the component of a quaternion that is left out may be smaller than another (images may be lossy), and the
#: share of Gaussians in which it is smaller still above which the rotations of a file are wrong.
NO_UNIT, MANY = 0.05, 0.05
#: The three components besides the largest, for each position of the largest in wxyz.
OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
CENTROIDS_PER_ROW = 64
# A small archive can claim to hold anything: what goes beyond these is not unpacked.
MAX_META_BYTES = 1 << 24
MAX_FILE_BYTES = 1 << 30
MAX_PIXELS = 1 << 26


def read(path: Path) -> Gaussians:
    """Reads a ``.sog`` file, a folder that holds ``meta.json``, or that ``meta.json``."""
    image = require("PIL.Image", "Reading SOG")
    if path.suffix.lower() == ".sog" and path.is_file():
        if not zipfile.is_zipfile(path):
            raise UserError(f"{path.name} is not a .sog file, or it is truncated. Copy or export it again.")
        with zipfile.ZipFile(path) as archive:
            # No more than the size that is declared is ever unpacked.
            return _Reader(path.name, archive.read, lambda name: archive.getinfo(name).file_size, image).read()
    folder = path if path.is_dir() else path.parent
    return _Reader(
        path.name, lambda name: (folder / name).read_bytes(), lambda name: (folder / name).stat().st_size, image
    ).read()


class _Reader:
    """Decodes one SOG; ``load`` returns the bytes of a file in it, ``size`` their number."""

    def __init__(self, name: str, load: Callable[[str], bytes], size: Callable[[str], int], image: Any) -> None:
        self._name = name
        self._load, self._size = load, size
        self._image = image
        self._meta = self._parse_meta()
        self._legacy = "version" not in self._meta
        self._count = int(self._meta["means"]["shape"][0] if self._legacy else self._meta["count"])
        self._within(self._count, MAX_PIXELS, "Gaussians", "it")

    def _damaged(self, detail: str) -> UserError:
        return UserError(f"{self._name} is a damaged SOG: {detail}. Copy or export it again.")

    def _within(self, number: int, most: int, unit: str, what: str) -> None:
        if number > most:
            raise UserError(
                f"{self._name} is not opened: {what} claims to hold {number:,} {unit}, and at most {most:,} are read. "
                "If it is a real scene, convert it to .ply with the program that made it."
            )

    def _file(self, name: object) -> bytes:
        if not isinstance(name, str) or "/" in name or "\\" in name or name.startswith("."):
            raise self._damaged(f"it names a file {name!r}, which is no plain file name")
        try:
            most = MAX_META_BYTES if name == "meta.json" else MAX_FILE_BYTES
            self._within(self._size(name), most, "bytes", name)
            return self._load(name)
        except (KeyError, FileNotFoundError) as error:
            raise self._damaged(f"the file {name} is missing") from error

    def _parse_meta(self) -> dict[str, Any]:
        try:
            meta = json.loads(self._file("meta.json"))
        except ValueError as error:
            raise self._damaged("meta.json is not valid JSON") from error
        if not isinstance(meta, dict) or "means" not in meta:
            raise self._damaged("meta.json does not describe Gaussians")
        if meta.get("version", 2) != 2:
            raise UserError(f"{self._name} is a SOG of version {meta['version']}, but only 1 and 2 are supported.")
        return meta

    def _texture(self, attribute: str, index: int) -> NDArray[np.uint8]:
        """[H, W, 4] pixels of an attribute's image."""
        name = self._meta[attribute]["files"][index]
        picture = self._image.open(io.BytesIO(self._file(name)))  # decodes nothing yet
        self._within(picture.width * picture.height, MAX_PIXELS, "pixels", name)
        return np.asarray(picture.convert("RGBA"))

    def _pixels(self, attribute: str, index: int = 0) -> NDArray[np.uint8]:
        """[N, 4] pixels, one a Gaussian."""
        pixels = self._texture(attribute, index).reshape(-1, 4)
        if not 0 <= self._count <= len(pixels):
            raise self._damaged(f"the image of {attribute} is too small for {self._count} Gaussians")
        return pixels[: self._count]

    def _values(self, attribute: str, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Numbers [..., C] that the bytes [..., C] stand for."""
        meta = self._meta[attribute]
        if self._legacy:
            low, high = (np.asarray(meta[key], dtype=np.float64) for key in ("mins", "maxs"))
            if low.ndim:
                low, high = low[: pixels.shape[-1]], high[: pixels.shape[-1]]
            return low + pixels / 255.0 * (high - low)
        table = np.asarray(meta["codebook"], dtype=np.float64)
        if table.ndim != 1 or (pixels.size and int(pixels.max()) >= len(table)):
            raise self._damaged(f"the table of {attribute} is too short")
        return table[pixels]

    def read(self) -> Gaussians:
        """All attributes; means are stored as sign(x) log(1 + |x|)."""
        fine, coarse = (self._pixels("means", i)[:, :3].astype(np.int64) for i in (0, 1))
        low, high = (np.asarray(self._meta["means"][key], dtype=np.float64) for key in ("mins", "maxs"))
        logarithms = low + (fine + 256 * coarse) / 65535.0 * (high - low)
        with np.errstate(over="ignore"):
            means = np.sign(logarithms) * np.expm1(np.abs(logarithms))
            base = self._pixels("sh0")
            if self._legacy:
                colours = self._values("sh0", base)
                logits, colours = colours[:, 3], colours[:, :3]
            else:
                opacity = np.clip(base[:, 3] / 255.0, OPACITY_MARGIN, 1 - OPACITY_MARGIN)
                logits, colours = np.log(opacity / (1 - opacity)), self._values("sh0", base[:, :3])
            return Gaussians(
                means=means.astype(np.float32),
                log_scales=self._values("scales", self._pixels("scales")[:, :3]).astype(np.float32),
                quats=self._quats(),
                opacity_logits=logits.astype(np.float32),
                sh=np.concatenate([colours[:, None].astype(np.float32), self._harmonics()], axis=1),
                pixel_filter=ANTIALIASED if self._meta.get("model") == "antialiased" else CLASSIC,
            )

    def _quats(self) -> F32:
        """Smallest three: the alpha channel less 252 tells which component of wxyz is left out and positive."""
        pixels = self._pixels("quats")
        valid = pixels[:, 3] >= 252
        largest = np.where(valid, pixels[:, 3].astype(np.int64) - 252, 0)
        small = np.where(valid[:, None], (pixels[:, :3] / 255.0 * 2 - 1) / np.sqrt(2), 0.0)
        quats = np.empty((self._count, 4))
        np.put_along_axis(quats, OTHERS[largest], small, axis=1)
        rest = np.sqrt(np.maximum(1 - (small**2).sum(axis=1), 0))
        np.put_along_axis(quats, largest[:, None], rest[:, None], axis=1)
        # Of a unit quaternion the component that is left out is the largest.
        wrong = int((np.abs(small).max(axis=1, initial=0) > rest + NO_UNIT).sum())
        if wrong > MANY * self._count:
            raise self._damaged(
                f"the rotations of {wrong} Gaussians are no unit quaternions, as gaussforge 0.6.0 writes them, so "
                "that they cannot be told; convert the original scene with another tool"
            )
        return quats.astype(np.float32)

    def _harmonics(self) -> F32:
        """[N, K - 1, 3] of the bands above the constant one: a 16-bit label a Gaussian, one centroid a label."""
        if "shN" not in self._meta:
            return np.empty((self._count, 0, 3), np.float32)
        centroids = self._texture("shN", 0)
        coefficients, rest = divmod(centroids.shape[1], CENTROIDS_PER_ROW)
        if rest or coefficients not in (3, 8, 15):
            raise self._damaged(f"the image of SH centroids is {centroids.shape[1]} pixels wide")
        palette = centroids[:, :, :3].reshape(-1, coefficients, 3)
        pixels = self._pixels("shN", 1).astype(np.int64)
        labels = pixels[:, 0] + 256 * pixels[:, 1]
        if self._count and int(labels.max()) >= len(palette):
            raise self._damaged("a Gaussian refers to SH coefficients that are not there")
        return self._values("shN", palette).astype(np.float32)[labels]
