"""Arrays and functions for --nanochat-check-numeric as MLIR text."""
import numpy as np


def type_of(array, element="f32"):
    return "tensor<" + "".join(f"{size}x" for size in np.shape(array)) + element + ">"


def constant(array):
    return f"dense<{np.asarray(array, np.float32).tolist()}>"


class Function:
    """A function whose results are pairs: what an op makes and what it should."""

    def __init__(self, name, tolerance=0.0):
        self.name, self.tolerance, self.body, self.results, self.count = name, tolerance, [], [], 0

    def add(self, text, results=1):
        names = [f"%v{self.count + i}" for i in range(results)]
        self.count += results
        self.body.append(f"  {', '.join(names)} = {text}")
        return names[0] if results == 1 else names

    def __str__(self):
        types = ", ".join(t for _, t in self.results)
        return "\n".join([f"func.func @{self.name}() -> ({types}) attributes {{nanochat.tolerance = {self.tolerance:.1e} : f64}} {{",
                          *self.body, f"  return {', '.join(v for v, _ in self.results)} : {types}", "}"])
