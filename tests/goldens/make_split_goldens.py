#!/usr/bin/env python3
"""Writes split.txt: the reference notebook's own splitting code, run with pandas, for test_split.

    make_split_goldens.py TRAIN_DATA_CSV      the study's training table, of which only checksums are kept

A line: table, rows, subclasses, extra rows, hold_out, seed | held-out classes | for train, validation and pseudo-novel
the number of rows and sum((position + 1) * row) mod 2^64. Rows are numbers in the whole table.
"""
import pathlib
import sys

import numpy as np
import pandas as pd


def split_seen_vs_novel_super(df, val_split, novel_super_idx, rng_seed=42):  # as in the notebook
    rng = np.random.default_rng(rng_seed)
    df_novel_super = df[df["superclass_index"] == novel_super_idx]
    df_seen_super = df[df["superclass_index"] != novel_super_idx]
    if len(df_seen_super) > 0:
        val_seen_size = int(len(df_seen_super) * val_split)
        val_seen_indices = rng.choice(len(df_seen_super), size=val_seen_size, replace=False)
        val_seen_df = df_seen_super.iloc[val_seen_indices]
        train_seen_df = df_seen_super.drop(val_seen_df.index)
    else:
        val_seen_df = df_seen_super.iloc[0:0]
        train_seen_df = df_seen_super.iloc[0:0]
    if len(df_novel_super) > 0:
        val_novel_size = max(1, int(len(df_novel_super) * val_split))
        val_novel_indices = rng.choice(len(df_novel_super), size=val_novel_size, replace=False)
        val_novel_df = df_novel_super.iloc[val_novel_indices]
        train_novel_df = df_novel_super.drop(val_novel_df.index)
    else:
        val_novel_df = df_novel_super.iloc[0:0]
        train_novel_df = df_novel_super.iloc[0:0]
    train_split_df = pd.concat([train_seen_df, train_novel_df], ignore_index=True)
    val_split_df = pd.concat([val_seen_df, val_novel_df], ignore_index=True)
    train_split_df = train_split_df.sample(frac=1.0, random_state=rng_seed).reset_index(drop=True)
    val_split_df = val_split_df.sample(frac=1.0, random_state=rng_seed + 1).reset_index(drop=True)
    return train_split_df, val_split_df


def notebook(train_df, hold_out, seed, novel_super, novel_sub):
    if not hold_out:
        train, val = split_seen_vs_novel_super(train_df, 0.1, novel_super, rng_seed=seed)
        return [], train, val, train_df.iloc[0:0]
    all_subclasses = [c for c in sorted(train_df["subclass_index"].unique()) if c != novel_sub]
    rng = np.random.default_rng(seed)
    num_holdout = max(1, int(len(all_subclasses) * 0.15))
    heldout = set(rng.choice(all_subclasses, size=num_holdout, replace=False).tolist())
    seen_mask = ~train_df["subclass_index"].isin(heldout)
    seen_df = train_df[seen_mask].reset_index(drop=True)
    pseudo_novel_df = train_df[~seen_mask].reset_index(drop=True)
    train, val = split_seen_vs_novel_super(seen_df, 0.1, novel_super, rng_seed=seed)
    return sorted(heldout), train, val, pseudo_novel_df


def summary(df):
    return f"{len(df)} {sum((i + 1) * int(row) for i, row in enumerate(df['row'])) % 2**64}"


def line(name, df, rows, subclasses, extra, hold_out, seed, novel_super=3):
    df = pd.concat(
        [df, pd.DataFrame({"superclass_index": [novel_super] * extra, "subclass_index": [subclasses] * extra})],
        ignore_index=True,
    )
    df["row"] = np.arange(len(df))
    held_out, train, val, pseudo_novel = notebook(df, hold_out, seed, novel_super, subclasses)
    parts = " | ".join(summary(part) for part in (train, val, pseudo_novel))
    shown = "".join(f"{int(c)} " for c in held_out)
    return f"{name} {rows} {subclasses} {extra} {int(hold_out)} {seed} | {shown}| {parts}"


def made_table(rows, subclasses):
    sub = [(5 * i + i * i // 97) % subclasses for i in range(rows)]
    return pd.DataFrame({"superclass_index": [s % 3 for s in sub], "subclass_index": sub})


lines = []
for rows, subclasses, extra in [(60, 6, 0), (60, 6, 5), (1000, 12, 100), (12000, 87, 3000), (30000, 40, 11000)]:
    for hold_out, seed in [(False, 42), (True, 123), (True, 7), (False, 4000000000)]:
        lines.append(line("made", made_table(rows, subclasses), rows, subclasses, extra, hold_out, seed))
study = pd.read_csv(sys.argv[1])[["superclass_index", "subclass_index"]]
for extra in (0, 1000, 5000):
    for hold_out, seed in [(False, 42), (True, 123)]:
        lines.append(line("study", study, len(study), 87, extra, hold_out, seed))
pathlib.Path(__file__).with_name("split.txt").write_text("\n".join(lines) + "\n")
