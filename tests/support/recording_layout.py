# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Blender's UILayout that writes down what is drawn and refuses what Blender would refuse."""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import bpy

_FUNCTIONS = bpy.types.UILayout.bl_rna.functions
_ICONS = set(bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items.keys())


@dataclass
class Drawn:
    """One call: the function's name, its arguments, whether it is enabled, and a button's properties."""

    kind: str
    arguments: dict[str, Any]
    enabled: bool
    properties: dict[str, Any] = field(default_factory=dict)


class RecordingLayout:
    """Records into ``drawn``, which all layouts made from this one share."""

    def __init__(self, drawn: list[Drawn] | None = None, parent: RecordingLayout | None = None) -> None:
        self.drawn = [] if drawn is None else drawn
        self._parent = parent
        self.enabled = self.active = True
        self.alert = False
        self.scale_x = self.scale_y = self.ui_units_x = 1.0
        self.alignment = "EXPAND"
        self.use_property_split = self.use_property_decorate = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _FUNCTIONS:
            raise AttributeError(f"UILayout has no {name}.")

        def call(*positional: Any, **named: Any) -> Any:
            return self._call(name, positional, named)

        return call

    @property
    def texts(self) -> list[str]:
        """All texts of labels, buttons and bars."""
        return [str(d.arguments["text"]) for d in self.drawn if d.arguments.get("text")]

    def buttons(self, idname: str) -> list[Drawn]:
        """The buttons of an operator."""
        return [d for d in self.drawn if d.kind == "operator" and d.arguments["operator"] == idname]

    def properties(self) -> list[str]:
        """The names of the properties that are drawn."""
        return [d.arguments["property"] for d in self.drawn if d.kind == "prop"]

    def _call(self, name: str, positional: tuple[Any, ...], named: dict[str, Any]) -> Any:
        inputs = [p for p in _FUNCTIONS[name].parameters if not p.is_output]
        known = [p.identifier for p in inputs]
        arguments = dict(zip(known, positional, strict=False))
        for key, value in named.items():
            assert key in known, f"{name} takes no argument {key}"
            arguments[key] = value
        for parameter in inputs:
            value = arguments.get(parameter.identifier)
            if parameter.type == "ENUM" and parameter.identifier != "icon" and isinstance(value, str):
                assert value in parameter.enum_items, f"{name}: {value} is no {parameter.identifier}"
        icon = arguments.get("icon", "NONE")
        assert icon in _ICONS, f"There is no icon {icon}."
        for reference in ("data", "dataptr", "active_dataptr"):
            if reference in arguments:
                key = {"data": "property", "dataptr": "propname", "active_dataptr": "active_propname"}[reference]
                assert arguments[key] in arguments[reference].bl_rna.properties, f"no property {arguments[key]}"
        made = Drawn(name, arguments, self._is_enabled())
        self.drawn.append(made)
        if name == "operator":
            return _Properties(arguments["operator"], made.properties)
        if name in ("row", "column", "box", "split", "grid_flow", "column_flow"):
            return RecordingLayout(self.drawn, self)
        return SimpleNamespace()

    def _is_enabled(self) -> bool:
        return self.enabled and (self._parent is None or self._parent._is_enabled())


class _Properties:
    """The properties that a button passes to its operator."""

    def __init__(self, idname: str, values: dict[str, Any]) -> None:
        module, name = idname.split(".")
        object.__setattr__(self, "_rna", getattr(getattr(bpy.ops, module), name).get_rna_type())
        object.__setattr__(self, "_values", values)

    def __setattr__(self, name: str, value: Any) -> None:
        properties = object.__getattribute__(self, "_rna").properties
        assert name in properties, f"The operator has no property {name}."
        if properties[name].type == "ENUM":
            assert value in properties[name].enum_items, f"{value} is no {name}"
        object.__getattribute__(self, "_values")[name] = value
