"""Prints gemm kernels of many small shapes around the edges of register blocks: products of f32, bf16, int8, int16 by int8, E4M3 and bf16 by
f32, in the three forms in which factors lie. Each ends in an epilogue. Usage: gemm_sizes.py SHAPES [TYPES [SLICES]], so many per type and
form, of types such as f32,i8, each over so many slices of k."""
import random
import sys

EDGES = [1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 23, 24, 25, 31, 32, 33, 41, 47, 48, 49, 55, 63, 64, 65, 66, 67]
FORMS = {"nt": ("mk", "nk"), "nn": ("mk", "kn"), "tn": ("km", "kn")}
TYPES = {"f32": ("f32", "f32"), "bf16": ("bf16", "bf16"), "i8": ("i8", "i8"), "i16": ("i16", "i8"), "e4m3": ("f8E4M3FN", "f8E4M3FN"),
         "mixed": ("bf16", "f32")}
RANGES = {"i8": "[-128, 127]", "i16": "[-32767, 32767]"}


def widen(name, of, to):
    if of == to:
        return "", f"%{name}"
    return f"    %{name}w = arith.{'extf' if to == 'f32' else 'extsi'} %{name} : {of} to {to}\n", f"%{name}w"


def kernel(name, types, form, m, n, k, slices=0):
    a, b = types
    to = "i32" if a in RANGES else "f32"
    size = dict(s=slices, m=m, n=n, k=k)
    form, result = ([dims.replace("k", "sk") for dims in form], "smn") if slices else (form, "mn")
    loops = result + "k"
    shape = lambda dims, of: f"tensor<{'x'.join(str(size[d]) for d in dims)}x{of}>"
    place = lambda dims: f"affine_map<({', '.join(loops)}) -> ({', '.join(dims)})>"
    attribute = lambda of: f" {{nanochat.range = {RANGES[of]}}}" if of in RANGES else ""
    (wa, xa), (wb, xb) = widen("a", a, to), widen("b", b, to)
    kind = to[0]
    out, floats = shape(result, to), shape(result, "f32")
    parallel = ', '.join('"parallel"' for _ in result)
    same = f"affine_map<({', '.join(result)}) -> ({', '.join(result)})>"
    epilogue = "    %f = arith.sitofp %d : i32 to f32\n" if kind == "i" else "    %f = arith.addf %d, %d : f32\n"
    return f"""func.func private @{name}(%x: {shape(form[0], a)}{attribute(a)}, %y: {shape(form[1], b)}{attribute(b)}) -> ({out}, {floats}) attributes {{nanochat.kernel = #nanochat.kernel<gemm, inplace = [-1, -1]>}} {{
  %zero = arith.constant 0{'.0' if kind == 'f' else ''} : {to}
  %none = tensor.empty() : {out}
  %start = linalg.fill ins(%zero : {to}) outs(%none : {out}) -> {out}
  %z = linalg.generic {{indexing_maps = [{place(form[0])}, {place(form[1])}, {place(result)}], iterator_types = [{parallel}, "reduction"]}}
      ins(%x, %y : {shape(form[0], a)}, {shape(form[1], b)}) outs(%start : {out}) {{
  ^bb0(%a: {a}, %b: {b}, %c: {to}):
{wa}{wb}    %p = arith.mul{kind} {xa}, {xb} : {to}
    %s = arith.add{kind} %c, %p : {to}
    linalg.yield %s : {to}
  }} -> {out}
  %empty = tensor.empty() : {floats}
  %e = linalg.generic {{indexing_maps = [{same}, {same}], iterator_types = [{parallel}]}}
      ins(%z : {out}) outs(%empty : {floats}) {{
  ^bb0(%d: {to}, %o: f32):
{epilogue}    linalg.yield %f : f32
  }} -> {floats}
  return %z, %e : {out}, {floats}
}}
"""


def main():
    draw = random.Random(1)
    slices = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    wanted = sys.argv[2].split(",") if len(sys.argv) > 2 else TYPES
    for label, types in ((label, TYPES[label]) for label in wanted):
        for form, dims in FORMS.items():
            for i in range(int(sys.argv[1])):
                m, n, k = (draw.choice(EDGES) for _ in range(3))
                print(kernel(f"{label}_{form}_{m}_{n}_{k}_{i}", types, dims, m, n, k, slices))


main()
