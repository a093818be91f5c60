"""Arrays as MLIR text."""
import numpy as np


def type_of(array, element="f32"):
    return "tensor<" + "".join(f"{size}x" for size in np.shape(array)) + element + ">"


def constant(array):
    return f"dense<{np.asarray(array, np.float32).tolist()}>"
