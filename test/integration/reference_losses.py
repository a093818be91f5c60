"""Losses of a reference model, in files and batches.

text OUT BYTES                      a text of digits
batch TEXT ROWS SEQ OUT             its first rows, in bytes, and what follows each
check LOSSES GRADS SEQ              LOSSES begins with the losses that GRADS has of the last loop
extend BATCH GRADS FACTOR OUT       BATCH with FACTOR times these losses
spoil LOSSES OUT                    LOSSES with a number that is none
"""
import random
import struct
import sys


def text(out, size):
    random.seed(int(size))
    with open(out, "w") as file:
        file.write("".join(random.choice("0123456789\n") for _ in range(int(size))))
    return True


def batch(path, rows, seq, out):
    rows, seq = int(rows), int(seq)
    with open(path, "rb") as file:
        data = [256, *file.read(rows * seq)]  # a text begins behind the end of another
    with open(out, "wb") as file:
        for ids in (data[:-1], data[1:]):
            file.write(struct.pack(f"<{len(ids)}i", *ids))
    return True


def check(losses, grads, seq):
    import numpy
    import tensor_files

    (found,) = tensor_files.read(losses).values()
    wanted = tensor_files.read(grads)["nll"][-1]
    return found[0] == 0 and numpy.allclose(found[1 : len(wanted) + 1], wanted, rtol=1e-5) and len(found) > 2 * int(seq)


def extend(path, grads, factor, out):
    import tensor_files

    wanted = tensor_files.read(grads)["nll"][-1] * float(factor)
    with open(path, "rb") as file, open(out, "wb") as to:
        to.write(file.read() + wanted.astype("<f4").tobytes())
    return True


def spoil(losses, out):
    import tensor_files

    ((name, values),) = tensor_files.read(losses).items()
    values = values.copy()
    values[7] = float("nan")
    tensor_files.write(out, {name: values}, {})
    return True


sys.exit(not {"text": text, "batch": batch, "check": check, "extend": extend, "spoil": spoil}[sys.argv[1]](*sys.argv[2:]))
