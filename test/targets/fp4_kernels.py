"""Prints kernels of four-bit floats and of products of scaled blocks, of sizes around vectors: transforms, quantisers along both
axes, codes of 8 bits rounded by chance, products with one and two kinds of scales, of weights in matrices and in panels, and with groups of weights. With an argument
those of GPUs: `gpu` quantisers and packing, `pairs` and `mutants` products of pairs."""
import itertools
import sys

RANGES = {"i8": "[-12, 12]", "i32": "[-2147483648, 2147483647]", "scale": "[100, 150]", "panel": "[0, 2]", "ternary": "[-1, 1]", "byte": "[-128, 127]", "i8 offset": "[-128, -116]", "narrow": "[1, 64]"}


def kernel(name, kind, arguments, body, results, inplace):
    """Arguments are (name, shape, element, range), results (value, type)."""
    declared = [f"%{n}: {s}" + (f" {{nanochat.range = {RANGES[r]}}}" if r else "") for n, s, r in arguments]
    types = ", ".join(t for _, t in results)
    values = ", ".join(v for v, _ in results)
    print(f"""func.func private @{name}({', '.join(declared)}) -> ({types})
    attributes {{nanochat.kernel = #nanochat.kernel<{kind}, inplace = [{', '.join('-1' for _ in results)}]>}} {{
  {body}
  return {values} : {types}
}}""")


def quantizer(i, kind, axis, scale, draws, rows, columns, run=0, packed=False, panels=False):
    block, stored = (32, "i8") if kind == "mxfp4" else (16, "f8E4M3FN")
    x, codes = f"tensor<{rows}x{columns}xf32>", f"tensor<{rows}x{columns}xi8>"
    scales = f"tensor<{rows // (1 if axis else block)}x{columns // (block if axis else 1)}x{stored}>"
    if packed:
        along, others = (columns, rows) if axis else (rows, columns)
        codes, scales = f"tensor<{others}x{along // 2}xi8>", f"tensor<{others}x{along // block}x{stored}>"
    if panels:
        codes = f"tensor<{columns // 16}x{rows // 4}x16x4xi8>"
    arguments, options = [("x", x, None)], f" axis = {axis}" + (f" run = {run}" if run else "") + (" scale up" if scale == "up" else "") + (" packed" if packed else "") + (" panels" if panels else "")
    if kind == "nvfp4":
        arguments.append(("s", "tensor<f32>", None))
        options += " tensor %s : tensor<f32>"
    if draws:
        arguments.append(("a", "tensor<5xi32>", "i32"))
        options += " draws %a"
    kernel(f"quantize_{i}", "rowwise", arguments, f"%q, %g = nanochat.quantize_fp4 {kind} %x{options} : {x}",
           [("%q", codes), ("%g", scales)], 2)


def stochastic(i, axis, rows, columns, scaled):
    x, s = f"tensor<{rows}x{columns}xf32>", f"tensor<{rows}xf32>"
    arguments = [("x", x, None)] + ([("s", s, None)] if scaled else []) + [("a", "tensor<5xi32>", "i32")]
    kernel(f"stochastic_{i}", "rowwise", arguments, f"%q, %g = nanochat.quantize_stochastic %x{f' scaled %s : {s}' if scaled else ''} "
           f"axis = {axis} draws %a : {x}", [("%q", f"tensor<{rows}x{columns}xi8>"), ("%g", f"tensor<{rows if axis else columns}xf32>")], 2)


def product(i, block, m, n, k, form, scaled, limit=""):
    """`form` is of dX (weights in rows of outputs; dense ones have scales), of dW, or of weights in groups."""
    a, b = (f"tensor<{k}x{m}xi8>", f"tensor<{k}x{n}xi8>") if form in ("dw", "offset") else (f"tensor<{m}x{k}xi8>", f"tensor<{k}x{n}xi8>")
    range_b, trans_b = {"dw": "i8", "offset": "i8 offset", "dense": "i8", "dx": "ternary", "panels": "panel", "groups": "ternary"}[form], ""
    if form == "panels":
        b = f"tensor<{k // 16}x{n // 4}x16x4xi8>"
    if form == "offset": # panels of codes that are 128 less
        b, trans_b = f"tensor<{n // 16}x{k // 4}x16x4xi8>", " trans_b"
    if form == "groups":
        b, trans_b = f"tensor<{n}x{k}xi8>", " trans_b"
    sa = f"tensor<{k // block}x{m}xi8>" if form in ("dw", "offset") else f"tensor<{m}x{k // block}xi8>"
    sb = f"tensor<{k // block}x{n}xi8>" if form in ("dw", "dense", "offset") else f"tensor<{n}x{k // block}xf32>"
    arguments, left, right = [("a", a, "i8")], "", ""
    if "a" in scaled:
        arguments.append(("sa", sa, "scale"))
        left = f" scaled %sa : {sa}"
    arguments.append(("b", b, range_b))
    if "b" in scaled:
        arguments.append(("sb", sb, None if form == "groups" else "scale"))
        right = f" scaled %sb : {sb}"
    arguments.append(("f", "tensor<f32>", None))
    kernel(f"product_{form}_{i}", "gemm", arguments, f"%y = nanochat.block_matmul %a{' trans_a' if form in ('dw', 'offset') else ''}{left}, %b{trans_b}{right}, "
           f"%f block = {block}{limit} : {a}, {b}, tensor<f32>", [("%y", f"tensor<{m}x{n}xf32>")], 1)


def scales_alone(i, kind, axis):
    """Of a quantiser whose codes nobody reads."""
    block, stored = (32, "i8") if kind == "mxfp4" else (16, "f8E4M3FN")
    rows, columns = (96, 37) if axis == 0 else (7, 416)
    scales = f"tensor<{rows // (1 if axis else block)}x{columns // (block if axis else 1)}x{stored}>"
    arguments = [("x", f"tensor<{rows}x{columns}xf32>", None)] + ([("s", "tensor<f32>", None)] if kind == "nvfp4" else [])
    tensor = " tensor %s : tensor<f32>" if kind == "nvfp4" else ""
    kernel(f"scales_{i}", "rowwise", arguments, f"%q, %g = nanochat.quantize_fp4 {kind} %x axis = {axis}{tensor} : tensor<{rows}x{columns}xf32>",
           [("%g", scales)], 1)


def all_scales_alone():
    for i, (kind, axis) in enumerate(itertools.product(("mxfp4", "nvfp4"), (0, 1))):
        scales_alone(i, kind, axis)


def pairs(i, kind, m, n, k, scaled):
    block, stored = (32, "i8") if kind == "mxfp4" else (16, "f8E4M3FN")
    arguments, sides = [], []
    for name, rows in (("a", m), ("b", n)):
        codes, scales = f"tensor<{rows}x{k // 2}xi8>", f"tensor<{rows}x{k // block}x{stored}>"
        arguments.append((name, codes, "byte"))
        if name in scaled:
            arguments.append(("s" + name, scales, "scale" if kind == "mxfp4" else "narrow"))
        sides.append((f"%{name}" + (f" scaled %s{name} : {scales}" if name in scaled else ""), codes))
    kernel(f"pairs_{i}", "gemm", arguments, f"%y = nanochat.fp4_matmul {kind} {sides[0][0]}, {sides[1][0]} : {sides[0][1]}, {sides[1][1]}",
           [("%y", f"tensor<{m}x{n}xf32>")], 1)


def for_gpus():
    for i, (run, columns) in enumerate([(1, 5), (16, 47), (64, 64), (128, 130)]):
        x = f"tensor<{2 * run}x{columns}xf32>"
        kernel(f"hadamard_{i}", "rowwise", [("x", x, None)], f"%y = nanochat.hadamard %x run = {run} : {x}", [("%y", x)], 1)
    for i, (kind, axis, draws, packed) in enumerate(itertools.product(("mxfp4", "nvfp4"), (0, 1), (False, True), (False, True))):
        quantizer(i, kind, axis, "floor", draws, *((96, 37) if axis == 0 else (7, 416)), packed=packed)
    for i, (run, columns, draws, packed) in enumerate([(16, 37, True, False), (32, 130, False, True), (64, 17, True, True), (128, 9, True, True)]):
        quantizer(f"{i}_run", "mxfp4", 0, "floor", draws, 128, columns, run, packed)
    all_scales_alone()
    for axis in (0, 1):
        rows, columns = (96, 37) if axis == 0 else (37, 96)
        t = f"tensor<{rows}x{columns}xi8>"
        kernel(f"pack_{axis}", "rowwise", [("t", t, "ternary")], f"%p = nanochat.pack_fp4 %t axis = {axis} : {t}", [("%p", "tensor<37x48xi8>")], 1)


def products_of_pairs():
    for i, (kind, m, n, k, scaled) in enumerate([("mxfp4", 33, 50, 96, "ab"), ("mxfp4", 70, 67, 512, "a"), ("nvfp4", 65, 19, 160, "ab"),
                                                 ("nvfp4", 130, 70, 640, "a"), ("mxfp4", 17, 200, 288, "ab")]):
        pairs(i, kind, m, n, k, scaled)


def mutants():
    """Of several stages, and not all of the last."""
    for i, (kind, m, n, k, scaled) in enumerate([("mxfp4", 70, 66, 1056, "ab"), ("nvfp4", 70, 66, 1056, "a")]):
        pairs(i, kind, m, n, k, scaled)


if sys.argv[1:]:
    {"gpu": for_gpus, "pairs": products_of_pairs, "mutants": mutants}[sys.argv[1]]()
    sys.exit()
for i, (run, columns) in enumerate([(1, 5), (2, 16), (16, 47), (32, 300), (64, 64), (128, 9)]):
    x = f"tensor<{2 * run}x{columns}xf32>"
    kernel(f"hadamard_{i}", "rowwise", [("x", x, None)], f"%y = nanochat.hadamard %x run = {run} : {x}", [("%y", x)], 1)
for i, (kind, run, columns, draws) in enumerate([("mxfp4", 0, 48, True), ("nvfp4", 0, 304, False), ("mxfp4", 64, 32, True), ("mxfp4", 16, 272, False)]):
    quantizer(f"{i}_panels", kind, 0, "floor", draws, 128, columns, run, panels=True)
for i, (block, m, n, k) in enumerate([(32, 33, 48, 96), (16, 7, 80, 48), (32, 530, 16, 12800)]):
    product(i, block, m, n, k, "offset", "ab", " limit = 12")
for i, (run, columns, draws) in enumerate([(16, 37, True), (32, 300, False), (64, 17, True), (128, 9, True)]):
    quantizer(f"{i}_run", "mxfp4", 0, "floor", draws, 128, columns, run)
forms = itertools.product(("mxfp4", "nvfp4"), (0, 1), ("floor", "up"), (False, True))
for i, (kind, axis, scale, draws) in enumerate(forms):
    if kind == "mxfp4" or scale == "floor":
        quantizer(i, kind, axis, scale, draws, *((96, 37) if axis == 0 else (7, 416)))
for i, (block, m, n, k, form, scaled) in enumerate([
        (32, 33, 50, 96, "dw", "ab"), (16, 7, 67, 48, "dw", "ab"), (32, 9, 36, 160, "dx", "a"), (16, 65, 19, 112, "dx", "a"),
        (32, 17, 52, 64, "panels", "a"), (32, 5, 48, 32, "groups", "b"), (64, 13, 31, 192, "groups", "b"),
        (32, 40, 33, 12800, "dx", "a"), (128, 21, 64, 256, "groups", "b"), (32, 530, 21, 64, "dw", "ab")]):
    product(i, block, m, n, k, form, scaled)
all_scales_alone()
for i, (axis, rows, columns) in enumerate([(0, 1, 1), (0, 16, 128), (0, 37, 145), (0, 8, 400), (1, 1, 1), (1, 5, 13), (1, 200, 128), (1, 67, 275)]):
    stochastic(i, axis, rows, columns, i % 2 == 0)
product("dense", 32, 37, 52, 96, "dense", "ab")
for i, (block, m, n, k, form, scaled) in enumerate([(32, 33, 50, 96, "dw", "ab"), (16, 7, 67, 48, "dx", "a"), (32, 37, 52, 96, "dense", "ab"),
                                                    (32, 17, 52, 64, "panels", "a"), (32, 40, 33, 12800, "dx", "a")]):
    product(f"{i}_limited", block, m, n, k, form, scaled, " limit = 12")
