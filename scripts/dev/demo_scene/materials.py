# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural materials of the demo scene (Blender shader nodes; no image files).

Patterns are of medium frequency, surfaces matt or slightly glossy: what Gaussian splatting reproduces well.
"""

from __future__ import annotations

from typing import Any

import bpy

Colour = tuple[float, float, float]
Socket = Any


class Nodes:
    """A short way to write a shader tree: each method adds one node and returns its output socket."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def add(self, kind: str, inputs: dict[str | int, Any] | None = None, **properties: Any) -> Any:
        """Adds a node of Blender's type ``kind``; ``inputs`` are sockets to link or values to set."""
        node = self.tree.nodes.new(kind)
        for key, value in properties.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node

    def math(self, operation: str, a: Any, b: Any = 0.0) -> Socket:
        return self.add("ShaderNodeMath", {0: a, 1: b}, operation=operation).outputs[0]

    def position(self) -> Socket:
        """The point in the object's own frame."""
        return self.add("ShaderNodeTexCoord").outputs["Object"]

    def param(self) -> tuple[Socket, Socket, Socket]:
        """The mesh's three surface coordinates."""
        attribute = self.add("ShaderNodeAttribute", attribute_name="param")
        return self.split(attribute.outputs["Vector"])

    def split(self, vector: Socket) -> tuple[Socket, Socket, Socket]:
        node = self.add("ShaderNodeSeparateXYZ", {0: vector})
        return node.outputs[0], node.outputs[1], node.outputs[2]

    def vector(self, x: Any, y: Any, z: Any = 0.0) -> Socket:
        return self.add("ShaderNodeCombineXYZ", {0: x, 1: y, 2: z}).outputs[0]

    def scaled(self, vector: Socket, x: float, y: float, z: float) -> Socket:
        return self.add("ShaderNodeVectorMath", {0: vector, 1: (x, y, z)}, operation="MULTIPLY").outputs[0]

    def noise(self, vector: Socket, scale: float, detail: float = 3.0, roughness: float = 0.55) -> Socket:
        node = self.add("ShaderNodeTexNoise", {"Vector": vector, "Scale": scale, "Detail": detail})
        node.inputs["Roughness"].default_value = roughness
        return node.outputs[0]

    def voronoi(self, vector: Socket, scale: float, feature: str = "F1", output: str = "Distance") -> Socket:
        node = self.add("ShaderNodeTexVoronoi", {"Vector": vector, "Scale": scale}, feature=feature)
        return node.outputs[output]

    def ramp(self, factor: Socket, stops: list[tuple[float, Colour]], *, hard: bool = False) -> Socket:
        node = self.add("ShaderNodeValToRGB", {0: factor})
        node.color_ramp.interpolation = "CONSTANT" if hard else "LINEAR"
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position, element.color = position, (*colour, 1.0)
        return node.outputs[0]

    def mix(self, factor: Any, a: Any, b: Any, blend: str = "MIX") -> Socket:
        node = self.add("ShaderNodeMix", data_type="RGBA", blend_type=blend)
        for index, value in ((0, factor), (6, a), (7, b)):
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[index])
            else:
                node.inputs[index].default_value = (*value, 1.0) if isinstance(value, tuple) else value
        return node.outputs[2]

    def between(self, value: Socket, low: float, high: float) -> Socket:
        """1 where low < value < high, else 0."""
        return self.math("MULTIPLY", self.math("GREATER_THAN", value, low), self.math("LESS_THAN", value, high))

    def surface(
        self, colour: Any, roughness: float, *, specular: float = 0.3, bump: Any = None, depth: float = 0.0
    ) -> Any:
        """Ends the tree with a plain surface; returns the material."""
        shader = self.add("ShaderNodeBsdfPrincipled", {"Base Color": colour, "Roughness": roughness})
        shader.inputs["Specular IOR Level"].default_value = specular
        if bump is not None:
            node = self.add("ShaderNodeBump", {"Height": bump, "Strength": 1.0, "Distance": depth})
            self.tree.links.new(node.outputs[0], shader.inputs["Normal"])
        self.add("ShaderNodeOutputMaterial", {"Surface": shader.outputs[0]})
        return self.material


def ceramic() -> Any:
    """Cream glaze with painted cobalt flowers and bands; for the teapot (reads the object's cylinder coordinates)."""
    n = Nodes("ceramic")
    x, y, z = n.split(n.position())
    angle = n.math("ARCTAN2", y, x)
    wrapped = n.vector(n.math("MULTIPLY", angle, 6.0 / 3.14159), n.math("MULTIPLY", z, 9.5))
    cell = n.voronoi(wrapped, 1.0)
    petals = n.ramp(
        cell,
        [
            (0.0, (0.75, 0.42, 0.06)),
            (0.11, (0.02, 0.07, 0.36)),
            (0.24, (0.70, 0.67, 0.58)),
            (0.31, (0.10, 0.22, 0.55)),
            (0.38, (0.70, 0.67, 0.58)),
        ],
        hard=True,
    )
    glaze = n.mix(n.noise(n.position(), 9.0), (0.72, 0.68, 0.58), (0.62, 0.60, 0.54))
    painted = n.mix(n.between(z, 0.11, 0.47), glaze, petals)
    wave = n.math("MULTIPLY", n.math("SINE", n.math("MULTIPLY", angle, 14.0)), 0.014)
    for level, width in ((0.085, 0.022), (0.51, 0.022), (0.60, 0.014)):
        band = n.between(n.math("ADD", z, wave), level - width, level + width)
        painted = n.mix(band, painted, (0.03, 0.09, 0.40))
    return n.surface(painted, 0.42, specular=0.25)


def crust() -> Any:
    """Baked bread: golden to dark brown."""
    n = Nodes("crust")
    p = n.position()
    patches = n.math("ADD", n.noise(p, 5.0, 5.0, 0.65), n.math("MULTIPLY", n.voronoi(p, 13.0), 0.18))
    colour = n.ramp(
        patches,
        [
            (0.36, (0.16, 0.055, 0.014)),
            (0.52, (0.42, 0.17, 0.035)),
            (0.66, (0.66, 0.36, 0.09)),
            (0.82, (0.80, 0.58, 0.26)),
        ],
    )
    return n.surface(colour, 0.6, specular=0.2, bump=n.noise(p, 30.0), depth=0.006)


def seed() -> Any:
    """Sesame seeds."""
    n = Nodes("seed")
    return n.surface(n.mix(n.noise(n.position(), 12.0), (0.85, 0.74, 0.50), (0.62, 0.46, 0.22)), 0.6)


def terracotta() -> Any:
    """Burnt clay with a painted zigzag."""
    n = Nodes("terracotta")
    p = n.position()
    clay = n.mix(
        n.ramp(n.noise(p, 11.0, 5.0, 0.7), [(0.35, (0, 0, 0)), (0.65, (1, 1, 1))]),
        (0.42, 0.13, 0.05),
        (0.62, 0.24, 0.11),
    )
    x, y, z = n.split(p)
    angle = n.math("ARCTAN2", y, x)
    zigzag = n.math("MULTIPLY", n.math("PINGPONG", n.math("MULTIPLY", angle, 12.0 / 3.14159), 1.0), 0.09)
    line = n.math("SUBTRACT", z, zigzag)
    painted = n.mix(n.between(line, 0.09, 0.125), clay, (0.82, 0.76, 0.64))
    painted = n.mix(n.between(line, 0.05, 0.07), painted, (0.07, 0.26, 0.28))
    return n.surface(painted, 0.85, specular=0.1)


def soil() -> Any:
    """Crumbly dark earth."""
    n = Nodes("soil")
    cells = n.voronoi(n.position(), 34.0)
    colour = n.ramp(cells, [(0.0, (0.16, 0.09, 0.05)), (0.6, (0.035, 0.02, 0.012))])
    return n.surface(colour, 0.95, specular=0.05)


def stem() -> Any:
    """Reddish-brown to green stalks (param: along)."""
    n = Nodes("stem")
    along, _, _ = n.param()
    return n.surface(n.ramp(along, [(0.0, (0.22, 0.09, 0.05)), (0.8, (0.20, 0.30, 0.07))]), 0.7, specular=0.1)


def foliage() -> Any:
    """Leaves with a pale rib and margin (param: along, across, tint)."""
    n = Nodes("foliage")
    along, across, tint = n.param()
    side = n.math("ABSOLUTE", across)
    base = n.ramp(tint, [(0.0, (0.035, 0.15, 0.035)), (0.5, (0.08, 0.27, 0.04)), (1.0, (0.23, 0.36, 0.06))])
    veins = n.math("SINE", n.math("MULTIPLY", n.math("SUBTRACT", along, n.math("MULTIPLY", side, 0.14)), 44.0))
    base = n.mix(n.math("MULTIPLY", n.math("GREATER_THAN", veins, 0.35), 0.35), base, (0.30, 0.46, 0.12))
    base = n.mix(n.math("LESS_THAN", side, 0.12), base, (0.50, 0.58, 0.22))
    base = n.mix(n.math("GREATER_THAN", side, 0.86), base, (0.62, 0.64, 0.34))
    return n.surface(base, 0.6, specular=0.15)


def pear_skin() -> Any:
    """Yellow-green skin with a red cheek and dark lenticels."""
    n = Nodes("pear skin")
    p = n.position()
    x, _, _ = n.split(p)
    cheek = n.math("ADD", n.math("MULTIPLY", x, 1.6), n.math("MULTIPLY", n.noise(p, 6.0, 4.0), 0.9))
    skin = n.ramp(cheek, [(0.30, (0.36, 0.46, 0.05)), (0.50, (0.72, 0.58, 0.09)), (0.72, (0.62, 0.16, 0.05))])
    spots = n.math("LESS_THAN", n.voronoi(p, 22.0), 0.23)
    skin = n.mix(n.math("MULTIPLY", spots, 0.7), skin, (0.20, 0.11, 0.03))
    return n.surface(skin, 0.45, specular=0.25)


def wood_dark() -> Any:
    """The pear's stalk."""
    n = Nodes("stalk")
    return n.surface(n.mix(n.noise(n.position(), 30.0), (0.10, 0.05, 0.02), (0.28, 0.16, 0.07)), 0.8, specular=0.1)


def cloth_cover() -> Any:
    """A cloth-bound book with a printed diamond pattern in a frame (object frame, half sizes 0.40, 0.28)."""
    n = Nodes("cover")
    x, y, _ = n.split(n.position())
    u = n.math("PINGPONG", n.math("ADD", n.math("MULTIPLY", x, 9.0), n.math("MULTIPLY", y, 9.0)), 1.0)
    v = n.math("PINGPONG", n.math("SUBTRACT", n.math("MULTIPLY", x, 9.0), n.math("MULTIPLY", y, 9.0)), 1.0)
    cloth = n.mix(n.noise(n.position(), 26.0, 4.0), (0.015, 0.13, 0.15), (0.04, 0.24, 0.25))
    lines = n.math("MAXIMUM", n.math("LESS_THAN", u, 0.13), n.math("LESS_THAN", v, 0.13))
    dots = n.math("MULTIPLY", n.math("GREATER_THAN", u, 0.72), n.math("GREATER_THAN", v, 0.72))
    printed = n.mix(lines, cloth, (0.70, 0.46, 0.13))
    printed = n.mix(dots, printed, (0.70, 0.16, 0.07))
    ax, ay = n.math("ABSOLUTE", x), n.math("ABSOLUTE", y)
    frame = n.math("MAXIMUM", n.math("GREATER_THAN", ax, 0.335), n.math("GREATER_THAN", ay, 0.215))
    printed = n.mix(frame, printed, n.mix(n.noise(n.position(), 20.0), (0.40, 0.05, 0.035), (0.54, 0.10, 0.06)))
    return n.surface(printed, 0.8, specular=0.1)


def paper() -> Any:
    """The block of pages."""
    n = Nodes("paper")
    p = n.position()
    layers = n.noise(n.scaled(p, 2.0, 2.0, 60.0), 1.0, 2.0)
    return n.surface(n.ramp(layers, [(0.35, (0.56, 0.48, 0.34)), (0.6, (0.82, 0.77, 0.64))]), 0.9, specular=0.05)


def planks() -> Any:
    """A wooden table top of planks along x, each with its own tone and grain."""
    n = Nodes("planks")
    p = n.position()
    x, y, z = n.split(p)
    strip = n.math("DIVIDE", y, 0.27)
    index = n.math("FLOOR", strip)
    tone = n.add("ShaderNodeTexWhiteNoise", {"Vector": n.vector(index, 3.7)}, noise_dimensions="3D").outputs["Value"]
    shifted = n.vector(n.math("ADD", x, n.math("MULTIPLY", tone, 9.0)), y, n.math("ADD", z, index))
    warp = n.noise(n.scaled(shifted, 1.6, 5.0, 1.0), 1.0, 2.0)
    grain = n.math("SINE", n.math("ADD", n.math("MULTIPLY", y, 42.0), n.math("MULTIPLY", warp, 34.0)))
    fine = n.noise(n.scaled(shifted, 5.0, 46.0, 5.0), 1.0, 3.0)
    amount = n.math("ADD", n.math("MULTIPLY", grain, 0.16), n.math("ADD", n.math("MULTIPLY", fine, 0.7), 0.14))
    wood = n.ramp(amount, [(0.18, (0.13, 0.055, 0.022)), (0.5, (0.34, 0.17, 0.075)), (0.85, (0.55, 0.33, 0.16))])
    wood = n.mix(0.55, wood, n.ramp(tone, [(0.0, (0.55, 0.50, 0.45)), (1.0, (1.0, 0.95, 0.85))]), "MULTIPLY")
    gap = n.math("LESS_THAN", n.math("FRACT", strip), 0.035)
    return n.surface(n.mix(gap, wood, (0.03, 0.014, 0.008)), 0.6, specular=0.15)


def backdrop() -> Any:
    """The inside of a dome: soft, out-of-focus colours; seen by the camera, gives no light."""
    n = Nodes("backdrop")
    p = n.position()
    _, _, z = n.split(p)
    height = n.math("ADD", n.math("MULTIPLY", z, 0.075), 0.5)
    soft = n.math("ADD", height, n.math("MULTIPLY", n.math("SUBTRACT", n.noise(p, 0.35, 1.0), 0.5), 0.9))
    colour = n.ramp(
        soft,
        [
            (0.15, (0.13, 0.085, 0.065)),
            (0.38, (0.34, 0.24, 0.17)),
            (0.55, (0.52, 0.44, 0.34)),
            (0.78, (0.30, 0.40, 0.46)),
        ],
    )
    spots = n.ramp(n.voronoi(p, 0.8, "SMOOTH_F1"), [(0.18, (0.20, 0.14, 0.06)), (0.42, (0.0, 0.0, 0.0))])
    light = n.add("ShaderNodeEmission", {"Color": n.mix(1.0, colour, spots, "ADD"), "Strength": 1.0})
    n.add("ShaderNodeOutputMaterial", {"Surface": light.outputs[0]})
    return n.material
