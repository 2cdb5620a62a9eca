# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""The options of a job, each defined once.

``JobOptions`` holds the values, and ``OPTIONS`` what is known about each: what it does, its default and what it may be.
The command lines (``messages.arguments``), the batch's manifest, Blender's properties and docs/options.md are made from
``OPTIONS``, so that an option cannot be missing or ignored in one of them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from splatcut.errors import UserError
from splatcut.messages.conversion import as_flag, as_integer, as_number, as_object, as_text, describe, either

T = TypeVar("T")

#: Where Blender shows an option: in the panel, in the panel's details, in the preferences, at import, or nowhere.
Place = Literal["panel", "details", "preferences", "import", ""]
#: Whether backgrounds are healed where nobody says.
HEAL = True
#: What an experiment's setting may be.
Setting = bool | int | float | str


@dataclass(frozen=True)
class Choice:
    """A value of an option that has few.

    Attributes:
        value: in JSON and on the command line; label: in Blender; help: a phrase that says what it means.
    """

    value: str
    label: str
    help: str


@dataclass(frozen=True)
class Option:
    """What is known about an option.

    Attributes:
        name: in ``JobOptions``, in JSON, in a manifest and of Blender's property; with hyphens, on the command line.
        default: its type is the option's type; None: a text, which may be missing.
        label: what Blender calls it.
        help: a phrase that says what the option does; for a flag, what it does when it is on.
        choices: the only values, or none where they are not few.
        low, high: the limits of a number, both included unless ``above``: then ``low`` itself is too low.
        off: a number outside of the limits that is allowed and means "off".
        metavar: what stands for the value in the command line's help.
        place: where Blender shows it.
    """

    name: str
    default: Any
    label: str
    help: str
    choices: tuple[Choice, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    off: float | None = None
    metavar: str | None = None
    place: Place = ""

    @property
    def type(self) -> type:
        """bool, int, float or str."""
        return str if self.default is None else type(self.default)

    @property
    def values(self) -> tuple[str, ...]:
        """The values of ``choices``."""
        return tuple(choice.value for choice in self.choices)

    @property
    def limits(self) -> str:
        """What the option may be, as the end of a sentence: "above 0 and at most 1"."""
        if self.choices:
            return either(self.values)
        if self.type is bool:
            return "true or false"
        parts = [f"{'above' if self.above else 'at least'} {self.low:.0f}"] if self.low > -math.inf else []
        parts += [f"at most {self.high:.0f}"] if self.high < math.inf else []
        return (f"{self.off:.0f} (off) or " if self.off is not None else "") + " and ".join(parts)

    def check(self, value: Any) -> Any:
        """The value as one of the option's type (8.0 is the integer 8). Raises ``UserError``."""
        what = f"The option {self.name}"
        if self.choices:
            good = isinstance(value, str) and value in self.values
        elif value is None and self.default is None:
            return None
        elif self.type in (bool, str):
            return as_flag(value, what) if self.type is bool else as_text(value, what)
        else:
            value = float(as_number(value, what)) if self.type is float else int(as_integer(value, what))
            enough = value > self.low if self.above else value >= self.low
            good = (enough and value <= self.high) or value == self.off
        if not good:
            raise UserError(f"{what} must be {self.limits}, not {describe(value)}.")
        return value


def _option(default: T, label: str, help: str, **more: Any) -> T:
    """A field of ``JobOptions`` and what is known about it; the name is the field's."""
    made: Any = field(default=default, metadata={"label": label, "help": help, **more})
    return made


@dataclass(frozen=True)
class JobOptions:
    """How the work is done. ``OPTIONS`` says what each option means; wrong values raise ``UserError``.

    Attributes:
        experiment: for experiments alone, and in no table: settings of the refinement by name, such as
            {"alone": 0.5} (``refine.RefineOptions.of``).
    """

    quality: str = _option(
        "standard",
        "Quality",
        "how long to work on the masks and on the objects' edges",
        choices=(
            Choice("draft", "Draft", "a quick look at the edges"),
            Choice("standard", "Standard", "for most work"),
            Choice("fine", "Fine", "longer, for close-ups and for objects that are seen from all sides"),
        ),
        place="panel",
    )
    refine: bool = _option(
        True,
        "Refine edges",
        "optimise the Gaussians along the objects' edges; without it the cut is faster and its edges are rougher",
        place="panel",
    )
    soft_edges: bool = _option(
        False,
        "Soft edges",
        "give Gaussians that straddle an edge to both sides and share their opacity, instead of cutting hard",
        place="panel",
    )
    heal: bool = _option(
        HEAL,
        "Heal the background",
        "also write the background healed: without what the objects left behind, and what they hid filled",
        place="panel",
    )
    trust_masks: bool = _option(
        False,
        "Use masks as they are",
        "do not correct or refuse masks that most other views contradict, nor snap their edges to the photos",
        place="details",
    )
    keep_islands: bool = _option(
        False,
        "Keep stray parts",
        "keep small parts that stand apart from an object with it, instead of giving them to the background",
        place="details",
    )
    trust_cameras: bool = _option(
        False,
        "Use cameras as they are",
        "continue even if the photos do not match what the cameras see of the scene",
        place="details",
    )
    tau: float = _option(
        0.1,
        "Boundary threshold",
        "variance of the masks above which a Gaussian is optimised; a lower threshold changes more Gaussians",
        low=0.0,
        high=1.0,
        above=True,
        place="details",
    )
    seed: int = _option(0, "Seed", "seed of all random numbers", low=0, high=2**32 - 1, place="details")
    holdout: int = _option(
        0,
        "Hold out",
        "hold out every N-th view by name, starting with the first, from all but the final masks, to score these",
        low=2,
        off=0,
        metavar="N",
    )
    device: str = _option(
        "auto",
        "Device",
        "what to compute on",
        choices=(
            Choice("auto", "Automatic", "the GPU if the engine can use one, otherwise the CPU"),
            Choice("cuda", "CUDA", "an NVIDIA GPU"),
            Choice("cpu", "CPU", "the processor"),
        ),
        place="preferences",
    )
    model: str | None = _option(
        None,
        "Model",
        "weights of another 2D model, a SAM or MobileSAM .pth or a SAM 2 .onnx encoder, instead of the embedded one",
        metavar="FILE",
        place="preferences",
    )
    drop_invalid: bool = _option(
        False,
        "Leave out invalid",
        "leave out Gaussians with values that are not finite, instead of refusing the scene",
        place="import",
    )
    antialiased: str = _option(
        "auto",
        "Antialiased",
        "whether the scene was trained antialiased (mip) and so has to be rendered that way",
        choices=(
            Choice("auto", "Automatic", "as the file says"),
            Choice("on", "Yes", "it was, even if the file does not say so"),
            Choice("mip", "Yes, Mip filter", "it was, with Mip-Splatting's narrower filter, as in LichtFeld Studio"),
            Choice("off", "No", "it was not, even if the file says so"),
        ),
        place="import",
    )
    spz_axes: str = _option(
        "auto",
        "Axes of .spz",
        "world axes of an .spz file: the specification says right-up-back, but many programs write those of a PLY",
        choices=(
            Choice("auto", "Automatic", "as the file says or the photos show, otherwise those of the specification"),
            Choice("rub", "Right, up, back", "those of the specification"),
            Choice("rdf", "Right, down, forward", "those of a PLY"),
        ),
        place="import",
    )
    experiment: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, option in OPTIONS.items():
            object.__setattr__(self, name, option.check(getattr(self, name)))
        settings = as_object(self.experiment, "The option experiment")
        for name, value in settings.items():
            if not isinstance(value, Setting):
                raise UserError(f"The experiment's {name} must be a number, a string, true or false.")
        if settings and not self.refine:
            raise UserError("The option experiment changes the refinement, but the refinement is off.")


#: All options of a user's, by name.
OPTIONS: dict[str, Option] = {
    item.name: Option(item.name, item.default, **item.metadata)
    for item in dataclasses.fields(JobOptions)
    if item.metadata
}


def placed(*places: Place) -> tuple[str, ...]:
    """The names of the options that Blender shows in one of the places."""
    return tuple(name for name, option in OPTIONS.items() if option.place in places)


#: Those that Blender keeps with a splat object and that a batch sets for each of its scenes.
SCENE_OPTIONS = placed("panel", "details")
