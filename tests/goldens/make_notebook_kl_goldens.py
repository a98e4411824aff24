#!/usr/bin/env python3
"""Writes notebook_kl.txt beside this script: the reference notebooks' two-heads loss, run with PyTorch (1.13).

The study's sizes: 4 superclasses, 88 subclasses, the novel subclass 87 mapped to the novel superclass 3; alpha 0.1 and
temperature 1. Two batches of logits that test_notebook_kl makes from the same formula: 64 rows, half of them sure of
their class as a trained network is; and 12 rows of extreme logits, up to 512 (the bounds are powers of two, so that a
fused multiply-add makes the same numbers). For each of them

    v1           the first notebook: KL(head || implied), the head's probabilities detached
    v1_literal   the same as the extracted text is indented: the implied probabilities too come from under no_grad
    v2           the second notebook: KL(implied || head), gradients to both
    v2_literal   the same as the extracted text is indented: all of it under no_grad

kl and total are the term and the whole loss, CE + CE + alpha KL; dkl_super and dkl_sub the term's gradients (none: the
literal ones), dce_super and dce_sub those of CE + CE. All in double; that the whole loss's gradient is their sum, and
that the same code in float, as the notebooks run it, gives the same but for its rounding, is checked here.
"""
import torch
import torch.nn.functional as F

import formula

ALPHA, TEMPERATURE = 0.1, 1.0
NUM_SUPER, NUM_SUB = 4, 88
SUB_TO_SUPER = {sub: sub % 3 if sub < 87 else 3 for sub in range(NUM_SUB)}


def sub_probs_to_super_probs(sub_probs, sub_to_super, num_super):  # as in both notebooks
    B, num_sub = sub_probs.shape
    super_probs = torch.zeros(B, num_super, device=sub_probs.device)
    for sub_idx, super_idx in sub_to_super.items():
        super_probs[:, super_idx] += sub_probs[:, sub_idx]
    super_probs = super_probs / (super_probs.sum(dim=1, keepdim=True) + 1e-8)
    return super_probs


def first_notebook(super_logits, sub_logits, literal):
    with torch.no_grad():
        super_probs = F.softmax(super_logits / TEMPERATURE, dim=1)
    with torch.set_grad_enabled(not literal):
        sub_probs = F.softmax(sub_logits / TEMPERATURE, dim=1)
        agg_super_probs = sub_probs_to_super_probs(sub_probs, SUB_TO_SUPER, NUM_SUPER)
    return F.kl_div(input=torch.log(agg_super_probs + 1e-8), target=super_probs, reduction="batchmean")


def second_notebook(super_logits, sub_logits, literal):
    with torch.set_grad_enabled(not literal):
        sub_probs = F.softmax(sub_logits / TEMPERATURE, dim=1)
        agg_super_probs = sub_probs_to_super_probs(sub_probs, SUB_TO_SUPER, NUM_SUPER)
        return F.kl_div(
            F.log_softmax(super_logits / TEMPERATURE, dim=1),
            (agg_super_probs + 1e-8).log(),
            reduction="batchmean",
            log_target=True,
        )


VERSIONS = {
    "v1": (first_notebook, False),
    "v1_literal": (first_notebook, True),
    "v2": (second_notebook, False),
    "v2_literal": (second_notebook, True),
}


def trained_batch():
    """Uniform logits; of every other row the true class stands out."""
    sub_labels = torch.arange(64) * 37 % NUM_SUB
    super_labels = torch.tensor([SUB_TO_SUPER[int(label)] for label in sub_labels])
    super_logits = formula.uniform(1, 0, (64, NUM_SUPER), -4, 4)
    sub_logits = formula.uniform(1, 1, (64, NUM_SUB), -4, 4)
    for row in range(1, 64, 2):
        super_logits[row, super_labels[row]] += 6
        sub_logits[row, sub_labels[row]] += 6
    return super_logits, sub_logits, super_labels, sub_labels


def extreme_batch():
    sub_labels = torch.arange(12) * 37 % NUM_SUB
    super_labels = torch.tensor([SUB_TO_SUPER[int(label)] for label in sub_labels])
    super_logits = formula.uniform(2, 0, (12, NUM_SUPER), -64, 64)
    sub_logits = formula.uniform(2, 1, (12, NUM_SUB), -64, 64)
    super_logits[2::3] *= 8
    sub_logits[2::3] *= 8
    return super_logits, sub_logits, super_labels, sub_labels


def run(batch, version, dtype):
    """Values and gradients of the term, of CE + CE, and of the whole loss."""
    torch.set_default_dtype(dtype)  # of the notebook's torch.zeros
    function, literal = VERSIONS[version]
    super_logits, sub_logits = (logits.to(dtype).requires_grad_() for logits in batch[:2])
    loss_super = F.cross_entropy(super_logits, batch[2])
    loss_sub = F.cross_entropy(sub_logits, batch[3])
    kl_loss = function(super_logits, sub_logits, literal)
    loss = loss_super + loss_sub + ALPHA * kl_loss

    def gradients(value):
        if not value.requires_grad:
            return [torch.zeros_like(super_logits), torch.zeros_like(sub_logits)]
        found = torch.autograd.grad(value, [super_logits, sub_logits], retain_graph=True, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for x, g in zip((super_logits, sub_logits), found)]

    return {"kl": kl_loss, "total": loss, "dkl": gradients(kl_loss), "dce": gradients(loss_super + loss_sub),
            "dtotal": gradients(loss)}


def error(got, wanted):
    """The largest difference over the largest wanted magnitude, or over 1 where all are 0."""
    most = float(wanted.abs().max())
    return float((got.double() - wanted).abs().max()) / (most if most > 0 else 1)


goldens = formula.Goldens("notebook_kl.txt", digits=7)
for name, batch in {"trained": trained_batch(), "extreme": extreme_batch()}.items():
    for version, (_, literal) in VERSIONS.items():
        double, single = run(batch, version, torch.float64), run(batch, version, torch.float32)
        for total, ce, kl in zip(double["dtotal"], double["dce"], double["dkl"]):
            assert error(total, ce + ALPHA * kl) < 1e-14
            assert not literal or not kl.any()
        errors = [error(single[key], double[key]) for key in ("kl", "total")]
        errors += [error(a, b) for a, b in zip(single["dkl"] + single["dtotal"], double["dkl"] + double["dtotal"])]
        print(f"{name} {version}: kl {double['kl'].item():.9g}; PyTorch's float differs by {max(errors):.2g}")
        assert max(errors) < 1e-6
        goldens.case(f"{name}_{version}")
        goldens.put(kl=double["kl"], total=double["total"])
        if not literal:
            goldens.put(dkl_super=double["dkl"][0], dkl_sub=double["dkl"][1])
    goldens.case(f"{name}_ce")
    goldens.put(dce_super=double["dce"][0], dce_sub=double["dce"][1])
goldens.write()
