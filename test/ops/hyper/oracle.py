"""Oracle of hyper-connections (mHC, arXiv:2512.24880; mHC-lite, arXiv:2601.05732): plain numpy in float64.
x is (N, n * C): stream i of a token lies in channels i * C .. (i + 1) * C - 1."""
from itertools import permutations

import numpy as np

F64 = np.float64

def _streams(x, n):
    """(N, n * C) as (N, n, C)."""
    x = np.asarray(x, F64)
    assert x.shape[1] % n == 0
    return x.reshape(len(x), n, -1)

def copy_streams(h, n):
    """(N, C) to n equal streams (N, n * C)."""
    return np.concatenate([np.asarray(h, F64)] * n, axis=1)

def collapse_streams(x, n, mean=False):
    """(N, C): the sum of the streams, or their mean."""
    y = _streams(x, n).sum(axis=1)
    return y / n if mean else y

def mix_streams(x, pre):
    """y[t, c] = sum_i pre[t, i] * x_i[t, c]; pre is (N, n)."""
    return np.einsum("ti,tic->tc", np.asarray(pre, F64), _streams(x, np.shape(pre)[1]))

def update_streams(x, res, post, y):
    """out_j[t, c] = sum_i res[t, j * n + i] * x_i[t, c] + post[t, j] * y[t, c], from the old streams."""
    post, n = np.asarray(post, F64), np.shape(post)[1]
    h = np.asarray(res, F64).reshape(-1, n, n)
    out = np.einsum("tji,tic->tjc", h, _streams(x, n)) + post[:, :, None] * np.asarray(y, F64)[:, None]
    return out.reshape(np.shape(x))

def sigmoid(l):
    e = np.exp(-np.abs(l))  # never overflows
    return np.where(l >= 0, 1, e) / (1 + e)

def sinkhorn(l, n, iterations):
    """(N, n * n) logits to matrices whose rows, and nearly columns, sum to 1."""
    assert iterations >= 1
    l = l.reshape(-1, n, n)
    m = np.exp(l - l.max(axis=1, keepdims=True))  # a factor of a column cancels in the first division
    for _ in range(iterations):
        m = m / m.sum(axis=1, keepdims=True)
        m = m / m.sum(axis=2, keepdims=True)
    return m.reshape(-1, n * n)

def permutation(l, n):
    """(N, n!) logits to the softmax-weighted sum of permutation matrices, P_p[i, p(i)] = 1."""
    matrices = np.array([np.eye(n)[list(p)].ravel() for p in permutations(range(n))])
    assert l.shape[1] == len(matrices)
    a = np.exp(l - l.max(axis=1, keepdims=True))
    return a / a.sum(axis=1, keepdims=True) @ matrices

def logit_count(kind, n):
    return 2 * n + (len(list(permutations(range(n)))) if kind == "permutation" else n * n)

def logits(x, bias, n, phi=None, alpha=None):
    """(N, L): bias alone, or alpha[group] * (xhat @ phi.T) + bias, groups pre, post and res."""
    x, bias = np.asarray(x, F64), np.asarray(bias, F64)
    if phi is None:
        return np.tile(bias, (len(x), 1))
    xhat = x / np.sqrt((x * x).mean(axis=1, keepdims=True) + 1e-20)
    group = np.minimum(np.arange(len(bias)) // n, 2)
    return np.asarray(alpha, F64)[group] * (xhat @ np.asarray(phi, F64).T) + bias

def coefficients(kind, x, bias, n, phi=None, alpha=None, iterations=20):
    """pre (N, n), post (N, n), res (N, n * n)."""
    assert kind in ("sinkhorn", "permutation", "none") and len(bias) == logit_count(kind, n)
    pre, post, res = np.split(logits(x, bias, n, phi, alpha), [n, 2 * n], axis=1)
    if kind == "none":
        return pre, post, res
    res = sinkhorn(res, n, iterations) if kind == "sinkhorn" else permutation(res, n)
    return sigmoid(pre), 2 * sigmoid(post), res

if __name__ == "__main__":
    failed = []
    def check(name, got, want, tol=1e-12):
        good = np.all(np.abs(np.asarray(got, float) - np.asarray(want, float)) <= tol)  # NaN is not good
        print("ok  " if good else "FAIL", name)
        failed.extend([] if good else [name])
    def mix(kind, l, n, **more):
        """H_res of one token, from its logits."""
        return coefficients(kind, np.zeros((1, n)), np.r_[np.zeros(2 * n), np.ravel(l)], n, **more)[2].reshape(n, n)
    p = .562176501
    for iterations, tol in ((200, 1e-9), (20, 1e-6)):
        check(f"sinkhorn limit {iterations}", mix("sinkhorn", [[0, 1], [.5, 2]], 2, iterations=iterations), [[p, 1 - p], [1 - p, p]], tol)
    h = mix("sinkhorn", l := np.outer(np.arange(4), np.arange(4)), 4, iterations=1)
    check("sinkhorn 1", h[0], [.879291, .112755, .007541, .000412], 1e-6)
    check("sinkhorn 1 rows", h.sum(axis=1), 1, 1e-6)
    check("sinkhorn 1 columns are not 1", np.abs(h.sum(axis=0) - 1).max() > .01, True)
    h = mix("sinkhorn", l, 4)
    check("sinkhorn 20", h[0], [.625136, .300802, .067118, .006945], 1e-6)
    check("sinkhorn 20 columns", h.sum(axis=0), 1, 1e-5)
    h = mix("permutation", np.log(np.arange(1, 25)), 4)
    check("permutation", 300 * h, [[21, 57, 93, 129], [81, 77, 73, 69], [96, 82, 68, 54], [102, 84, 66, 48]], 1e-11)
    for k, p in ((1, (0, 2, 1)), (3, (1, 2, 0)), (4, (2, 0, 1))):
        check(f"one permutation {p}", mix("permutation", 800. * (np.arange(6) == k), 3), [[j == p[i] for j in range(3)] for i in range(3)])
    for kind in ("sinkhorn", "permutation"):
        check(f"{kind} of one stream", mix(kind, [-3.7], 1), 1)
    check("copy", copy_streams([[1, 2], [3, 4]], 2), [[1, 2, 1, 2], [3, 4, 3, 4]])
    x = [[1, 2, 10, 20]]
    check("collapse", [collapse_streams(x, 2), collapse_streams(x, 2, mean=True)], [[[11, 22]], [[5.5, 11]]])
    check("mix", mix_streams(x, [[3, -1]]), [[-7, -14]])
    check("update", update_streams(x, [[1, 2, 3, 4]], [[5, 6]], [[100, 200]]), [[521, 1042, 643, 1286]])
    got = coefficients("none", [[3, 4], [0, 0], [1e-10, 1e-10]], [1, 2, 3], 1, [[1, 0], [0, 1], [1, 1]], [1, 10, 100])
    a, b = .08**.5, .5**.5  # the last token is as small as the constant under the root
    check("dynamic logits", np.hstack(got), [[1 + 3 * a, 2 + 40 * a, 3 + 700 * a], [1, 2, 3], [1 + b, 2 + 10 * b, 3 + 200 * b]])
    got = coefficients("sinkhorn", [[1]], [np.log(3), -np.log(3), 0], 1)
    check("pre and post", np.hstack(got), [[.75, .5, 1]])
    rng = np.random.default_rng(0)
    x, product = rng.standard_normal((5, 12)), np.eye(4)
    _, _, res = coefficients("permutation", x, rng.standard_normal(32), 4, rng.standard_normal((32, 12)), [1, 2, 3])
    check("the sum of streams stays", collapse_streams(update_streams(x, res, np.zeros((5, 4)), x[:, :3]), 4), collapse_streams(x, 4))
    for h in res.reshape(5, 4, 4):
        product = h @ product
        check("doubly stochastic product", [product.sum(axis=0), product.sum(axis=1), product.min(axis=0) >= 0], 1)
    raise SystemExit(len(failed))
