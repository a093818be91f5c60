#!/usr/bin/env python3
"""Kernels of a training step against what the machine can do at best.

Reads what `PROGRAM train --profile` prints and the peaks of bench/peaks.cpp; prints the share of time, rate and part of its floor
of every kernel that takes a hundredth or more, then of the whole. A kernel's floor is the longer of its operations at the peak of
their kind and its operands' bytes at the peak of memory; that of the step is the operations of products and attention alone.
With -o draws the roofline: a point for each kernel, under the roofs."""
import argparse
import math
import re

KINDS = {"f32": "#2563eb", "bf16": "#0d9488", "int16": "#d97706", "int8": "#dc2626"}
ROW = re.compile(r"\s*([\d.]+)%\s+([\d.]+)\s+(\d+)\s+([\d.]+)\s+([\d.]+)\s+(\w+)\s+(\S+): (.*)")


class Kernel:
    def __init__(self, match, peaks):
        self.share, self.ms = float(match[1]), float(match[2])
        self.rate, self.traffic = 1e9 * float(match[4]), 1e9 * float(match[5])
        self.kind, self.name, self.what = match[6], match[7], match[8]
        self.compute = self.rate / peaks[self.kind]
        self.floor = max(self.compute, self.traffic / peaks["memory"])
        self.is_product = self.name.startswith(("gemm_", "attention_"))


def read(path, peaks):
    return [Kernel(m, peaks) for m in map(ROW.match, open(path)) if m]


def table(kernels):
    print(f"{'share':>6} {'Gop/s':>7} {'GB/s':>6} {'of':5} {'floor':>6}  kernel")
    for k in kernels:
        if k.share >= 1:
            print(f"{k.share:5.1f}% {k.rate / 1e9:7.0f} {k.traffic / 1e9:6.1f} {k.kind:5} {100 * k.floor:5.0f}%  {k.name}: {k.what[:70]}")
    ms = sum(k.ms for k in kernels)
    products = sum(k.ms for k in kernels if k.is_product)
    floor = sum(k.ms * k.compute for k in kernels if k.is_product)
    print(f"outside of products and attention {100 * (1 - products / ms):.0f} %; the whole at {100 * floor / ms:.0f} % of its floor")


def svg(kernels, peaks, title):
    low_x, high_x, low_y, high_y = -2, 3, 0, math.ceil(math.log10(max(peaks.values()) / 1e9) * 2) / 2
    width, height, left, top = 760, 420, 60, 40
    x = lambda v: left + width * (math.log10(max(v, 10**low_x)) - low_x) / (high_x - low_x)
    y = lambda v: top + height * (high_y - math.log10(max(v, 10**low_y))) / (high_y - low_y)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 120}" height="{height + 90}" font-family="sans-serif" font-size="12">',
           f'<rect width="100%" height="100%" fill="white"/><text x="{left}" y="24" font-size="15">{title}</text>']
    for e in range(low_x, high_x + 1):
        out.append(f'<path d="M{x(10**e):.0f} {top}V{top + height}" stroke="#e5e7eb"/><text x="{x(10**e):.0f}" y="{top + height + 18}" text-anchor="middle">{10**e:g}</text>')
    for e in range(low_y, int(high_y) + 1):
        out.append(f'<path d="M{left} {y(10**e):.0f}H{left + width}" stroke="#e5e7eb"/><text x="{left - 8}" y="{y(10**e) + 4:.0f}" text-anchor="end">{10**e:g}</text>')
    memory = peaks["memory"] / 1e9
    for kind, color in KINDS.items():
        if kind in peaks:
            roof = peaks[kind] / 1e9
            out.append(f'<path d="M{x(10**low_y / memory):.0f} {y(10**low_y):.0f}L{x(roof / memory):.0f} {y(roof):.0f}H{left + width}" fill="none" stroke="{color}" stroke-width="1.5"/>'
                       f'<text x="{left + width + 6}" y="{y(roof) + (12 if kind == "bf16" else 0):.0f}" fill="{color}">{kind}</text>')
    for k in sorted(kernels, key=lambda k: -k.share):
        if k.traffic and k.rate:
            out.append(f'<circle cx="{x(k.rate / k.traffic):.1f}" cy="{y(k.rate / 1e9):.1f}" r="{2 + 2.5 * math.sqrt(k.share):.1f}" fill="{KINDS[k.kind]}" fill-opacity="0.5">'
                       f"<title>{k.name}: {k.share} % of time, {k.rate / 1e9:.0f} Gop/s</title></circle>")
    out.append(f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle">operations per byte of operands; areas are shares of time</text>'
               f'<text x="14" y="{top - 10}">Gop/s</text></svg>')
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profile")
    parser.add_argument("peaks")
    parser.add_argument("-o", "--output", help="SVG")
    parser.add_argument("--title", default="kernels of a training step")
    args = parser.parse_args()
    peaks = {name: float(value) for name, value in map(str.split, open(args.peaks))}
    kernels = read(args.profile, peaks)
    table(kernels)
    if args.output:
        open(args.output, "w").write(svg(kernels, peaks, args.title) + "\n")


main()
