# SPDX-FileCopyrightText: 2026 The SplatCut authors
# SPDX-License-Identifier: Apache-2.0
"""Sixteen-lane float32 vectors for numba kernels.

LLVM's own vectoriser gives up on the rasteriser's pixel loop (early ends, masked stores), and whether it does differs
between processors. Here the kernels say what they want: a value of type ``Vec`` is one LLVM ``<16 x float>``, which
LLVM maps to one AVX-512, two AVX2 or four NEON/SSE registers. Where such vectors do not compile, a value is an array of
sixteen numbers and every operation takes them one by one: slower, with the same results. Nothing is compiled ahead of
time, so it works wherever numba does. All functions below can only be called from inside ``numba.njit`` functions.
"""

from __future__ import annotations

import functools
import logging
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, njit, types
from numba.core import cgutils
from numba.extending import models, overload, register_model

LANES = 16

_FLOAT, _INTEGER, _BIT = ir.FloatType(), ir.IntType(32), ir.IntType(1)


class Form:
    """How sixteen values are kept: as one LLVM vector or, ``scalar``, as an array."""

    def __init__(self, scalar: bool) -> None:
        self.scalar = scalar
        kind: Any = ir.ArrayType if scalar else ir.VectorType
        self.floats, self.bits = kind(_FLOAT, LANES), kind(_BIT, LANES)
        #: What an operation computes with at once.
        self.integer = _INTEGER if scalar else kind(_INTEGER, LANES)

    def each(self, builder: ir.IRBuilder, result: Any, operation: Callable[..., Any], *values: Any) -> Any:
        """What ``operation``, which takes numbers and vectors alike, makes of the values."""
        if not self.scalar:
            return operation(*values)
        made: Any = ir.Constant(result, ir.Undefined)
        for lane in range(LANES):
            lanes = (builder.extract_value(value, lane) for value in values)
            made = builder.insert_value(made, operation(*lanes), lane)
        return made


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """numba's ``intrinsic``, typed as what it makes: a function without the typing context."""
    return extending.intrinsic(function)


class VecType(types.Type):
    """Sixteen float32 values."""

    def __init__(self, form: Form) -> None:
        self.form = form
        super().__init__(name=f"splatcut.vec16{'.scalar' * form.scalar}")


class MaskType(types.Type):
    """Sixteen truth values."""

    def __init__(self, form: Form) -> None:
        self.form = form
        super().__init__(name=f"splatcut.mask16{'.scalar' * form.scalar}")


@register_model(VecType)
class _VecModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, fe_type.form.floats)


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, fe_type.form.bits)


form: Form
vec: VecType
mask: MaskType
splat: Callable[..., Any]
lanes_x: Callable[..., Any]
lanes_y: Callable[..., Any]
load: Callable[..., Any]


def _choose(scalar: bool) -> None:
    """Decides what the functions below compile to from now on."""
    global form, vec, mask, splat, lanes_x, lanes_y, load
    form = Form(scalar)
    vec, mask = VecType(form), MaskType(form)
    # numba remembers what a function returns for the types of its arguments, and these take none of ours.
    splat, lanes_x, lanes_y, load = (intrinsic(function) for function in (_splat, _lanes_x, _lanes_y, _load))


def _like(kind: Any, value: float) -> ir.Constant:
    """The number, in every lane of a vector."""
    return ir.Constant(kind, [value] * LANES if hasattr(kind, "count") else value)


def _lanes(value: Callable[[int], float]) -> ir.Constant:
    return ir.Constant(form.floats, [ir.Constant(_FLOAT, value(lane)) for lane in range(LANES)])


def _place(context: Any, builder: ir.IRBuilder, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _call(builder: ir.IRBuilder, name: str, *arguments: Any) -> Any:
    kind = arguments[0].type
    suffix = f"v{LANES}f32" if hasattr(kind, "count") else "f32"
    declared = ir.FunctionType(kind, [kind] * len(arguments))
    return builder.call(cgutils.get_or_insert_function(builder.module, declared, f"llvm.{name}.{suffix}"), arguments)


def _splat(typingctx: Any, value: Any) -> Any:
    """Vec with every lane ``value`` (float32)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        number = context.cast(builder, args[0], signature.args[0], types.float32)
        if form.scalar:
            return form.each(builder, form.floats, lambda: number)
        undefined = ir.Constant(form.floats, ir.Undefined)
        single = builder.insert_element(undefined, number, ir.Constant(_INTEGER, 0))
        return builder.shuffle_vector(single, undefined, ir.Constant(form.integer, None))

    return vec(value), build


def _lanes_x(typingctx: Any) -> Any:
    """Vec 0 1 2 3 0 1 2 3 ...: x within a 4x4 block."""
    return vec(), lambda context, builder, signature, args: _lanes(lambda lane: lane & 3)


def _lanes_y(typingctx: Any) -> Any:
    """Vec 0 0 0 0 1 1 1 1 ...: y within a 4x4 block."""
    return vec(), lambda context, builder, signature, args: _lanes(lambda lane: lane >> 2)


def _load(typingctx: Any, array: Any, index: Any) -> Any:
    """Vec of array[index : index + 16]; array is contiguous float32, the index is not checked."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        return builder.load(builder.bitcast(place, form.floats.as_pointer()), align=4)

    return vec(array, types.intp), build


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index : index + 16] = value; the index is not checked."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], args[0], args[1])
        builder.store(args[2], builder.bitcast(place, form.floats.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), build


def _lanewise(kind: Callable[[], Any], operation: Callable[..., Any]) -> Callable[..., Any]:
    """An intrinsic whose lanes have nothing to do with each other.

    Args:
        kind: gives the type of the result, ``vec`` or ``mask``.
        operation: makes code of a builder and the values, numbers and vectors alike.
    """

    @functools.wraps(operation)  # numba asks for the number of values
    def typed(typingctx: Any, *values: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            result = form.floats if isinstance(signature.return_type, VecType) else form.bits
            return form.each(builder, result, functools.partial(operation, builder), *args)

        return kind()(*values), build

    return intrinsic(typed)


def _vec() -> VecType:
    return vec


def _mask() -> MaskType:
    return mask


def _smaller(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def _larger(builder: ir.IRBuilder, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _exp2(builder: ir.IRBuilder, a: Any) -> Any:
    whole = _call(builder, "floor", a)
    part = builder.fsub(a, whole)
    power = _like(a.type, _EXP2[0])
    for coefficient in _EXP2[1:]:
        power = _call(builder, "fmuladd", power, part, _like(a.type, coefficient))
    exponent = builder.add(builder.fptosi(whole, form.integer), _like(form.integer, 127))
    return builder.fmul(power, builder.bitcast(builder.shl(exponent, _like(form.integer, 23)), a.type))


# Chebyshev fit of 2^f on [0, 1], highest power first.
_EXP2 = (1.8775767e-3, 8.9893397e-3, 5.5826318e-2, 2.4015361e-1, 6.9315308e-1, 9.9999994e-1)

#: a * b + c, fused where the processor can.
fma = _lanewise(_vec, lambda builder, a, b, c: _call(builder, "fmuladd", a, b, c))
#: Lane-wise smaller and larger value.
vmin, vmax = _lanewise(_vec, _smaller), _lanewise(_vec, _larger)
#: select(condition, a, b): a where the condition holds, else b.
select = _lanewise(_vec, lambda builder, condition, a, b: builder.select(condition, a, b))
#: 2^a for a in [-120, 120]; relative error below 3e-7 (degree-5 polynomial on the fractional part).
exp2 = _lanewise(_vec, _exp2)


@intrinsic
def any_lane(typingctx: Any, condition: Any) -> Any:
    """Whether the condition holds in any lane."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if form.scalar:
            found = builder.extract_value(args[0], 0)
            for lane in range(1, LANES):
                found = builder.or_(found, builder.extract_value(args[0], lane))
            return found
        bits = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(LANES), 0))

    return types.boolean(condition), build


@intrinsic
def lane_sum(typingctx: Any, a: Any) -> Any:
    """Sum of the sixteen lanes, float32, added pairwise (the same order on every processor)."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if form.scalar:
            lanes = [builder.extract_value(args[0], lane) for lane in range(LANES)]
            while len(lanes) > 1:
                half = len(lanes) // 2
                lanes = [builder.fadd(*pair) for pair in zip(lanes[:half], lanes[half:], strict=True)]
            return lanes[0]
        value, width = args[0], LANES
        while width > 1:
            half = width // 2
            halves = [
                builder.shuffle_vector(
                    value,
                    ir.Constant(value.type, ir.Undefined),
                    ir.Constant(ir.VectorType(_INTEGER, half), list(range(first, first + half))),
                )
                for first in (0, half)
            ]
            value, width = builder.fadd(*halves), half
        return builder.extract_element(value, ir.Constant(_INTEGER, 0))

    return types.float32(a), build


def _operator(function: Callable[..., Any], operand: type, implementation: Any) -> None:
    @overload(function)
    def choose(a, b):  # numba compares this signature with the lambda's, annotations included
        if isinstance(a, operand) and isinstance(b, operand):
            return lambda a, b: implementation(a, b)
        return None


_operator(operator.add, VecType, _lanewise(_vec, lambda builder, a, b: builder.fadd(a, b)))
_operator(operator.sub, VecType, _lanewise(_vec, lambda builder, a, b: builder.fsub(a, b)))
_operator(operator.mul, VecType, _lanewise(_vec, lambda builder, a, b: builder.fmul(a, b)))
_operator(operator.truediv, VecType, _lanewise(_vec, lambda builder, a, b: builder.fdiv(a, b)))
_operator(operator.ge, VecType, _lanewise(_mask, lambda builder, a, b: builder.fcmp_ordered(">=", a, b)))
_operator(operator.gt, VecType, _lanewise(_mask, lambda builder, a, b: builder.fcmp_ordered(">", a, b)))
_operator(operator.and_, MaskType, _lanewise(_mask, lambda builder, a, b: builder.and_(a, b)))


@njit(cache=True)
def _try_out(values: Any) -> Any:
    """Every function above, on the sixteen values."""
    a = load(values, 0)
    b = fma(vmax(a, lanes_x()), vmin(a, lanes_y()), exp2(a / splat(np.float32(16))))
    store(values, 0, select((a >= b - a) & (a > splat(np.float32(0))), a * b, a + b))
    return lane_sum(load(values, 0)), any_lane(a > b)


def _vectors_work() -> bool:
    """Whether this numba and LLVM compile vectors; says so where they do not."""
    try:
        _choose(scalar=False)
        _try_out(np.arange(LANES, dtype=np.float32))
    except Exception as error:  # numba, llvmlite and LLVM fail in many ways
        logging.getLogger(__name__).warning(
            "Vector code does not compile with this numba (%s: %s). The rasteriser uses scalar code instead, which is "
            "slower; the results are the same.",
            type(error).__name__,
            " ".join(str(error).split())[:200],
        )
        return False
    return True


if not _vectors_work():
    _choose(scalar=True)
