# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shaders: splats into a buffer of their own, that buffer onto the viewport, and points."""

from __future__ import annotations

import gpu

# Each splat is a quad, projected and bounded by the engine's rule (splatcut.raster.rule): covariance + 0.3 pixels on
# the diagonal (in antialiased scenes their own filter, and an opacity that makes up for it), linearised no further than
# 1.3 half fields of view from the axis, alpha from 1/255 to 0.99.
_SPLAT_VERTEX = """
vec4 splat_texel(int i) { return texelFetch(splat_data, ivec2(i & 4095, i >> 12), 0); }

void main() {
  gl_Position = vec4(0.0, 0.0, 2.0, 1.0);
  v_q = vec2(0.0);
  v_colour = vec4(0.0);
  int number = gl_InstanceID;
  int id = int(texelFetch(splat_order, ivec2(number & 4095, number >> 12), 0).r + 0.5);
  vec4 a = splat_texel(3 * id), b = splat_texel(3 * id + 1), c = splat_texel(3 * id + 2);
  int object = int(c.z + 0.5);
  vec4 row0 = texelFetch(splat_objects, ivec2(3 * object, 0), 0);
  vec4 row1 = texelFetch(splat_objects, ivec2(3 * object + 1, 0), 0);
  vec4 row2 = texelFetch(splat_objects, ivec2(3 * object + 2, 0), 0);
  vec4 local = vec4(a.xyz, 1.0);
  vec3 p = vec3(dot(row0, local), dot(row1, local), dot(row2, local));
  vec4 clip = splat_projection * vec4(p, 1.0);
  float opacity = a.w;
  if (clip.z < -clip.w || clip.w <= 0.0 || opacity < 1.0 / 255.0) { return; }

  float fx = 0.5 * splat_projection[0][0] * splat_view.x, fy = 0.5 * splat_projection[1][1] * splat_view.y;
  vec3 j0 = vec3(fx, 0.0, 0.0), j1 = vec3(0.0, fy, 0.0);
  if (splat_projection[3][3] < 0.5) {
    float iz = -1.0 / p.z;
    vec2 limit = 1.3 / vec2(splat_projection[0][0], splat_projection[1][1]);
    vec2 t = clamp(p.xy * iz, -limit, limit);
    j0 = vec3(fx * iz, 0.0, fx * t.x * iz);
    j1 = vec3(0.0, fy * iz, fy * t.y * iz);
  }
  vec3 t0 = j0.x * row0.xyz + j0.y * row1.xyz + j0.z * row2.xyz;
  vec3 t1 = j1.x * row0.xyz + j1.y * row1.xyz + j1.z * row2.xyz;
  vec3 s0 = vec3(b.x, b.y, b.z), s1 = vec3(b.y, b.w, c.x), s2 = vec3(b.z, c.x, c.y);
  vec3 u0 = vec3(dot(t0, s0), dot(t0, s1), dot(t0, s2));
  float grown = splat_view.z;
  float blur = c.w > 0.0 ? c.w : 0.3;
  float ca = grown * dot(u0, t0);
  float cb = grown * dot(u0, t1);
  float cc = grown * dot(vec3(dot(t1, s0), dot(t1, s1), dot(t1, s2)), t1);
  if (c.w > 0.0) {
    float narrow = max(ca * cc - cb * cb, 0.0);
    opacity *= sqrt(narrow / (narrow + blur * (ca + cc + blur)));
    if (opacity < 1.0 / 255.0) { return; }
  }
  ca += blur;
  cc += blur;

  float middle = 0.5 * (ca + cc);
  float radius = length(vec2(0.5 * (ca - cc), cb));
  float large = middle + radius, small = max(ca * cc - cb * cb, 1e-12) / large;
  vec2 axis = vec2(cb, large - ca);
  float norm = length(axis);
  axis = norm > 1e-6 * large ? axis / norm : (ca >= cc ? vec2(1.0, 0.0) : vec2(0.0, 1.0));
  vec2 major = sqrt(large) * axis, minor = sqrt(small) * vec2(axis.y, -axis.x);
  float reach = sqrt(2.0 * log(255.0 * opacity));
  vec2 centre = clip.xy / clip.w;
  vec2 extent = reach * 2.0 * sqrt(vec2(ca, cc)) / splat_view.xy;
  if (abs(centre.x) > 1.0 + extent.x || abs(centre.y) > 1.0 + extent.y) { return; }
  v_q = reach * corner;
  gl_Position = vec4(centre + (v_q.x * major + v_q.y * minor) * 2.0 / splat_view.xy, clip.z / clip.w, 1.0);

  vec3 colour = texelFetch(splat_colours, ivec2(id & 4095, id >> 12), 0).rgb;
  float code = texelFetch(splat_tints, ivec2(id & 4095, id >> 12), 0).r;
  if (code >= 1.0) {
    vec4 tint = texelFetch(splat_palette, ivec2(int(code), 0), 0);
    // Light and shade stay, so that the shape can still be read.
    float light = dot(colour, vec3(0.299, 0.587, 0.114));
    colour = mix(colour, tint.rgb * (0.35 + 0.85 * light), 0.8 * tint.a * fract(code));
  }
  v_colour = vec4(colour, opacity);
}
"""
_SPLAT_FRAGMENT = """
void main() {
  float alpha = v_colour.a * exp(-0.5 * dot(v_q, v_q));
  if (alpha < 1.0 / 255.0) { discard; }
  alpha = min(alpha, 0.99);
  splat_out = vec4(v_colour.rgb * alpha, alpha);
}
"""
_COMPOSITE_VERTEX = """
void main() {
  v_uv = 0.5 * corner + 0.5;
  gl_Position = vec4(corner, 0.0, 1.0);
}
"""
# The viewport's buffer turns linear values into sRGB when it is written; the splats' colours are sRGB already.
_COMPOSITE_FRAGMENT = """
void main() {
  vec4 c = texture(splat_image, v_uv);
  if (c.a < 0.002) { discard; }
  vec3 display = max(c.rgb / c.a, vec3(0.0));
  vec3 linear = mix(display / 12.92, pow((display + 0.055) / 1.055, vec3(2.4)), step(vec3(0.04045), display));
  splat_out = vec4(linear * c.a, c.a);
}
"""
_POINT_VERTEX = """
void main() {
  gl_Position = splat_transform * vec4(position, 1.0);
  gl_PointSize = splat_size;
  v_colour = colour;
}
"""
_POINT_FRAGMENT = """
void main() { splat_out = v_colour; }
"""


def splat_shader() -> gpu.types.GPUShader:
    """Splats: instances of a quad with the vertex attribute ``corner`` in [-1, 1]^2.

    Uniforms: splat_projection; splat_view (width and height in pixels, factor on the covariances, unused). Samplers:
    see ``splats.SplatSet``. Writes display-referred sRGB, premultiplied.
    """
    info = gpu.types.GPUShaderCreateInfo()
    info.vertex_in(0, "VEC2", "corner")
    info.push_constant("MAT4", "splat_projection")
    info.push_constant("VEC4", "splat_view")
    for slot, name in enumerate(("data", "order", "colours", "tints", "objects", "palette")):
        info.sampler(slot, "FLOAT_2D", f"splat_{name}")
    stage = gpu.types.GPUStageInterfaceInfo("splatcut_splat")
    stage.flat("VEC4", "v_colour")
    stage.smooth("VEC2", "v_q")
    return _finished(info, stage, _SPLAT_VERTEX, _SPLAT_FRAGMENT)


def composite_shader() -> gpu.types.GPUShader:
    """The splats' buffer (sampler splat_image) onto a buffer that takes linear values; premultiplied."""
    info = gpu.types.GPUShaderCreateInfo()
    info.vertex_in(0, "VEC2", "corner")
    info.sampler(0, "FLOAT_2D", "splat_image")
    stage = gpu.types.GPUStageInterfaceInfo("splatcut_composite")
    stage.smooth("VEC2", "v_uv")
    return _finished(info, stage, _COMPOSITE_VERTEX, _COMPOSITE_FRAGMENT)


def point_shader() -> gpu.types.GPUShader:
    """Points with the attributes position and colour (linear); uniforms splat_transform and splat_size in pixels."""
    info = gpu.types.GPUShaderCreateInfo()
    info.vertex_in(0, "VEC3", "position")
    info.vertex_in(1, "VEC4", "colour")
    info.push_constant("MAT4", "splat_transform")
    info.push_constant("FLOAT", "splat_size")
    stage = gpu.types.GPUStageInterfaceInfo("splatcut_point")
    stage.flat("VEC4", "v_colour")
    return _finished(info, stage, _POINT_VERTEX, _POINT_FRAGMENT)


def _finished(
    info: gpu.types.GPUShaderCreateInfo, stage: gpu.types.GPUStageInterfaceInfo, vertex: str, fragment: str
) -> gpu.types.GPUShader:
    info.vertex_out(stage)
    info.fragment_out(0, "VEC4", "splat_out")
    info.vertex_source(vertex)
    info.fragment_source(fragment)
    return gpu.shader.create_from_info(info)
