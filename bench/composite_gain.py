"""composite_gain.py STEP STREAMS MATRICES APPLICATIONS: how much the residual matrices of hyper-connections can make of one stream. STEP is what
`train --dump-dispatches` recorded of a step; the product of the MATRICES matrices that each of the
first APPLICATIONS of the layers has (the gradient forms them again, in another order), by token; the
largest absolute sum of its rows and of its columns over all tokens and applications (arXiv:2512.24880, composite gain)."""
import json
import pathlib
import struct
import sys

import numpy


def outputs(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    for name, info in json.loads(raw[8 : 8 + size]).items():
        if name.startswith("out") and info["dtype"] == "F32":
            begin, end = info["data_offsets"]
            yield numpy.frombuffer(raw[8 + size + begin : 8 + size + end], "<f4").reshape(info["shape"])


folder, (streams, count, applications) = pathlib.Path(sys.argv[1]), map(int, sys.argv[2:5])
product, have, rows, columns = None, 0, 0.0, 0.0
for path in sorted(folder.glob("[0-9]*.safetensors")):
    for values in outputs(path):
        if values.ndim != 2 or values.shape[1] != streams**2 or have == count * applications:
            continue
        matrices = values.reshape(-1, streams, streams).astype("f8")
        product = matrices if have % count == 0 else matrices @ product
        have += 1
        if have % count == 0:
            rows = max(rows, abs(product.sum(axis=2)).max())
            columns = max(columns, abs(product.sum(axis=1)).max())
print(f"{have} matrices, largest sum of rows {rows:.6g}, of columns {columns:.6g}")
