"""Rates counted again, in double precision, from the logits of `tern dump`."""

import json
import math
import pathlib
import struct

from checks import tern


def read_safetensors(path):
    """{name: (shape, flat list)} for the types that tern dump writes."""
    bytes_ = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", bytes_[:8])[0]
    tensors = {}
    for name, about in json.loads(bytes_[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = about["data_offsets"]
        kind = {"F32": "f", "I32": "i", "U8": "B", "I64": "q"}[about["dtype"]]
        part = bytes_[8 + length + begin:8 + length + end]
        tensors[name] = (about["shape"], struct.unpack(f"<{len(part) // struct.calcsize(kind)}{kind}", part))
    return tensors


class Independent:
    """A level's images with answer and confidence, from a dump alone; the columns that were never trained left out."""

    def __init__(self, program, run, folder, level):
        dump = folder / f"{run.name}.safetensors"
        if not dump.exists():
            tern(program, "dump", "--run", run, "--out", dump, "--part", "validation", "--part", "pseudo_novel")
        tensors = read_safetensors(dump)
        summary = json.loads((run / "summary.json").read_text())
        trained = summary["classes"][{"super": "superclass_trained", "sub": "subclass_trained"}[level]]
        (rows, columns), logits = tensors[level + "_logits"]
        labels = tensors["superclasses" if level == "super" else "subclasses"][1]
        parts = tensors["part"][1]
        validation = parts[0]  # the first part that was asked for
        self.groups, self.novel = {}, columns - 1
        for i in range(rows):
            row = [logits[i * columns + c] if trained[c] else -math.inf for c in range(columns)]
            answer = max(range(columns), key=row.__getitem__)
            confidence = 1 / sum(math.exp(z - row[answer]) for z in row)
            if parts[i] != validation:
                key = "known" if level == "super" else "near"
            else:
                key = "far" if labels[i] == self.novel else "seen"
            self.groups.setdefault(key, []).append((labels[i], answer, 0 if answer == self.novel else confidence))

    def safe(self, tau):
        """Whether no confidence is so close to tau that rounding decides."""
        return all(abs(c - tau) > 2e-6 for rows in self.groups.values() for _, _, c in rows)

    def rates(self, tau):
        share = lambda key, test: 100 * sum(map(test, self.groups[key])) / len(self.groups[key])
        kept = lambda row: row[2] >= tau
        right = lambda row: kept(row) and row[0] == row[1]
        rates = {"seen_kept": share("seen", kept), "seen_right": share("seen", right),
                 "false_novel": share("seen", lambda row: not kept(row)),
                 "misclassified": share("seen", lambda row: kept(row) and row[0] != row[1])}
        for key in self.groups.keys() - {"seen", "known"}:
            rates[key + "_found"] = share(key, lambda row: not kept(row))
        if "known" in self.groups:
            rates["known_right"] = share("known", right)
        found = rates.get("near_found", rates.get("far_found"))
        both = rates["seen_right"] + found
        rates["harmonic_mean"] = 2 * rates["seen_right"] * found / both if both else 0
        return rates
