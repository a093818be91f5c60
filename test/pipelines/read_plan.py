"""read_plan.py PLAN BATCH SEQ VOCAB: what the IR after stage `plan` keeps in memory.

Prints the activations that are kept for every layer of every step, and fails if a buffer other than
a parameter has N·V/8 elements or more, or is a square of positions.
"""
import re
import sys
from collections import Counter
from math import prod

SLOT = re.compile(r"nanochat\.slot (\w+) at (\d+)\[(.*?)\] \* \[(.*?)\] : memref<(.*?)>")


def unpacked(shape):
    """The matrix whose codes lie in panels of this shape; other shapes as they are."""
    return (16 * shape[0], 4 * shape[1]) if shape[2:] == (16, 4) else shape


def split(text):
    """'4x8xf32' to ((4, 8), 'f32')."""
    *sizes, element = text.split("x")
    return tuple(int(size) for size in sizes), element


ir, (batch, seq, vocab) = open(sys.argv[1]).read(), map(int, sys.argv[2:5])
tokens = batch * seq
stacks = {split(t)[0] for t in re.findall(r"nanochat\.tensor <parameter.*: tensor<(.*?)>", ir)}
of_parameters = stacks | {shape[1:] for shape in stacks}
slots = [(int(at), indices, strides, *split(shape)) for _, at, indices, strides, shape in SLOT.findall(ir)]
largest = 0
for at, _, _, shape, element in slots:
    if unpacked(shape) not in of_parameters:
        largest = max(largest, prod(shape))
        if prod(shape) >= tokens * vocab / 8 or shape.count(seq) > 1:
            sys.exit(f"buffer of {shape} {element}")

# Two loops index what is kept per step and layer; a stack's slots lie within its first stride.
kept, end = Counter(), 0
for at, indices, strides, shape, element in sorted(slots):
    if indices.count("%") == 2 and shape[:1] == (tokens,) and at >= end:
        kept[prod(shape) // tokens, element] += 1
        end = at + int(strides.split(",")[0])
for (width, element), count in sorted(kept.items()):
    print(f"kept {count} times {width} x {element}")
print(f"largest activation {largest} of {tokens * vocab} logits")
