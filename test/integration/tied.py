"""Parameters and gradients of the same model written in several ways.

tied.py untie PARAMS OUT COUNT        OUT: every tensor layers.* COUNT times, stacked
tied.py keep PARAMS OUT               OUT: PARAMS without exit.*
tied.py without PARAMS OUT PREFIX      OUT: PARAMS without PREFIX*
tied.py sum TIED UNTIED TOLERANCE     gradients of TIED are sums of those of UNTIED, in relative L2
tied.py same LOOPED PLAIN             all of PLAIN has the bits of LOOPED, whose exit gradients are 0
"""
import sys

import numpy
import tensor_files


def untie(params, out, count):
    tensors = {name: numpy.stack([x] * int(count)) if name.startswith("layers.") else x
               for name, x in tensor_files.read(params).items()}
    tensor_files.write(out, tensors, {"model": "untied"})
    return True


def without(params, out, prefix, model="looplm"):
    tensors = {name: x for name, x in tensor_files.read(params).items() if not name.startswith(prefix)}
    tensor_files.write(out, tensors, {"model": model})
    return True


def keep(params, out):
    return without(params, out, "exit.", "plain")


def sum_over_loops(tied, untied, tolerance):
    tied, untied = tensor_files.read(tied), tensor_files.read(untied)
    assert tied.keys() == untied.keys() and any(x.ndim == 3 for x in tied.values())
    errors = {}
    for name in tied.keys() - {"grad_norm"}:
        x, y = tied[name].astype("f8"), untied[name].astype("f8")
        if name.startswith("grad.layers."):
            assert numpy.abs(y[0] - y[1]).max() > 0, f"{name} is the same for all loops"
            y = y.sum(axis=0)
        errors[name] = numpy.linalg.norm(x - y) / numpy.linalg.norm(y)
    worst = max(errors, key=errors.get)
    print(f"{len(errors)} tensors, worst {errors[worst]:.2e} {worst}")
    return errors[worst] <= float(tolerance)


def same(looped, plain):
    looped, plain = tensor_files.read(looped), tensor_files.read(plain)
    different = [name for name in plain if plain[name].tobytes() != looped[name].tobytes()]
    exits = [x for name, x in looped.items() if name.startswith("grad.exit.")]
    print(f"{len(plain)} tensors, different: {different}")
    return not different and len(exits) == 2 and not any(x.any() for x in exits)


if __name__ == "__main__":
    command = {"untie": untie, "without": without, "keep": keep, "sum": sum_over_loops, "same": same}[sys.argv[1]]
    sys.exit(not command(*sys.argv[2:]))
