#!/usr/bin/env python3
"""Fits the coefficients of a decoding step's chain of kernels (docs/models/decoding.md) to recorded steps.

    tools/fit_chain.py build/release/gemmetry data/calibration/h200.json data/decoding/h200.csv

Needs numpy and scipy. Writes the group "chain" of the calibration and prints the error of each model's steps when that model is left
out of the fit. The formulas are those of src/gemmetry/predict/chain_model.cpp.
"""
import argparse
import csv
import json
import math
import pathlib
import subprocess

import numpy as np
from scipy.optimize import least_squares

from train_residual import text_of

GPU = {"sms": 132, "bandwidth": 4.8e12}  # of H200
# Name, least and most.
COEFFICIENTS = {
    "first_start_s": (1e-7, 2e-5), "row_start_s": (1e-7, 3e-6), "norm_start_s": (1e-7, 4e-6), "row_efficiency": (0.05, 0.95),
    "vector_start_s": (5e-8, 4e-6), "vector_depth_s": (1e-12, 2e-9), "vector_efficiency": (0.6, 0.98), "vector_second_row": (1e-3, 0.5),
    "attention_start_s": (5e-7, 1.5e-5), "attention_combine_s": (1e-8, 6e-6), "attention_block_bytes_per_s": (1e10, 1e13),
    "attention_efficiency": (0.5, 0.98), "attention_padding": (1e-3, 1)}


def program(gemmetry, row):
    """The operators of a step, each with the time it takes by itself."""
    sizes = ["--layers", row["layers"], "--vocab", "64", "--phase", "decode", "--batch", row["batch"], "--cache", row["cache"]]
    answer = subprocess.run([gemmetry, "explain", row["model"], *sizes, "--gpu", "h200", "--clocks", "burst", "--launch", "graph",
                             "--format", "json"], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)["operators"]


def block_dim(op):
    dim = max(op["head_dim"], op["value_dim"])
    return 64 if dim <= 64 else 128 if dim <= 128 else 256


def cache_parts(op):
    blocks = op["batch"] * op["kv_heads"] * math.ceil(op["queries"] * (op["heads"] // op["kv_heads"]) / 16)
    resident = GPU["sms"] * (1 if block_dim(op) > 128 else 2)
    most = min(max(op["keys"] // 256, 1), 128)
    use = [blocks * parts / resident / math.ceil(blocks * parts / resident) for parts in range(1, most + 1)]
    return next(parts for parts in range(1, most + 1) if use[parts - 1] >= 0.9 * max(use))


def terms(op):
    """What of an operator's time is a coefficient's: (constant, {name: factor}, bytes over one of the efficiencies)."""
    kind = op["kind"]
    if kind == "gemm":
        if op["m"] > 2:
            return op["time_s"], {}, None, 0
        return 0, {"vector_start_s": 1, "vector_depth_s": op["k"]}, "vector_efficiency", op["m"] - 1
    if kind == "attention":
        parts = cache_parts(op)
        return 0, {"attention_start_s": 1, "attention_combine_s": int(parts > 1),
                   "part_bytes": op["keys"] / parts * 2 * block_dim(op) * 2}, "attention_efficiency", 0
    if kind == "pointwise" and op.get("function") == "copy":
        return 0, {}, None, 0
    start = {"norm": "norm_start_s", "embedding": "first_start_s"}.get(kind, "row_start_s")
    return 0, {start: 1}, "row_efficiency", 0


def step_time(ops, value):
    total = 0
    for op in ops:
        constant, factors, efficiency, further_rows = terms(op)
        time = constant + sum(factor / value["attention_block_bytes_per_s"] if name == "part_bytes" else factor * value[name]
                              for name, factor in factors.items())
        if efficiency:
            more = further_rows * value["vector_second_row"]
            if op["kind"] == "attention":
                more = (2 * block_dim(op) / (op["head_dim"] + op["value_dim"]) - 1) * value["attention_padding"]
            time += op["bytes"] / (GPU["bandwidth"] * value[efficiency]) * (1 + more)
        total += op["count"] * time
    return total


def fitted(steps, times):
    names = list(COEFFICIENTS)
    low, high = (np.log([COEFFICIENTS[name][i] for name in names]) for i in (0, 1))

    def left(x):
        value = dict(zip(names, np.exp(x)))
        return [math.log(step_time(ops, value) / time) for ops, time in zip(steps, times)]

    starts = [low + (high - low) * np.random.default_rng(seed).uniform(0.3, 0.7, len(names)) for seed in range(3)]
    best = min((least_squares(left, x, bounds=(low, high), loss="soft_l1", f_scale=0.05) for x in starts), key=lambda fit: fit.cost)
    return dict(zip(names, np.exp(best.x)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry")
    parser.add_argument("calibration", type=pathlib.Path)
    parser.add_argument("records")
    options = parser.parse_args()
    with open(options.records, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [program(options.gemmetry, row) for row in rows]
    times = [float(row["time_s"]) for row in rows]
    models = sorted({row["model"] for row in rows})
    # A third of the models at a time is left out.
    errors = {}
    for fold in range(3):
        out = set(models[fold::3])
        kept = [i for i, row in enumerate(rows) if row["model"] not in out]
        value = fitted([steps[i] for i in kept], [times[i] for i in kept])
        for i, row in enumerate(rows):
            if row["model"] in out:
                errors[i] = math.log(step_time(steps[i], value) / times[i])
    of_model = {model: [error for i, error in errors.items() if rows[i]["model"] == model] for model in models}
    for model, left in of_model.items():
        print(f"{model}: {100 * np.mean(np.abs(left)):.1f} %, bias {100 * np.mean(left):+.1f} %")
    every = np.array(list(errors.values()))
    print(f"models left out: mean error {100 * np.mean(np.abs(every)):.1f} %, median {100 * np.median(np.abs(every)):.1f} %, "
          f"P95 {100 * np.quantile(np.abs(every), 0.95):.1f} %")

    value = fitted(steps, times)
    # All steps of a model err alike: what a sum of kernels shares. A kernel's own error is not seen in sums of hundreds.
    spread = float(np.quantile(np.abs(every), 0.9) / 1.645)
    group = {"source": f"fitted by tools/fit_chain.py to {len(rows)} decoding steps of {len(models)} models on NVIDIA H200 "
                       f"({options.records}); errors: of models left out"}
    group |= {name: float(f"{number:.4g}") for name, number in value.items()}
    group |= {"error_shared": float(f"{spread:.3g}"), "error_independent": float(f"{2 * spread:.3g}")}
    calibration = json.loads(options.calibration.read_text())
    ordered = {}
    for name, content in calibration.items():
        if name == "chain":
            continue
        if name in ("power", "errors") and "chain" not in ordered:
            ordered["chain"] = group
        ordered[name] = content
    options.calibration.write_text(text_of(ordered) + "\n")
    print(json.dumps(group, indent=1))


if __name__ == "__main__":
    main()
