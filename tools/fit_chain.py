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
    "attention_start_s": (5e-7, 3e-5), "attention_combine_s": (1e-8, 6e-6),
    "attention_efficiency": (0.5, 0.98), "attention_padding": (1e-3, 1), "cluster_start_s": (5e-7, 3e-5), "cluster_round_s": (1e-8, 5e-6),
    "cluster_head": (1e-3, 1), "cluster_load": (1e-3, 10)}
THREAD_ELEMENTS = 256 * 8  # of a row of a matrix that a block of the matrix-vector kernel takes at once


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


def cluster_of(op):
    """How often each warp of a cluster takes keys, and blocks; none where a cluster is not what serves the cache."""
    group = op["heads"] // op["kv_heads"]
    dim = max(op["head_dim"], op["value_dim"])
    used = 2 * op["batch"] * op["heads"] * op["keys"] * (op["head_dim"] + op["value_dim"])
    if op["queries"] > 1 or group > (4 if dim > 128 else 8) or dim > 256 or used > GPU["sms"] * 256 * 1024:
        return None
    if op["head_dim"] % 8 or op["value_dim"] % 8:
        return None
    lanes = block_dim(op) // 8
    at_once = 4 if group > 4 or (group > 2 and lanes == 8) else 8
    per_block = 8 * (32 // lanes) * at_once
    blocks = min(math.ceil(op["keys"] / per_block), 8)
    return math.ceil(op["keys"] / (per_block * blocks)), op["batch"] * op["kv_heads"] * blocks


def attention_time(op, value):
    padding = 2 * block_dim(op) / (op["head_dim"] + op["value_dim"]) - 1
    read = op["bytes"] / (GPU["bandwidth"] * value["attention_efficiency"]) * (1 + padding * value["attention_padding"])
    if cluster := cluster_of(op):
        rounds, blocks = cluster
        heads = 1 + value["cluster_head"] * (op["heads"] // op["kv_heads"] - 1)
        return value["cluster_start_s"] + value["cluster_round_s"] * rounds * heads * (1 + value["cluster_load"] * blocks / GPU["sms"]) + read
    return value["attention_start_s"] + (value["attention_combine_s"] if cache_parts(op) > 1 else 0) + read


def product_time(op, value):
    if op["m"] > 2:
        return op["time_s"]
    depth = op["k"] if op["k"] <= THREAD_ELEMENTS else math.ceil(op["k"] / THREAD_ELEMENTS) * THREAD_ELEMENTS
    return (value["vector_start_s"] + value["vector_depth_s"] * depth
            + op["bytes"] / (GPU["bandwidth"] * value["vector_efficiency"]) * (1 + (op["m"] - 1) * value["vector_second_row"]))


def row_start(op, value):
    """Rotations happen on the way into the cache, sums and the activation of few rows in the product before them."""
    kind = op["kind"]
    if kind in ("rotary", "residual") or (kind == "activation" and op["rows"] <= 2):
        return 0
    return value[{"norm": "norm_start_s", "embedding": "first_start_s"}.get(kind, "row_start_s")]


def operator_time(op, value):
    if op["kind"] == "gemm":
        return product_time(op, value)
    if op["kind"] == "attention":
        return attention_time(op, value)
    if op["kind"] == "pointwise" and op.get("function") == "copy":
        return 0
    return row_start(op, value) + op["bytes"] / (GPU["bandwidth"] * value["row_efficiency"])


def step_time(ops, value):
    return sum(op["count"] * operator_time(op, value) for op in ops)


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
