"""perturb.py FROM TO: multiplies every f32 of a safetensors file by 1 ± 1e-6, to see how much rounding alone moves a run."""
import struct
import sys

import numpy as np

raw = open(sys.argv[1], "rb").read()
start = 8 + struct.unpack("<Q", raw[:8])[0]
values = np.frombuffer(raw[start:], np.float32)
signs = np.random.default_rng(0).choice(np.float32([-1, 1]), values.size)
open(sys.argv[2], "wb").write(raw[:start] + (values * (1 + np.float32(1e-6) * signs)).astype(np.float32).tobytes())
