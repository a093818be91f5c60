"""Oracle of four-bit float (E2M1) quantisation: plain numpy, one f32 rounding per operation.
Constants are wrapped in F32 throughout: numpy 1 turns float32-scalar * Python-float into float64."""
import numpy as np

F32 = np.float32

def philox(counter, key):
    """Philox4x32-10. counter: 4, key: 2 uint32 arrays that broadcast; returns 4 uint32 arrays."""
    c0, c1, c2, c3, k0, k1 = np.broadcast_arrays(*[np.asarray(v, np.uint64) for v in (*counter, *key)])
    shift, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    for _ in range(10):
        # 32 x 32 -> 64 bits cannot overflow uint64, so both halves of the products are exact.
        p0, p1 = c0 * np.uint64(0xD2511F53), c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (p1 >> shift) ^ c1 ^ k0, p1 & mask, (p0 >> shift) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + np.uint64(0x9E3779B9)) & mask, (k1 + np.uint64(0xBB67AE85)) & mask
    return tuple(c.astype(np.uint32) for c in (c0, c1, c2, c3))

def halves(shape, axis, stream, matrix, step):
    """uint16 random number of every element of an (R, C) tensor; stream = (seed_lo, seed_hi, site)."""
    assert axis in (0, 1) and shape[axis] % 8 == 0
    j, o = np.indices(shape)[[axis, 1 - axis]]
    block = (j // 8) * shape[1] + o if axis == 0 else o * (shape[1] // 8) + j // 8
    words = np.stack(philox((block, matrix, stream[2], step), stream[:2]))
    word = np.take_along_axis(words, ((j % 8) // 2)[None], axis=0)[0]
    return np.where(j % 2 == 0, word & np.uint32(0xFFFF), word >> np.uint32(16)).astype(np.uint16)

def _clip_and_step(t):
    """t clipped to 6, and the grid spacing above t. fmin sends NaN (0 * inf) to 6, see quantize_nvfp4."""
    t = np.fmin(np.asarray(t, F32), F32(6))
    return t, np.where(t < 2, F32(0.5), np.where(t < 4, F32(1), F32(2)))

def nearest(t):
    """t >= 0 to the E2M1 grid, ties to even (t / step is exact: step is a power of two)."""
    t, step = _clip_and_step(t)
    return step * np.rint(t / step)

def stochastic(t, half):
    """t >= 0 to one of its two E2M1 neighbours: the upper one when half / 65536 is below the fraction."""
    t, step = _clip_and_step(t)
    lo = np.floor(t / step)
    return step * (lo + (np.asarray(half).astype(F32) / F32(65536) < t / step - lo).astype(F32))

def hadamard(x, signs, axis):
    """Signs, then unnormalised Walsh-Hadamard butterflies, on each run of len(signs) along axis."""
    x, g = np.moveaxis(np.asarray(x, F32), axis, -1), len(signs)
    assert g & (g - 1) == 0 and x.shape[-1] % g == 0
    y, h = x.reshape(-1, g) * np.asarray(signs, F32), 1
    while h < g:
        pair = y.reshape(-1, g // (2 * h), 2, h)  # index 2 is bit h of the position in the run
        a, b = pair[:, :, 0], pair[:, :, 1]
        y, h = np.stack([a + b, a - b], axis=2).reshape(-1, g), 2 * h
    return np.moveaxis(y.reshape(x.shape), -1, axis)

def _blocks(x, axis, size):
    """x with axis last and split in blocks: (..., n / size, size). None stays None."""
    return None if x is None else np.moveaxis(x, axis, -1).reshape(*np.delete(x.shape, axis), -1, size)

def _codes(x, t, half, axis):
    """int8 codes of the blocked x from its scaled magnitudes t, with the axis back in its place."""
    q = np.sign(x) * F32(2) * (nearest(t) if half is None else stochastic(t, half))
    return np.moveaxis(q.astype(np.int8).reshape(*x.shape[:-2], -1), -1, axis)

def quantize_mxfp4(x, axis, scale="floor", halves=None):
    """Codes (int8, shape of x) and biased exponents E (uint8, axis / 32)."""
    assert scale in ("floor", "up")
    x, half = _blocks(np.asarray(x, F32), axis, 32), _blocks(halves, axis, 32)
    bits = np.abs(x).max(axis=-1).view(np.uint32).astype(np.int64)  # max propagates NaN: field 255
    field, mantissa = bits >> 23, bits & 0x7FFFFF
    e = field - 2 + (mantissa > 0x400000) * (scale == "up")
    e = np.where(field == 255, 255, np.where(e < 1, 0, e))
    x = np.where(((e == 0) | (e == 255))[..., None], F32(0), x)  # such blocks get codes 0
    # For 1 <= E <= 253 the factor is a normal f32, and the product only rounds on underflow.
    t = np.abs(x) * np.ldexp(F32(1), np.clip(127 - e, -126, 126))[..., None]
    if half is not None and scale == "floor":
        t = t * F32(0.75)  # t < 8 becomes < 6, so stochastic rounding never clips and stays unbiased
    return _codes(x, t, half, axis), np.moveaxis(e.astype(np.uint8), -1, axis)

def decode_mxfp4(codes, e, axis, scale="floor", is_stochastic=False):
    """f32 values of MXFP4 codes; 4/3 undoes the 0.75 of floor-scaled stochastic rounding."""
    power = np.repeat(np.ldexp(F32(1), e.astype(np.int64) - 127), 32, axis=axis)
    return codes.astype(F32) / F32(2) * power * F32(4 / 3 if is_stochastic and scale == "floor" else 1)

def e4m3(v):
    """f32 in [0, 448] rounded to nearest even in E4M3FN, as f32; below 2^-6 the spacing stays 2^-9."""
    quantum = np.ldexp(F32(1), np.maximum(np.frexp(v)[1] - 1, -6) - 3)
    return np.rint(v / quantum) * quantum

@np.errstate(divide="ignore", over="ignore", invalid="ignore")
def quantize_nvfp4(x, axis, halves=None):
    """Codes (int8, shape of x), E4M3 block scales (as f32, axis / 16) and s_enc (f32). x must be finite.
    In a tiny tensor inverse would overflow: it is the largest f32."""
    x, half = _blocks(np.asarray(x, F32), axis, 16), _blocks(halves, axis, 16)
    amax = np.abs(x).max(axis=-1)
    s_enc = np.minimum(F32(2688) / amax.max(), np.finfo(F32).max) if amax.any() else F32(1)
    s = e4m3(np.minimum(amax * (s_enc * (F32(1) / F32(6))), F32(448)))
    inverse = np.where(s == 0, F32(0), np.minimum(s_enc / s, np.finfo(F32).max))
    return _codes(x, np.abs(x) * inverse[..., None], half, axis), np.moveaxis(s, -1, axis), s_enc

def decode_nvfp4(codes, s, s_enc, axis):
    """f32 values of NVFP4 codes; code / 2 * s is exact, only the division rounds."""
    return codes.astype(F32) / F32(2) * np.repeat(s, 16, axis=axis) / s_enc

def block_matmul(a, a_scales, b, b_scales, block):
    """y[m, n] = sum over blocks, ascending, of f32(integer dot) * (a_scale * b_scale), all in f32."""
    y = np.zeros((len(a), len(b)), F32)
    for k in range(a.shape[1] // block):
        part = slice(k * block, (k + 1) * block)
        acc = (a[:, part].astype(np.int64) @ b[:, part].astype(np.int64).T).astype(F32)
        scale = a_scales[:, k, None] if b_scales is None else a_scales[:, k, None] * b_scales[:, k]
        y = y + acc * scale.astype(F32)
    return y

def checker(failed):
    """check(name, got, want, tol) prints what it found and adds the name to `failed` where it is wrong."""
    def check(name, got, want, tol=0):
        good = np.all(np.abs(np.asarray(got, float) - np.asarray(want, float)) <= tol)  # NaN is not good
        print("ok  " if good else "FAIL", name)
        failed.extend([] if good else [name])
    return check

if __name__ == "__main__":
    failed = []
    check = checker(failed)

    rng, ramp = np.random.default_rng(1), np.arange(32)
    check("ties", nearest([.25, .75, 1.25, 1.75, 2.5, 3.5, 5]), [0, 1, 1, 2, 2, 4, 4])
    x = (0.1 * (ramp - 15.5)).astype(F32)[None]
    for scale, e, want in (("floor", 125, [0, 1, 2, 3, 4, 4, 6, 6, 6, 8, 8, 8, 8, 12, 12, 12]),
                           ("up", 126, [0, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 6, 6, 6])):
        codes, got_e = quantize_mxfp4(x, 1, scale)
        check("mxfp4 ramp " + scale, [*codes[0], *got_e[0]], [*np.negative(want[::-1]), *want, e])
    x = np.array([[*(0.1 * (ramp[:16] - 7.5)), 3, *[0] * 15]], F32)
    codes, s, s_enc = quantize_nvfp4(x, 1)
    want = np.divide([-6, -6, -4, -4, -3, -2, -1, -.5, .5, 1, 2, 3, 4, 4, 6, 6], 8)
    check("nvfp4 ramp", [s_enc, s[0, 0], *decode_nvfp4(codes, s, s_enc, 1)[0, :16]], [896, 112, *want])
    check("philox 0", philox([0] * 4, [0] * 2), [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8])
    check("philox 1", philox([2**32 - 1] * 4, [2**32 - 1] * 2), [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD])
    x, want = np.array([.3, .3, 1.4, -1.45, 2.75, -5, 5.9, .4], F32), [0, .5, 1.5, -1.5, 3, -4, 6, .5]
    check("stochastic", np.sign(x) * stochastic(np.abs(x), halves((1, 8), 1, (0, 0, 0), 0, 0)[0]), want)
    x = rng.standard_normal((1024, 1024)).astype(F32)
    def error(y): return np.linalg.norm(y.astype(float) - x) / np.linalg.norm(x.astype(float))
    check("nvfp4 error", error(decode_nvfp4(*quantize_nvfp4(x, 1), 1)), .0953, .001)
    check("mxfp4 error", error(decode_mxfp4(*quantize_mxfp4(x, 1), 1)), .1148, .001)
    again = hadamard(hadamard(x, np.ones(32), 0) / F32(32), np.ones(32), 0)
    check("hadamard", np.abs(again - x).max() / np.abs(x).max(), 0, 1e-6)
    grid, half = np.array([0, .5, 1, 1.5, 2, 3, 4, 6]), halves((1000, 1000), 0, (1, 2, 3), 4, 5)
    for lo, gap in zip(grid[:-1], np.diff(grid)):
        draws = stochastic(np.full(half.shape, lo + .3 * gap, F32), half)
        check(f"stochastic mean above {lo}", draws.mean(dtype=float), lo + .3 * gap, 4 * gap * .21**.5 / 1000)
    raise SystemExit(len(failed))
