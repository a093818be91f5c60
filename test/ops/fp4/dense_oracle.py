"""Oracle of a dense linear y = x . W^T, x (N, in), W (out, in), with products in four-bit floats.
All arrays are f32 with one rounding per elementwise operation; matrix products are f64, rounded once."""
import numpy as np
from oracle import F32, checker, decode_mxfp4, decode_nvfp4, hadamard, halves, philox, quantize_mxfp4, quantize_nvfp4

def product(a, b):
    return (a.astype(float) @ b.astype(float)).astype(F32)

def decoded(x, fmt, axis, scale="floor", half=None):
    """What the codes of x stand for: rounded stochastically with half, else to nearest."""
    if fmt == "mxfp4":
        return decode_mxfp4(*quantize_mxfp4(x, axis, scale, half), axis, scale, half is not None)
    assert fmt == "nvfp4"
    return decode_nvfp4(*quantize_nvfp4(x, axis, half), axis)

def sorted_bounds(x, alpha):
    """Two (N, 1) columns: the bounds of each row. The positions are computed in f64."""
    n, ascending = x.shape[1], np.sort(x, axis=1)
    return ascending[:, [int((1 - alpha) * n)]], ascending[:, [min(int(alpha * n), n - 1)]]

def clamp_rows(x, alpha):
    return x if alpha == 0 else np.clip(x, *sorted_bounds(x, alpha))

def quantize_factor(x, fmt):
    return decoded(x, fmt, 1, "up")

def forward(x, W, fmt, alpha=0.99):
    c = clamp_rows(x, alpha)
    y = product(quantize_factor(c, fmt), quantize_factor(W, fmt).T)
    return y if alpha == 0 else y + product(x - c, W.T)

def slope(W, fmt, k=5, clip=3):
    """Derivative of the differentiable E2M1 estimator of arXiv:2501.17116 at the scaled W."""
    if fmt == "mxfp4":
        e = quantize_mxfp4(W, 1, "up")[1].astype(np.int64)
        inverse, size = np.where(e == 0, F32(0), np.ldexp(F32(1), 127 - e)), 32
    else:
        (_, s_block, s_enc), size = quantize_nvfp4(W, 1), 16
        with np.errstate(divide="ignore", over="ignore"):
            inverse = np.where(s_block == 0, F32(0), np.minimum(s_enc / s_block, np.finfo(F32).max))
    s = np.minimum(np.abs(W * np.repeat(inverse, size, axis=1)), F32(6))
    width = np.where(s < 2, F32(0.5), np.where(s < 4, F32(1), F32(2)))
    low = np.minimum(np.floor(s / width) * width, F32(4))  # 6 is the upper end of [4, 6]
    v = np.maximum(np.abs(F32(2) * ((s - low) / width) - F32(1)), F32(1e-6))
    return np.minimum(v ** F32(1 / k - 1) / F32(k), F32(clip))

def input_grad(dy, W, backward_fmt=None, forward_fmt=None, half=None):
    if backward_fmt:
        return product(decoded(dy, backward_fmt, 1, half=half), decoded(W, backward_fmt, 0))
    return product(dy, quantize_factor(W, forward_fmt) if forward_fmt else W)

def signs(run):
    return np.where(philox((np.arange(run), 0, 0, 0), (0, 0))[0] & np.uint32(1), F32(-1), F32(1))

def weight_grad(dy, x, W, backward_fmt=None, forward_fmt=None, alpha=0.99, k=5, clip=3, run=None, half=None):
    if backward_fmt:
        run = {"mxfp4": 64, "nvfp4": 16}[backward_fmt] if run is None else run
        if run:
            dy, x = (hadamard(v, signs(run), 0) for v in (dy, x))
        dy, x = decoded(dy, backward_fmt, 0, half=half), decoded(x, backward_fmt, 0)
        dW = product(dy.T, x) / F32(run or 1)
    else:
        c = clamp_rows(x, alpha)
        dW = product(dy.T, quantize_factor(c, forward_fmt) + (x - c) if forward_fmt else x)
    return dW * slope(W, forward_fmt, k, clip) if forward_fmt and k > 0 else dW

if __name__ == "__main__":
    failed = []
    check = checker(failed)
    def error(got, want): return np.linalg.norm(got.astype(float) - want) / np.linalg.norm(want.astype(float))
    rng, normal = np.random.default_rng(1), lambda *shape: rng.standard_normal(shape).astype(F32)
    grid, u = np.array([0, .5, 1, 1.5, 2, 3, 4, 6], F32), np.array([0, .05, .25, .45, .5, .95, 1], F32)
    x, W, dy = (rng.choice([*grid, *-grid], shape) for shape in ((128, 512), (64, 512), (128, 64)))
    for v in (x, W, dy): v[::16], v[:, ::16] = 6, -6  # every block of either axis has scale 1
    spiked = x.copy()
    spiked[:, 1:5], spiked[:, 6:10] = 1001, -77  # 4 a side, while int(.01 * 512) = 5: the bounds are x's
    check("bounds", sorted_bounds(np.arange(512)[None, ::-1], .99), [[[5]], [[506]]])
    check("signs", signs(4)[0], -1)  # word 0 of philox(0, 0) is 0x6627E8D5
    wild = normal(128, 512) * np.where(rng.random((128, 512)) < .01, F32(30), F32(1))
    c, (lo, hi) = clamp_rows(wild, .99), sorted_bounds(wild, .99)
    check("clamp", [c, clamp_rows(wild, 0)], [np.where(wild < lo, lo, np.where(wild > hi, hi, wild)), wild])
    check("clamp + residual", c + (wild - c), wild, (c != wild) * np.abs(wild) * 2**-23)  # residuals may round
    m, x7 = "mxfp4", np.full((1, 32), 7, F32)  # "up" has scale 2: 3.5 ties to 4; "floor" 1: clipped to 6
    check("up and floor", [quantize_factor(x7, m), slope(x7, m), decoded(x7, m, 1)], [[[8]], [[3]], [[6]]])
    for fmt, size in (("mxfp4", 32), ("nvfp4", 16)):
        at = np.full((7, size), 6, F32)  # the 6 makes the block's scale known
        at[:, 1:8] = grid[:-1, None] + np.diff(grid)[:, None] * u
        check(fmt + " slope", slope(-at / 32, fmt)[:, 1:8], [[.2, .217589, .34822, 1.261915, 3, .217589, .2]] * 7, 2e-5)
        check(fmt + " slope of zero W", slope(at * F32(0), fmt), .2, 1e-7)
        uniform = np.insert(np.linspace(0, 6, 6000 * (size - 1), dtype=F32).reshape(6000, -1), 0, 6, axis=1)
        check(fmt + " mean slope", slope(uniform, fmt)[:, 1:].mean(dtype=float), .5935, .001)
        # Factors that are their own codes: all products are exact.
        check(fmt + " forward", forward(spiked, W, fmt), product(spiked, W.T))
        check(fmt + " dX", [input_grad(dy, W, fmt), input_grad(dy, W, None, fmt)], [product(dy, W)] * 2)
        check(fmt + " dW", weight_grad(dy, x, W, fmt, run=0), product(dy.T, x))
        check(fmt + " dW, k = 0", weight_grad(dy, spiked, W, None, fmt, k=0), product(dy.T, spiked))
        check(fmt + " dW, k = 5", weight_grad(dy, spiked, W, None, fmt), product(dy.T, spiked) * F32(.2), .01)
        g, w = normal(128, 64), normal(64, 512)
        errors = [error(forward(wild, w, fmt, alpha), product(wild, w.T)) for alpha in (.99, 0)]
        check(f"{fmt} outliers {errors}", errors[0] < errors[1] / 2, True)
        for name, f, want in (("dX", lambda h: input_grad(g, W, fmt, half=h(1)), product(g, W)),
                              ("dW", lambda h: weight_grad(g, x, W, fmt, run=0, half=h(0)), product(g.T, x))):
            draws = [f(lambda axis: halves(g.shape, axis, (1, 2, 3), 4, step)) for step in range(64)]
            errors = [error(draws[0], want), error(np.mean(draws, axis=0), want)]
            check(f"{fmt} stochastic {name} {errors}", errors[1] < errors[0] / 6, True)
        check(fmt + " hadamard dW", error(weight_grad(g, wild, w, fmt), product(g.T, wild)), 0, .2)
    raise SystemExit(len(failed))
