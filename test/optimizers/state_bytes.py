"""Bytes of optimizer states that a plan allocates against formulas: equal up to padding to 64 bytes per state.
Usage: state_bytes.py MODEL"""
import json
import re
import subprocess
import sys

text = open(sys.argv[1]).read()
preset = (text, ["--preset=a"])


def variant(layers, width, hidden, vocab, untied):
    """The preset with other sizes, applied once."""
    own = text
    if untied:
        own = own.replace("  %N1 = ", '  %H = nanochat.param "head" normal(deviation) role "embedding" [vocab, d]\n  %N1 = ')
        own = own.replace("%ht, %E, %targets", "%ht, %H, %targets")
    return own, ["--preset=a", "--set", f"layers={layers},d={width},ffn={hidden},vocab={vocab},heads={width // 128},n_loops=1"]


def compiled(model, *options):
    return subprocess.run(["nanochat-opt", "-", "--target=native", *model[1], *options], input=model[0], capture_output=True, text=True, check=True).stdout


def length(n, block):
    fits = [x for x in range(min(n, block), (block + 1) // 2 - 1, -1) if n % x == 0]
    return n if n <= block else fits[0] if fits else block


def coded(n, block):
    blocks = -(-n // length(n, block))
    return [blocks * length(n, block), 4 * blocks]


def states(rule, shape, stacked, **o):
    n = 1
    for size in shape:
        n *= size
    m, k = shape[-2:] if len(shape) > 1 else (1, n)
    stack = n // (m * k)
    if rule == "adamw":
        return [4 * n, 4 * n, 4]
    if rule == "adamw8":
        return 2 * coded(n, 256) + [4]
    if rule in ("muon", "lion"):
        return [4 * n]
    if rule == "muon8":
        return coded(n, 2048)
    if rule == "foam":
        return 2 * [4 * (n // shape[-1]) * -(-shape[-1] // 2 ** o.get("level", 2))] + [4]
    r = min(o["rank"], m, k)
    projected = stack * r * max(m, k)
    return [4 * stack * min(m, k) * r] + {"adam": [4 * projected] * 2, "adam8": 2 * coded(projected, 256)}[o.get("base", "adam")] + [4]


def check(name, model, assignment, most=None):
    """assignment: role -> (rule, options). `most`: bound on the share of AdamW's bytes."""
    expected = total = pieces = 0
    for role, dims in re.findall(r'nanochat\.param .*?role "(\w+)".*?: tensor<([\dx]+)xf32>', compiled(model, "--stop-after=model")):
        shape = [int(x) for x in dims.split("x")]
        rule, options = assignment.get(role, ("adamw", {}))
        kept = states(rule, shape, "layers", **options)
        expected += sum(kept)
        pieces += len(kept)
        total += sum(states("adamw", shape, False))
    options = []
    for role, (rule, o) in assignment.items():
        options += ["--optimizer", ":".join([f"{role}={rule}"] + [f"{k}={v}" for k, v in o.items()])]
    found = json.loads(compiled(model, "--plan=json", *options))["arena_bytes"]["state"]
    share = found / total
    good = expected <= found <= expected + 64 * pieces and (most is None or share <= most)
    print(f"{'ok  ' if good else 'FAIL'} {name}: {found} bytes, formula {expected}, {100 * share:.1f} % of AdamW")
    return good


projected = {"clip": "projected"}
small = {"embedding": ("adamw8", {}), "matrix": ("muon8", {}), "norm": ("adamw8", {}), "gate": ("adamw8", {})}
mid, large = variant(24, 2048, 5461, 32000, True), variant(32, 4096, 11008, 32000, True)
odd = variant(3, 640, 1031, 509, False)
results = [
    check("preset a, Muon8 + AdamW8", preset, small, 0.145),
    check("1.34B, Muon8 + AdamW8", mid, small, 0.14),
    check("1.34B, Muon + AdamW", mid, {"matrix": ("muon", {})}, 0.56),
    check("6.74B, GaLore of rank 1024 + AdamW", large, {"matrix": ("galore", {"rank": 1024, **projected})}, 0.35),
    check("6.74B, GaLore8 of rank 1024 + AdamW8", large, {**small, "matrix": ("galore", {"rank": 1024, "base": "adam8", **projected})}, 0.145),
    check("6.74B, FOAM of level 2 + AdamW", large, {"matrix": ("foam", {})}, 0.285),
    check("odd sizes, 8 bits", odd, small),
    check("odd sizes, GaLore8", odd, {"matrix": ("galore", {"rank": 100, "base": "adam8", **projected})}),
    check("odd sizes, FOAM", odd, {"matrix": ("foam", {"level": 3}), "embedding": ("foam", {"level": 5})}),
]
sys.exit(not all(results))
