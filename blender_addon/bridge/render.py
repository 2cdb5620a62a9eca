# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats in renders before Blender 5.3: a geometry-nodes modifier and a material with which Cycles draws Gaussians.

Every Gaussian becomes an instance of a small sphere that holds it out to three standard deviations; the material gives
a ray the Gaussian's highest density along it. The view-dependent colour is evaluated for the scene's camera, once for
each Gaussian and frame. Modifiers show in renders alone: in the viewport the splats are drawn by ``bridge.viewport``.
"""

from __future__ import annotations

import math
from typing import Any

import bpy

from splatcut.scene.gaussians import SH_C0

from ..core import layout
from . import splats

MODIFIER = "SplatCut Render"
MATERIAL = "SplatCut Gaussians"
#: Colour and opacity that the material reads from the instances.
COLOUR = "splatcut:rendered"
#: Raised when the nodes change, so that files made before get new ones.
VERSION = 1

#: Standard deviations that a sphere holds, and what makes a coarse sphere hold a round one.
_EXTENT, _INFLATE = 3.0, 1.26
_DEGREES = 3
#: Transparent surfaces that a ray passes at most; fewer leave dark holes where many Gaussians overlap.
_TRANSPARENT_BOUNCES = 256
#: So many of them in any case, before rays are ended by chance.
_CERTAIN_BOUNCES = 64

_C1 = 0.4886025119029199
_C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
_C3 = (0.5900435899266435, 2.890611442640554, 0.4570457994644658, 0.3731763325901154, 1.445305721320277)


def is_set_up(obj: Any) -> bool:
    """Whether a splat object has the modifier."""
    return MODIFIER in obj.modifiers


def set_up(obj: Any) -> None:
    """Gives a splat object the modifier; one that has it gets it anew."""
    remove(obj)
    modifier = obj.modifiers.new(MODIFIER, "NODES")
    modifier.node_group = _group(_degree(obj))
    modifier.show_viewport = False
    modifier.show_render = True


def remove(obj: Any) -> None:
    """Takes the modifier off."""
    modifier = obj.modifiers.get(MODIFIER)
    if modifier is not None:
        obj.modifiers.remove(modifier)


def prepare_scene(scene: Any) -> str | None:
    """Cycles, with enough transparency, and colours as they are in the capture.

    Returns:
        The view transform that there was, if it was another one.
    """
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.transparent_max_bounces = max(cycles.transparent_max_bounces, _TRANSPARENT_BOUNCES)
    # Rays that are ended by chance make noise, and nothing else in this material does; deep inside it is not seen.
    cycles.min_transparent_bounces = max(cycles.min_transparent_bounces, _CERTAIN_BOUNCES)
    before = scene.view_settings.view_transform
    if before == "Standard":
        return None
    scene.view_settings.view_transform = "Standard"
    return before


def _degree(obj: Any) -> int:
    count = 0
    while count < (_DEGREES + 1) ** 2 - 1 and layout.sh_name(count) in obj.data.attributes:
        count += 1
    return math.isqrt(count + 1) - 1


class _Nodes:
    """Adds nodes to a tree: inputs are sockets to link or values to set."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    def add(self, kind: str, *inputs: Any, **properties: Any) -> Any:
        node = self.tree.nodes.new(kind)
        for name, value in properties.items():
            setattr(node, name, value)
        for socket, value in zip(node.inputs, inputs, strict=False):
            self.set(socket, value)
        return node

    def set(self, socket: Any, value: Any) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif value is not None:
            socket.default_value = value

    def math(self, operation: str, a: Any, b: Any = None) -> Any:
        return self.add("ShaderNodeMath", a, b, operation=operation).outputs[0]

    def product(self, *factors: Any) -> Any:
        result = factors[0]
        for factor in factors[1:]:
            result = self.math("MULTIPLY", result, factor)
        return result

    def sum(self, *terms: Any) -> Any:
        result = terms[0]
        for term in terms[1:]:
            result = self.math("ADD", result, term)
        return result

    def vector(self, operation: str, a: Any, b: Any = None, output: str = "Vector") -> Any:
        return self.add("ShaderNodeVectorMath", a, b, operation=operation).outputs[output]

    def scaled(self, vector: Any, factor: Any) -> Any:
        node = self.add("ShaderNodeVectorMath", vector, operation="SCALE")
        self.set(node.inputs["Scale"], factor)
        return node.outputs["Vector"]

    def split(self, vector: Any) -> tuple[Any, Any, Any]:
        node = self.add("ShaderNodeSeparateXYZ", vector)
        return node.outputs[0], node.outputs[1], node.outputs[2]

    def joined(self, x: Any, y: Any, z: Any) -> Any:
        return self.add("ShaderNodeCombineXYZ", x, y, z).outputs[0]

    def attribute(self, name: str, kind: str) -> Any:
        node = self.add("GeometryNodeInputNamedAttribute", name, data_type=kind)
        return next(socket for socket in node.outputs if socket.enabled and socket.name == "Attribute")


def _group(degree: int) -> Any:
    """The geometry nodes for SH up to ``degree``; shared by all objects."""
    name = f"{MODIFIER} {degree}"
    known = bpy.data.node_groups.get(name)
    if known is not None and known.get("splatcut_version") == VERSION:
        return known
    tree: Any = bpy.data.node_groups.new(name, "GeometryNodeTree")
    tree["splatcut_version"] = VERSION
    for direction in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    nodes = _Nodes(tree)
    geometry = nodes.add("NodeGroupInput").outputs[0]
    base = nodes.attribute(layout.BASE, "FLOAT_COLOR")
    separate = nodes.add("FunctionNodeSeparateColor", base, mode="RGB")
    opacity = separate.outputs["Alpha"]
    raw = nodes.joined(*(separate.outputs[channel] for channel in ("Red", "Green", "Blue")))
    colour = _scene_linear(nodes, _radiance(nodes, raw, degree))
    combine = nodes.add("FunctionNodeCombineColor", *nodes.split(colour), opacity, mode="RGB")
    store = nodes.add("GeometryNodeStoreNamedAttribute", data_type="FLOAT_COLOR", domain="POINT")
    nodes.set(store.inputs["Geometry"], geometry)
    nodes.set(store.inputs["Name"], COLOUR)
    nodes.set(next(s for s in store.inputs if s.enabled and s.name == "Value"), combine.outputs[0])
    sphere = nodes.add("GeometryNodeMeshIcoSphere", 1.0, 1)
    instances = nodes.add("GeometryNodeInstanceOnPoints")
    nodes.set(instances.inputs["Points"], store.outputs["Geometry"])
    nodes.set(instances.inputs["Instance"], sphere.outputs["Mesh"])
    nodes.set(instances.inputs["Rotation"], nodes.attribute(layout.ROTATION, "QUATERNION"))
    scale = nodes.attribute(layout.SCALE, "FLOAT_VECTOR")
    nodes.set(instances.inputs["Scale"], nodes.scaled(scale, _EXTENT * _INFLATE))
    material = nodes.add("GeometryNodeSetMaterial")
    nodes.set(material.inputs["Geometry"], instances.outputs["Instances"])
    material.inputs["Material"].default_value = _material()
    nodes.add("NodeGroupOutput", material.outputs["Geometry"])
    return tree


def _radiance(nodes: _Nodes, raw: Any, degree: int) -> Any:
    """The display-referred colour of each Gaussian as the scene's camera sees it (``splatcut.scene.sh``)."""
    colour = nodes.vector("ADD", nodes.scaled(raw, SH_C0), (0.5, 0.5, 0.5))
    if degree > 0:
        camera = nodes.add("GeometryNodeInputActiveCamera").outputs[0]
        info = nodes.add("GeometryNodeObjectInfo", transform_space="RELATIVE")
        nodes.set(info.inputs["Object"], camera)
        position = nodes.add("GeometryNodeInputPosition").outputs[0]
        away = nodes.vector("NORMALIZE", nodes.vector("SUBTRACT", position, info.outputs["Location"]))
        for index, factor in enumerate(_basis(nodes, away, degree)):
            coefficient = nodes.attribute(layout.sh_name(index), "FLOAT_VECTOR")
            colour = nodes.vector("ADD", colour, nodes.scaled(coefficient, factor))
    return nodes.vector("MAXIMUM", colour, (0.0, 0.0, 0.0))


def _basis(nodes: _Nodes, direction: Any, degree: int) -> list[Any]:
    """The SH basis behind the constant term for unit directions."""
    x, y, z = nodes.split(direction)
    found = [nodes.product(y, -_C1), nodes.product(z, _C1), nodes.product(x, -_C1)]
    if degree < 2:
        return found
    xx, yy, zz = (nodes.product(v, v) for v in (x, y, z))
    minus_x, minus_y = nodes.product(xx, -1.0), nodes.product(yy, -1.0)
    found += [
        nodes.product(x, y, _C2[0]),
        nodes.product(y, z, -_C2[0]),
        nodes.product(nodes.sum(nodes.product(zz, 2.0), minus_x, minus_y), _C2[1]),
        nodes.product(x, z, -_C2[0]),
        nodes.product(nodes.sum(xx, minus_y), _C2[2]),
    ]
    if degree < 3:
        return found
    minus_xx_yy = nodes.sum(minus_x, minus_y)
    three_xx = nodes.product(xx, 3.0)
    three_yy = nodes.product(yy, 3.0)
    four_zz = nodes.sum(nodes.product(zz, 4.0), minus_xx_yy)
    return [
        *found,
        nodes.product(y, nodes.sum(three_xx, minus_y), -_C3[0]),
        nodes.product(x, y, z, _C3[1]),
        nodes.product(y, four_zz, -_C3[2]),
        nodes.product(z, nodes.sum(nodes.product(zz, 2.0), nodes.product(minus_xx_yy, 3.0)), _C3[3]),
        nodes.product(x, four_zz, -_C3[2]),
        nodes.product(z, nodes.sum(xx, minus_y), _C3[4]),
        nodes.product(x, nodes.sum(xx, nodes.product(three_yy, -1.0)), -_C3[0]),
    ]


def _scene_linear(nodes: _Nodes, colour: Any) -> Any:
    """sRGB, as captures are trained, to Blender's linear Rec. 709."""
    channels = []
    for value in nodes.split(colour):
        low = nodes.product(value, 1 / 12.92)
        high = nodes.math("POWER", nodes.product(nodes.sum(value, 0.055), 1 / 1.055), 2.4)
        bright = nodes.math("GREATER_THAN", value, 0.04045)
        dark = nodes.math("SUBTRACT", 1.0, bright)
        channels.append(nodes.sum(nodes.product(bright, high), nodes.product(dark, low)))
    return nodes.joined(*channels)


def _material() -> Any:
    """Glows with the instance's colour; as opaque as the Gaussian at its densest along the ray."""
    known = bpy.data.materials.get(MATERIAL)
    if known is not None and known.get("splatcut_version") == VERSION:
        return known
    material: Any = bpy.data.materials.new(MATERIAL)
    material["splatcut_version"] = VERSION
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    material.use_backface_culling = True
    # Rays that meet a Gaussian see it; looking for ten thousands of lights would take long and add noise.
    material.cycles.emission_sampling = "NONE"
    tree = material.node_tree
    tree.nodes.clear()
    nodes = _Nodes(tree)
    own = nodes.add("ShaderNodeAttribute", attribute_name=COLOUR, attribute_type="INSTANCER")
    surface = nodes.add("ShaderNodeNewGeometry")
    towards = nodes.add(
        "ShaderNodeVectorTransform",
        surface.outputs["Incoming"],
        vector_type="VECTOR",
        convert_from="WORLD",
        convert_to="OBJECT",
    ).outputs[0]
    towards = nodes.vector("NORMALIZE", towards)
    point = nodes.add("ShaderNodeTexCoord").outputs["Object"]
    # Squared distance of the ray from the centre. The sphere of the primitive has radius 1, which is
    # _EXTENT * _INFLATE standard deviations.
    along = nodes.vector("DOT_PRODUCT", point, towards, "Value")
    square = nodes.vector("DOT_PRODUCT", point, point, "Value")
    distance = nodes.math("SUBTRACT", square, nodes.product(along, along))
    density = nodes.math("EXPONENT", nodes.product(distance, -0.5 * (_EXTENT * _INFLATE) ** 2))
    front = nodes.math("SUBTRACT", 1.0, surface.outputs["Backfacing"])
    alpha = nodes.product(density, own.outputs["Alpha"], front)
    glow = nodes.add("ShaderNodeEmission", own.outputs["Color"]).outputs[0]
    clear = nodes.add("ShaderNodeBsdfTransparent").outputs[0]
    mixed = nodes.add("ShaderNodeMixShader", alpha, clear, glow).outputs[0]
    nodes.add("ShaderNodeOutputMaterial", mixed)
    return material


def splat_objects(objects: Any) -> list[Any]:
    """The splat objects among them."""
    return [obj for obj in objects if splats.is_splat(obj)]
