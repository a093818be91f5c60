"""Update rules in numpy, written from the papers: an oracle that shares nothing with the compiler. States are float32 where
a program keeps them, everything between is float64. step(w, g, lr, wd) returns the new parameter."""
import numpy as np

F = np.float32


class Sgd:
    def __init__(self, shape):
        pass

    def step(self, w, g, lr, wd):
        return F(w - lr * (g + wd * w))


class AdamW:
    """arXiv:1711.05101"""

    def __init__(self, shape, beta1=0.9, beta2=0.95, eps=1e-8):
        self.m, self.v, self.t = np.zeros(shape, F), np.zeros(shape, F), 0
        self.beta1, self.beta2, self.eps = beta1, beta2, eps

    def load(self):
        return self.m.astype(float), self.v.astype(float)

    def store(self, m, v):
        self.m, self.v = F(m), F(v)

    def direction(self, g):
        self.t += 1
        m, v = self.load()
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        self.store(m, v)
        return m / (1 - self.beta1**self.t) / (np.sqrt(v / (1 - self.beta2**self.t)) + self.eps)

    def step(self, w, g, lr, wd):
        return F(w - lr * (self.direction(g.astype(float)) + wd * w))


def block_length(n, block):
    if n <= block:
        return n
    fits = [length for length in range(block, (block + 1) // 2 - 1, -1) if n % length == 0]
    return fits[0] if fits else block


class Blocks:
    """A tensor kept as 8-bit codes of blocks of its flattened elements. `margin`: how near, relative to itself, any number stored
    so far lay to the border between two codes; nearer than rounding, float32 may choose the other."""

    margin = np.inf

    def __init__(self, shape, block):
        self.shape, self.n = shape, int(np.prod(shape))
        self.length = block_length(self.n, block)
        self.count = -(-self.n // self.length)
        self.codes, self.scales = np.zeros((self.count, self.length), int), np.zeros(self.count, F)

    def split(self, x):
        flat = np.zeros(self.count * self.length)
        flat[: self.n] = x.reshape(-1)
        return flat.reshape(self.count, self.length)

    def keep_margin(self, x, borders):
        away = np.divide(np.abs(x - borders), np.abs(x), out=np.full(x.shape, np.inf), where=x != 0)
        self.margin = min(self.margin, away.min())

    def join(self, blocks):
        return blocks.reshape(-1)[: self.n].reshape(self.shape)


class Linear(Blocks):
    def load(self):
        return self.join(self.codes * self.scales[:, None].astype(float))

    def store(self, x):
        x = self.split(x)
        most = np.abs(x).max(axis=1)
        self.scales = F(most / 127)
        a = x * np.divide(127, most, out=np.zeros(self.count), where=most > 0)[:, None]
        self.codes = np.rint(a).astype(int)
        self.keep_margin(a, np.floor(a) + 0.5)


def dynamic_map(signed):
    """The numbers of bitsandbytes' 8-bit map, sorted; arXiv:2110.02861."""
    data = [0.0, 1.0]
    for i in range(7):
        edges = np.linspace(0.1, 1, 2 ** (i + (0 if signed else 1)) + 1)
        means = (edges[:-1] + edges[1:]) / 2 * 10.0 ** (i - 6)
        data += list(means) + (list(-means) if signed else [])
    return np.array(sorted(data))


class Dynamic(Blocks):
    def __init__(self, shape, block, signed):
        super().__init__(shape, block)
        self.map = dynamic_map(signed)
        self.codes += int(np.argmin(np.abs(self.map)))

    def load(self):
        return self.join(self.map[self.codes] * self.scales[:, None].astype(float))

    def store(self, x):
        x = self.split(x)
        most = np.abs(x).max(axis=1)
        a = x * np.divide(1, most, out=np.zeros(self.count), where=most > 0)[:, None]
        self.scales = F(most)
        borders = (self.map[:-1] + self.map[1:]) / 2
        self.codes = np.searchsorted(borders, a, side="right")
        for near in (self.codes - 1, self.codes):
            self.keep_margin(a, borders[near.clip(0, borders.size - 1)])


class AdamW8(AdamW):
    def __init__(self, shape, block=256, **options):
        super().__init__(shape, **options)
        self.m8, self.v8 = Dynamic(shape, block, True), Dynamic(shape, block, False)

    def load(self):
        return self.m8.load(), self.v8.load()

    def store(self, m, v):
        self.m8.store(m), self.v8.store(v)


class Lion:
    """arXiv:2302.06675"""

    def __init__(self, shape, beta1=0.9, beta2=0.99):
        self.m, self.beta1, self.beta2 = np.zeros(shape, F), beta1, beta2

    def step(self, w, g, lr, wd):
        u = np.sign(self.beta1 * self.m.astype(float) + (1 - self.beta1) * g)
        self.m = F(self.beta2 * self.m.astype(float) + (1 - self.beta2) * g)
        return F(w - lr * (u + wd * w))


QUINTIC, CUBIC = (3.4445, -4.7750, 2.0315), (1.5, -0.5, 0.0)


def phi(sigma, steps, coefficients=QUINTIC):
    a, b, c = coefficients
    for _ in range(steps):
        sigma = a * sigma + b * sigma**3 + c * sigma**5
    return sigma


def newton_schulz(x, steps=5, eps=1e-7, coefficients=QUINTIC):
    """By singular values: what the iteration is, not how it is computed."""
    u, s, v = np.linalg.svd(x.astype(float), full_matrices=False)
    return u * phi(s / (np.sqrt((s * s).sum()) + eps), steps, coefficients) @ v


def matrices(x):
    return x.reshape((-1,) + x.shape[-2:])


class Muon:
    """arXiv:2502.16982"""

    def __init__(self, shape, momentum=0.95, nesterov=True, ns_steps=5):
        self.m, self.momentum, self.nesterov, self.steps = np.zeros(shape, F), momentum, nesterov, ns_steps

    def load(self):
        return self.m.astype(float)

    def store(self, m):
        self.m = F(m)

    def direction(self, g):
        m = self.momentum * self.load() + g
        self.store(m)
        u = g + self.momentum * m if self.nesterov else m
        return np.stack([newton_schulz(x, self.steps) for x in matrices(u)]).reshape(g.shape)

    def step(self, w, g, lr, wd):
        return F(w - lr * (0.2 * np.sqrt(max(w.shape[-2:])) * self.direction(g.astype(float)) + wd * w))


class Muon8(Muon):
    def __init__(self, shape, block=2048, **options):
        super().__init__(shape, **options)
        self.m8 = Linear(shape, block)

    def load(self):
        return self.m8.load()

    def store(self, m):
        self.m8.store(m)


class Foam:
    """arXiv:2512.07112"""

    def __init__(self, shape, level=2, alpha=0.25, beta1=0.9, beta2=0.95, eps=1e-8, variance="square_of_mean"):
        self.run, self.alpha, self.beta1, self.beta2, self.eps, self.variance = 2**level, alpha, beta1, beta2, eps, variance
        folded = shape[:-1] + (-(-shape[-1] // self.run),)
        self.m, self.v, self.t = np.zeros(folded, F), np.zeros(folded, F), 0

    def fold(self, x):
        padded = np.zeros(x.shape[:-1] + (self.m.shape[-1] * self.run,))
        padded[..., : x.shape[-1]] = x
        return padded.reshape(self.m.shape + (self.run,)).mean(axis=-1)

    def step(self, w, g, lr, wd):
        self.t += 1
        g = g.astype(float)
        mean = self.fold(g)
        squares = mean**2 if self.variance == "square_of_mean" else self.fold(g * g)
        self.m = F(self.beta1 * self.m.astype(float) + (1 - self.beta1) * mean)
        self.v = F(self.beta2 * self.v.astype(float) + (1 - self.beta2) * squares)
        expand = lambda x: np.repeat(x.astype(float), self.run, axis=-1)[..., : g.shape[-1]]
        rest = g - expand(mean)
        m = (expand(self.m) + rest) / (1 - self.beta1**self.t)
        v = (expand(self.v) + rest**2) / (1 - self.beta2**self.t)
        return F(w - lr * (self.alpha * m / (np.sqrt(v) + self.eps) + wd * w))


class Galore:
    """arXiv:2403.03507. The basis P (..., min(m, n), r) comes with each step, gradients as R."""

    def __init__(self, shape, rank, alpha=0.25, base="adam", block=256):
        self.shape, self.alpha = shape, alpha
        m, n = shape[-2:]
        self.rank, self.tall = min(rank, m, n), m > n
        projected = shape[:-2] + ((m, self.rank) if self.tall else (self.rank, n))
        self.base = {"sgd": Sgd, "adam": AdamW, "muon": Muon}[base](projected) if base != "adam8" else AdamW8(projected, block)

    def project(self, g, p):
        return g @ p if self.tall else np.swapaxes(p, -1, -2) @ g

    def step(self, w, r, p, lr, wd):
        r = r.astype(float)
        n = r if isinstance(self.base, Sgd) else self.base.direction(r)
        if isinstance(self.base, Muon):
            n = 0.2 * np.sqrt(max(self.shape[-2:])) * n
        back = n @ np.swapaxes(p, -1, -2) if self.tall else p @ n
        return F(w - lr * (self.alpha * back + wd * w))


class Soap:
    """arXiv:2409.11321, for one matrix. Bases are those of numpy: whatever their signs, the update is the same."""

    def __init__(self, shape, beta1=0.95, beta2=0.95, eps=1e-8, period=10, largest=10000):
        self.adam, self.beta2, self.period = AdamW(shape, beta1, beta2, eps), beta2, period
        self.factor = [np.zeros((n, n)) if n <= largest else None for n in shape]
        self.basis = [None, None]
        self.count = 0

    def rotate(self, x, back=False):
        for side in (0, 1):
            if self.basis[side] is not None:
                q = self.basis[side] if back else self.basis[side].T
                x = q @ x if side == 0 else x @ q.T
        return x

    def step(self, w, g, lr, wd):
        g = g.astype(float)
        if self.count:
            w = F(w - lr * (self.rotate(self.adam.direction(self.rotate(g)), back=True) + wd * w))
        m = self.rotate(self.adam.m.astype(float), back=True)
        for side, gram in enumerate([g @ g.T, g.T @ g]):
            if self.factor[side] is None:
                continue
            self.factor[side] = self.beta2 * self.factor[side] + (1 - self.beta2) * gram
            if self.count == 0:
                self.basis[side] = np.linalg.eigh(self.factor[side])[1][:, ::-1]
            elif self.count % self.period == 0:
                q = self.basis[side]
                order = np.argsort(-np.diag(q.T @ self.factor[side] @ q))
                self.adam.v = np.take(self.adam.v, order, axis=side)
                self.basis[side] = np.linalg.qr(self.factor[side] @ q[:, order])[0]
        if self.count and self.count % self.period == 0:
            self.adam.m = F(self.rotate(m))
        self.count += 1
        return w


class Gum:
    """arXiv:2510.17802 for one matrix that is picked or not, within one period."""

    def __init__(self, shape, rank, full, picked, momentum=0.95):
        self.rank, self.q, self.picked, self.momentum, self.p = rank, full, picked, momentum, None

    def step(self, w, g, lr, wd):
        g = g.astype(float)
        tall = g.shape[0] > g.shape[1]
        if self.p is None:
            u, _, v = np.linalg.svd(g)
            self.p, self.m = (v.T if tall else u)[:, : self.rank], np.zeros(g.shape)
        low = g @ self.p @ self.p.T if tall else self.p @ self.p.T @ g
        self.m = self.momentum * self.m + ((g - low) / self.q if self.picked else low / (1 - self.q))
        return F(w - lr * (0.2 * np.sqrt(max(g.shape)) * newton_schulz(self.m) + wd * w))


def fire(w, steps=10):
    """arXiv:2602.08040"""
    return np.sqrt(w.shape[0] / w.shape[1]) * newton_schulz(w, steps, 0.0, CUBIC)
