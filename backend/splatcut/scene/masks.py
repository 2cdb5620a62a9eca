# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Object masks in views."""

from __future__ import annotations

from collections.abc import Mapping
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
