# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Scores of masks.

Boundary IoU is that of Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR
2021: the IoU of the two masks' inner bands, a band being the mask minus its erosion by a 3x3 kernel repeated d times,
the image's border counted as background. d = round(0.02 * diagonal) is the figure papers print; 5 px and 2 px are
stricter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

#: Band of the printed figure, as a share of the image's diagonal.
BAND_SHARE = 0.02
#: The stricter bands, pixels.
BANDS_PX = (5, 2)


@dataclass(frozen=True)
class MaskScore:
    """Scores of one mask, or the mean over several; each in [0, 1], NaN where it is undefined.

    Attributes:
        iou: intersection over union; undefined when prediction and ground truth are both empty.
        accuracy: share of pixels on which they agree.
        boundary: boundary IoU with the band of 2% of the diagonal.
        boundary_5px, boundary_2px: the same with bands of 5 and 2 pixels.
    """

    iou: float
    accuracy: float
    boundary: float
    boundary_5px: float
    boundary_2px: float

    def as_dict(self) -> dict[str, float | None]:
        """The scores by name; None where undefined (JSON has no NaN)."""
        values = {field.name: float(getattr(self, field.name)) for field in fields(self)}
        return {name: None if math.isnan(value) else value for name, value in values.items()}


SCORES = tuple(field.name for field in fields(MaskScore))


def band_width(height: int, width: int, share: float = BAND_SHARE) -> int:
    """Width in pixels of the boundary band of an image: round(share * diagonal), at least 1 (Cheng et al. 2021)."""
    return max(1, int(round(share * math.hypot(height, width))))


def inner_distance(mask: Mask) -> NDArray[np.int32]:
    """[H, W] int32: how many erosions by a 3x3 kernel a pixel of the mask survives, plus one; 0 outside the mask.

    The image's border counts as background. One chessboard distance transform serves bands of every width: the
    erosion repeated d times is ``inner_distance(mask) > d``.
    """
    padded = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), dtype=np.uint8)
    padded[1:-1, 1:-1] = mask
    return np.asarray(ndimage.distance_transform_cdt(padded, metric="chessboard"), dtype=np.int32)[1:-1, 1:-1]


def _ratio(first: Mask, second: Mask, valid: Mask | None) -> float:
    both, either = first & second, first | second
    if valid is not None:
        both, either = both & valid, either & valid
    union = int(np.count_nonzero(either))
    return int(np.count_nonzero(both)) / union if union else math.nan


def score_masks(predicted: Mask, truth: Mask, valid: Mask | None = None) -> MaskScore:
    """Scores of one predicted mask against the true one.

    Args:
        predicted, truth: [H, W] bool.
        valid: [H, W] bool or None: pixels that count. In the others the truth is unknown; it is taken to agree with
            the prediction while the bands are made, so that the limit of the valid area is no edge of the object.

    Raises:
        ValueError: the shapes disagree.
    """
    shapes = {array.shape for array in (predicted, truth, valid) if array is not None}
    if len(shapes) != 1 or predicted.ndim != 2:
        raise ValueError(f"Masks to compare must have one shape [H, W], not {sorted(shapes)}.")
    predicted, truth = predicted.astype(bool), truth.astype(bool)
    if valid is not None:
        valid = valid.astype(bool)
        truth = np.where(valid, truth, predicted)
    count = predicted.size if valid is None else int(np.count_nonzero(valid))
    agree = predicted == truth if valid is None else (predicted == truth) & valid
    distances = inner_distance(predicted), inner_distance(truth)

    def boundary(width: int) -> float:
        bands = [(distance > 0) & (distance <= width) for distance in distances]
        return _ratio(bands[0], bands[1], valid)

    return MaskScore(
        iou=_ratio(predicted, truth, valid),
        accuracy=int(np.count_nonzero(agree)) / count if count else math.nan,
        boundary=boundary(band_width(*predicted.shape)),
        boundary_5px=boundary(BANDS_PX[0]),
        boundary_2px=boundary(BANDS_PX[1]),
    )


def mean_score(scores: Iterable[MaskScore]) -> MaskScore:
    """The mean of each score over those for which it is defined; NaN when there are none."""
    table = np.array([[getattr(score, name) for name in SCORES] for score in scores], dtype=np.float64)
    table = table.reshape(-1, len(SCORES))
    defined = ~np.isnan(table)
    counts = defined.sum(axis=0)
    sums = np.where(defined, table, 0.0).sum(axis=0)
    return MaskScore(*(float(s / c) if c else math.nan for s, c in zip(sums, counts, strict=True)))
