"""Writes a file of cases of named arrays, as tests/support/goldens.h reads it, in full double precision."""
import pathlib

import numpy as np


class Goldens:
    def __init__(self, name):
        self.path, self.lines = pathlib.Path(__file__).resolve().parent / name, []

    def case(self, name):
        self.lines.append(f"case {name}")

    def put(self, digits=17, **arrays):
        for name, value in arrays.items():
            value = np.atleast_1d(np.asarray(value))
            numbers = " ".join(f"{v:.{digits}g}" for v in value.reshape(-1).tolist())
            self.lines.append(f"{name} {value.ndim} {' '.join(map(str, value.shape))} {numbers}")

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n")
