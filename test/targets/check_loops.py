"""Innermost loops of matrix products in a listing: none may touch the stack, which would be spilled sums, and products and sums
are one instruction. Usage: check_loops.py LISTING LEAST, the least number of such loops."""
import re
import sys

DOT = re.compile(r"\s(vpdpbusd|vpdpwssd|vpmaddwd|vdpbf16ps|vfmadd\d+ps)\s")
PRODUCT, SUM = re.compile(r"\svmulps\s"), re.compile(r"\svaddps\s")
# From memory, constants aside.
BROADCAST = re.compile(r"\s(vpbroadcastd|vbroadcastss)\s.*\((?!%rip)|\((?!%rip)[^)]*\)\{1to(8|16)\}")
STORE = re.compile(r"\svmov\w+\s+%[xyz]mm\d+, .*\((?!%rsp)")


def innermost_loops(lines):
    labels = {m[1]: i for i, line in enumerate(lines) if (m := re.match(r"(\.LBB\w+):", line))}
    jumps = [(labels.get(m[1], len(lines)), i) for i, line in enumerate(lines) if (m := re.match(r"\s+j\w+\s+(\.LBB\w+)", line))]
    loops = [(start, end) for start, end in jumps if start < end]
    for loop in loops:
        if not any(other != loop and loop[0] <= other[0] and other[1] <= loop[1] for other in loops):
            yield lines[loop[0] : loop[1] + 1]


def count(pattern, loop):
    return sum(1 for line in loop if pattern.search(line))


def main():
    lines = open(sys.argv[1]).read().splitlines()
    products = 0
    for loop in innermost_loops(lines):
        # A value of one factor for every row of a tile, and no results yet.
        if count(BROADCAST, loop) < 3 or count(STORE, loop):
            continue
        if min(count(PRODUCT, loop), count(SUM, loop)) >= 8:
            sys.exit("a loop multiplies and adds apart:\n" + "\n".join(loop))
        if count(DOT, loop) < 6:
            continue
        products += 1
        if any("(%rsp" in line for line in loop):
            sys.exit("a loop touches the stack:\n" + "\n".join(loop))
    if products < int(sys.argv[2]):
        sys.exit(f"found {products} loops of products, expected at least {sys.argv[2]}")


main()
