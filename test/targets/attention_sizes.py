"""Prints kernels of causal attention and its gradient around the edges of blocks. Usage: attention_sizes.py f32|bf16 SHAPES; of bf16 they
are rounded, as a GPU's row has them."""
import random
import sys

SEQ, WIDTH, HEADS = [1, 2, 31, 32, 33, 63, 64, 65, 70, 129], [2, 7, 8, 16, 24, 36, 64, 72, 128], [(1, 1), (2, 1), (2, 2), (4, 2), (3, 1)]


def kernels(number, element, batch, seq, width, heads, kv):
    rounded = " rounded" if element == "bf16" else ""
    tensor = lambda columns, of: f"tensor<{batch * seq}x{columns}x{of}>"
    q, k, numbers = tensor(heads * width, element), tensor(kv * width, element), tensor(heads, "f32")
    wide, wide_k = tensor(heads * width, "f32"), tensor(kv * width, "f32")
    given, third = ("delta", numbers) if rounded else ("y", wide)
    attributes = 'attributes {nanochat.kernel = #nanochat.kernel<attention, inplace = [-1, -1'
    sizes = f"heads = {heads} kv_heads = {kv} seq = {seq}{rounded}"
    return f"""func.func private @forward_{number}_{seq}x{width}(%q: {q}, %k: {k}, %v: {k}) -> ({wide}, {numbers}) {attributes}]>}} {{
  %y, %lse = nanochat.attention %q, %k, %v {sizes} : {q}, {k}, {k}
  return %y, %lse : {wide}, {numbers}
}}
func.func private @backward_{number}_{seq}x{width}(%q: {q}, %k: {k}, %v: {k}, %y: {third}, %lse: {numbers}, %dy: {q}) -> ({wide}, {wide_k}, {wide_k}) {attributes}, -1]>}} {{
  %dq, %dk, %dv = nanochat.attention_grad %q, %k, %v, %lse, %dy {given} = %y : {third} {sizes} : {q}, {k}, {k}, {numbers}, {q}
  return %dq, %dk, %dv : {wide}, {wide_k}, {wide_k}
}}
"""


draw = random.Random(1)
for i in range(int(sys.argv[2])):
    print(kernels(i, sys.argv[1], draw.choice([1, 2, 3]), draw.choice(SEQ), draw.choice(WIDTH), *draw.choice(HEADS)))
