# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Object masks in views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class MaskSet:
    """Per view and object the probability that a pixel shows the object.

    Attributes:
        objects: K names.
        views: V view names.
        probability: V arrays [K, H, W] uint8 at the view's size; 255 is surely the object, 0 surely not.
        confidence: [V, K] float32 in [0, 1]: weight of the view in the vote about the object; 0 leaves it out.
        notes: view name -> one sentence on why the view got less weight.
    """

    objects: tuple[str, ...]
    views: tuple[str, ...]
    probability: list[NDArray[np.uint8]]
    confidence: NDArray[np.float32]
    notes: dict[str, str] = field(default_factory=dict)

    def soft(self, view: int) -> NDArray[np.float32]:
        """[K, H, W] float32 in [0, 1]: the probabilities of view number ``view``."""
        return self.probability[view].astype(np.float32) / np.float32(255.0)

    def arrays(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """What ``from_arrays`` needs, as arrays and JSON-ready notes."""
        arrays: dict[str, NDArray[Any]] = {"confidence": self.confidence}
        arrays.update({f"view_{number:05d}": mask for number, mask in enumerate(self.probability)})
        return arrays, {"objects": list(self.objects), "views": list(self.views), "notes": self.notes}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, Any]) -> MaskSet:
        """The inverse of ``arrays``."""
        probability = [arrays[f"view_{number:05d}"] for number in range(len(notes["views"]))]
        return MaskSet(
            tuple(notes["objects"]), tuple(notes["views"]), probability, arrays["confidence"], notes["notes"]
        )


def share_pixels(
    probability: NDArray[np.float32], order: Sequence[Sequence[int] | NDArray[np.bool_] | slice] = (slice(None),)
) -> NDArray[np.float32]:
    """[K, ...] probabilities of objects that share a pixel at most: scaled down where they sum to more than 1.

    Args:
        order: groups of objects in order of precedence; each group is scaled to what the ones before it leave.
    """
    result = np.array(probability, np.float32)
    room = np.ones(result.shape[1:], np.float32)
    for group in order:
        total = result[group].sum(axis=0)
        result[group] *= np.where(total > room, room / np.maximum(total, np.float32(1e-6)), np.float32(1))
        room = np.clip(room - total, 0, 1)
    return result


def to_bytes(shared: NDArray[np.float32]) -> NDArray[np.uint8]:
    """uint8 of ``share_pixels``'s probabilities; K of them may sum to 255 + K / 2 by rounding.

    What is half one object's and half another's is rounded up and so lies inside both (above 127): where two masks
    overlap, both edges stay where they were drawn, and what compares edges (``masks.consensus``) sees them there.
    """
    return np.floor(shared * 255 + 0.501).astype(np.uint8)


def share_bytes(masks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``share_pixels`` of masks [K, H, W]; the masks themselves where nothing overlaps."""
    if masks.sum(axis=0, dtype=np.uint32).max(initial=0) <= 255 + len(masks) / 2:
        return masks
    return to_bytes(share_pixels(masks.astype(np.float32) / np.float32(255)))
