#!/usr/bin/env python3
"""Makes the calibrations of H100 and A100 from published tables, which the project does not carry.

    tools/calibrate_tables.py build/release/gemmetry TABLES --codesign PAPER --gpu h100
    tools/calibrate_tables.py build/release/gemmetry TABLES --codesign PAPER --gpu a100-80gb-sxm

TABLES and PAPER are as in tools/validate_tables.py. Each calibration starts from the one that is shipped, and --out is written.

H100: aligned products are fitted to its table. It has H200's die and clocks, and other memory: what its table does not tell (misaligned
and batched products, other dtypes, attention, row-wise kernels, power) is taken from H200's calibration and records, and stated with
wider intervals.

A100: aligned products are fitted to TensorRT-LLM's table; the paper's points, at sustained clocks, give misaligned and batched ones. Of the
paper whole figures are fitted (FITTED_FIGURES), the others only judged. Trees learn from both frameworks' tables and those figures.

Needs what tools/train_residual.py needs.
"""
import argparse
import io
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import pandas

import train_residual
import validate_tables

H100_TABLE = "h100 gemm trtllm-1.3.0rc20"
A100_TABLES = ("a100-80gb-sxm gemm sglang-0.5.10", "a100-80gb-sxm gemm trtllm-1.0.0")
A100_STRUCTURED = "a100-80gb-sxm gemm trtllm-1.0.0"
PAPER_GPU = "a100-40gb-sxm"
FITTED_FIGURES = ("15", "20b", "27", "29", "31", "33", "41", "43", "45", "47")
SHORT_S = 1e-4                        # below, the paper's host clock shows its launches
TRANSFERRED = (0.08, 1.1)             # to H100: what errors gain in common, and by how much their own grow, as gpu/calibration.cpp has it
TRANSFERRED_DECODE = (0.15, 1.1)      # H100's table of decode is hardly slower than H200's, by 0 to 2 %, where bandwidth says 20 %
LENT_GROUPS = ("misaligned_gemm", "alignment", "attention", "decode", "pointwise", "power")
LENT_RESIDUALS = ("attention", "attention_backward", "decode", "row_wise")
LENT_CLASSES = ("misaligned_product", "batched_product")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return done.stdout


def fitted(gemmetry, gpu, group, records, out, start=None):
    """The calibration of a GPU with one group of coefficients fitted to files of records."""
    command = [gemmetry, "calibrate", "--gpu", gpu, "--only", group, "--out", out, "--records", *records]
    print(run(*command, *(["--calibration", start] if start else [])))
    return json.loads(out.read_text())


def sampled(gemmetry, gpu, calibration, records):
    """What the calibration says of records of a GPU, as train_residual has it; sustained ones too."""
    text = run(gemmetry, "validate", "--gpu", gpu, "--calibration", calibration, "--records", *records, "--all", "--format", "csv")
    rows = pandas.read_csv(io.StringIO(text), low_memory=False)
    rows["clocks"] = "burst"
    return rows[rows["residual"] == "gemm"]


def learned_products(parts):
    text = io.StringIO(pandas.concat(parts, ignore_index=True).to_csv(index=False))
    return train_residual.learned("gemm", train_residual.trainable(text).dropna(axis=1, how="all"))


def widened(error, by):
    shared, own = by
    return {"shared": train_residual.significant(math.hypot(error["shared"], shared), 3),
            "independent": train_residual.significant(error["independent"] * own, 3)}


def trees_source(what):
    return f"LightGBM {train_residual.lightgbm.__version__}, trees by tools/calibrate_tables.py: {what}; errors from folds of whole sites and figures"


def lent_source(group):
    return f"as H200, which has the same die and clocks: {group['source']}"


def h100(options, tables, folder):
    table = tables[H100_TABLE]
    lender = json.loads(options.lender.read_text())
    file = fitted(options.gemmetry, "h100", "gemm", [table], folder / "h100.json")
    for name in LENT_GROUPS:
        if name in lender:
            file[name] = {**lender[name], "source": lent_source(lender[name])}
    for name in (*LENT_CLASSES, "attention", "pointwise"):
        file["errors"][name] = widened(lender["errors"][name], TRANSFERRED)
    file["errors"]["source"] = ("product, thin_product: residuals of H100's table; collective: residuals of its table; the others: H200's, "
                                "wider by what a transfer adds")
    base = folder / "h100_base.json"
    base.write_text(json.dumps(file))

    own = sampled(options.gemmetry, "h100", base, [table])
    # Where H100's table speaks, it alone is heard: frameworks differ from the library by a few per cent.
    lent = sampled(options.gemmetry, "h200", base, sorted(options.lender_records.glob("gemm_*.csv")))
    spoken = (lent["batch"] == 1) & (lent["class.alignment"] == "aligned") & lent["dtype"].isin(("bf16", "fp16"))
    residual = learned_products([own, lent[~spoken]])
    for name in LENT_CLASSES:
        residual["errors"][name] = widened(residual["errors"][name], TRANSFERRED)
    file["residuals"] = {"source": trees_source("aligned products of bf16 from H100's table, other products from H200's records by H200's "
                                                "datasheet and these coefficients; the other operators' as H200's, with wider errors")}
    for name in LENT_RESIDUALS:
        by = TRANSFERRED_DECODE if name == "decode" else TRANSFERRED
        errors = {key: widened(error, by) for key, error in lender["residuals"][name]["errors"].items()}
        file["residuals"][name] = {**lender["residuals"][name], "errors": errors}
    file["residuals"]["gemm"] = residual
    return file


def a100(options, tables, folder):
    gpu = "a100-80gb-sxm"
    figures = [path for name, path in tables.items() if name.startswith(PAPER_GPU) and name.split()[2].split("-")[0] in FITTED_FIGURES]
    file = fitted(options.gemmetry, gpu, "gemm", [tables[A100_STRUCTURED]], folder / "a100.json")
    paper = fitted(options.gemmetry, PAPER_GPU, "misaligned_gemm", figures, folder / "paper.json", start=folder / "a100.json")
    source = f"fitted by gemmetry calibrate to figures {', '.join(FITTED_FIGURES)} of the co-design paper's published data (fp16, sustained)"
    for name in ("misaligned_gemm", "alignment"):
        file[name] = {**paper[name], "source": source}
    for name in LENT_CLASSES:
        file["errors"][name] = paper["errors"][name]
    file["errors"]["source"] = ("product, thin_product: residuals of TensorRT-LLM's table; misaligned_product, batched_product: residuals of "
                                "the co-design paper's figures; the others as before")
    base = folder / "a100_base.json"
    base.write_text(json.dumps(file))

    parts = [sampled(options.gemmetry, gpu, base, [tables[name]]) for name in A100_TABLES]
    for figure in figures:
        points = sampled(options.gemmetry, PAPER_GPU, base, [figure])
        # A figure of single products is one long site: errors come from folds without all of it.
        points.loc[points["batch"] == 1, "site"] = figure.stem
        parts.append(points[points["time_s"] > SHORT_S])
    file["residuals"] = {"source": trees_source(f"tables of {' and '.join(name.split()[2] for name in A100_TABLES)}, and figures "
                                                f"{', '.join(FITTED_FIGURES)} of the co-design paper"),
                         "gemm": learned_products(parts)}
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("--codesign", type=pathlib.Path, required=True, help="folder of the paper's by_figure.csv")
    parser.add_argument("--gpu", choices=("h100", "a100-80gb-sxm"), required=True)
    parser.add_argument("--out", type=pathlib.Path, help="usually data/calibration/GPU.json")
    data = pathlib.Path(__file__).parent.parent / "data"
    parser.add_argument("--lender", type=pathlib.Path, default=data / "calibration/h200.json", help="H200's calibration")
    parser.add_argument("--lender-records", type=pathlib.Path, default=data / "measured/h200", help="folder of H200's records")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        tables = {}
        everything = validate_tables.records_of_tables(options.tables) | validate_tables.records_of_paper(options.codesign)
        for (name, _), records in everything.items():
            tables[name] = folder / (name.replace(" ", "_") + ".csv")
            validate_tables.write(tables[name], records)
        file = (h100 if options.gpu == "h100" else a100)(options, tables, folder)
    out = options.out or data / f"calibration/{options.gpu}.json"
    out.write_text(train_residual.text_of(file) + "\n")


if __name__ == "__main__":
    main()
