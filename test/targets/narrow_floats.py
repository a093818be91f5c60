"""Prints functions for --nanochat-check-numeric that round to floats of 8 bits and widen again: every number of the type, half way to
the next and a little further, what is beyond the largest, and what is no number. Expected values are from the definition of the types."""
import struct

# mantissa bits, least exponent, whether there are infinities
TYPES = {"f8E4M3FN": (3, -6, False), "f8E5M2": (2, -14, True)}


def decode(code, mantissa, least):
    exponent, rest = code >> mantissa, code & ((1 << mantissa) - 1)
    return (rest + (1 << mantissa if exponent else 0)) * 2.0 ** (max(exponent - 1, 0) + least - mantissa)


def bits(value):
    return f"0x{struct.unpack('<I', struct.pack('<f', value))[0]:08X}"


def cases(mantissa, least, infinities):
    special = 0x7F >> mantissa << mantissa if infinities else 0x7F
    numbers = [decode(code, mantissa, least) for code in range(special + 1)]  # the last one is beyond
    beyond = float("inf") if infinities else float("nan")
    for code, (low, high) in enumerate(zip(numbers, numbers[1:])):
        above = beyond if code + 1 == special else high
        middle = (low + high) / 2
        yield low, low
        yield middle, above if code % 2 else low
        yield middle * (1 + 2.0 ** -22), above
    for x in (1e30, float("inf")):
        yield x, beyond
    yield float("nan"), float("nan")


def main():
    for name, facts in TYPES.items():
        pairs = [(sign * x, sign * y) for x, y in cases(*facts) for sign in (1, -1)]
        shown = [(x, 1e9 if y != y else y) for x, y in pairs]  # no number is equal to one that is none
        of = f"tensor<{len(shown)}xf32>"
        xs, ys = (", ".join(bits(pair[i]) for pair in shown) for i in (0, 1))
        print(f"""#id = affine_map<(d0) -> (d0)>
func.func @{name}() -> ({of}, {of}) attributes {{nanochat.tolerance = 0.0 : f64}} {{
  %x = arith.constant dense<[{xs}]> : {of}
  %expected = arith.constant dense<[{ys}]> : {of}
  %empty = tensor.empty() : {of}
  %y = linalg.generic {{indexing_maps = [#id, #id], iterator_types = ["parallel"]}} ins(%x : {of}) outs(%empty : {of}) {{
  ^bb0(%a: f32, %o: f32):
    %narrow = arith.truncf %a : f32 to {name}
    %wide = arith.extf %narrow : {name} to f32
    %none = arith.constant 1.0e9 : f32
    %isNan = arith.cmpf uno, %wide, %wide : f32
    %shown = arith.select %isNan, %none, %wide : f32
    linalg.yield %shown : f32
  }} -> {of}
  return %y, %expected : {of}, {of}
}}""".replace("#id", f"#{name}"))


main()
