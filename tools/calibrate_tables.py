#!/usr/bin/env python3
"""Makes the calibrations of H100 and A100 from published tables, which the project does not carry.

    tools/calibrate_tables.py build/release/gemmetry TABLES --codesign PAPER --gpu h100
    tools/calibrate_tables.py build/release/gemmetry TABLES --codesign PAPER --gpu a100-80gb-sxm

TABLES and PAPER are as in tools/validate_tables.py. Each calibration starts from the one that is shipped, and --out is written.

H100: aligned products are fitted to its table. It has H200's die and clocks, and other memory: what its table does not tell (misaligned
and batched products, other dtypes, attention, row-wise kernels, power) is taken from H200's calibration and records, and stated with
wider intervals.

A100: aligned products are fitted to TensorRT-LLM's table; the paper's points, at sustained clocks, give misaligned and batched ones. Of the
paper whole figures are fitted (FITTED_FIGURES of tools/validate_tables.py), the others only judged. Trees learn from both frameworks'
tables and those figures. --without makes it without some of them, so that they can be judged too.

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
SHORT_S = 1e-4                        # below, the paper's host clock shows its launches
LAUNCH_S = 4e-6                       # below, a product is mostly its launch
TRANSFERRED = (0.08, 1.1)             # to H100: what errors gain in common, and by how much their own grow, as gpu/calibration.cpp has it
TRANSFERRED_DECODE = (0.15, 1.1)      # H100's table of decode is hardly slower than H200's, by 0 to 2 %, where bandwidth says 20 %
OTHER_DTYPES = 2.0                    # how much wider than those of its table the errors of H100's other dtypes are taken to be
TABLE_DTYPES = (0.5, 2.5)             # fp16 and bf16, 1 and 2, among the features
IN_COMMON = 0.02                      # what all of one framework's times are off by at least
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
    """What the calibration says of products among records of a GPU, as train_residual has it."""
    text = run(gemmetry, "validate", "--gpu", gpu, "--calibration", calibration, "--records", *records, "--all", "--format", "csv")
    rows = pandas.read_csv(io.StringIO(text), low_memory=False)
    return rows[rows["residual"] == "gemm"]


def learned_products(parts):
    text = io.StringIO(pandas.concat(parts, ignore_index=True).to_csv(index=False))
    return train_residual.learned("gemm", train_residual.trainable(text).dropna(axis=1, how="all"))


def widened(error, by):
    shared, own = by
    return {"shared": train_residual.significant(math.hypot(error["shared"], shared), 3),
            "independent": train_residual.significant(error["independent"] * own, 3)}


def in_common(error):
    """The same width with at least IN_COMMON of it shared: neighbours in one table do not tell what its release has in common."""
    whole, shared = math.hypot(error["shared"], error["independent"]), max(error["shared"], IN_COMMON)
    return {"shared": shared, "independent": train_residual.significant(math.sqrt(whole**2 - shared**2), 3)}


def widen_other_dtypes(residual):
    """Adds a tree to those of the spread that says where records are another GPU's."""
    if "dtype" not in residual["features"]:
        residual["features"].append("dtype")
    dtype, wider = residual["features"].index("dtype"), round(math.log(OTHER_DTYPES), 3)
    low, high = TABLE_DTYPES
    residual["spread"].append([[dtype, -1, dtype, -1, -1], [low, wider, high, 0.0, wider]])


def trees_source(what):
    return f"LightGBM {train_residual.lightgbm.__version__}, trees by tools/calibrate_tables.py: {what}; errors from folds of whole sites"


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
    # The shortest say how a GPU launches, where frameworks' graphs and bare ones differ.
    residual = learned_products([own, lent[~spoken & (lent["time_s"] > LAUNCH_S)]])
    for name in LENT_CLASSES:
        residual["errors"][name] = widened(residual["errors"][name], TRANSFERRED)
    for name in ("product", "thin_product"):
        residual["errors"][name] = in_common(residual["errors"][name])
    widen_other_dtypes(residual)
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
    fitted_figures = [figure for figure in validate_tables.FITTED_FIGURES if figure not in options.without.split(",")]
    figures = [path for name, path in tables.items() if name.startswith(PAPER_GPU) and validate_tables.figure_of(name) in fitted_figures]
    file = fitted(options.gemmetry, gpu, "gemm", [tables[A100_STRUCTURED]], folder / "a100.json")
    paper = fitted(options.gemmetry, PAPER_GPU, "misaligned_gemm", figures, folder / "paper.json", start=folder / "a100.json")
    source = f"fitted by gemmetry calibrate to figures {', '.join(fitted_figures)} of the co-design paper's data (fp16, sustained)"
    for name in ("misaligned_gemm", "alignment"):
        file[name] = {**paper[name], "source": source}
    for name in LENT_CLASSES:
        file["errors"][name] = paper["errors"][name]
    file["errors"]["source"] = ("product, thin_product: residuals of TensorRT-LLM's table; misaligned_product, batched_product: residuals "
                                "of the co-design paper's figures; the others as before")
    base = folder / "a100_base.json"
    base.write_text(json.dumps(file))

    parts = [sampled(options.gemmetry, gpu, base, [tables[name]]) for name in A100_TABLES]
    for figure in figures:
        # Sustained, against what is said of sustained clocks: what is left is no matter of clocks.
        points = sampled(options.gemmetry, PAPER_GPU, base, [figure]).assign(clocks="burst")
        # A figure of single products is one long site: errors come from folds without all of it.
        points.loc[points["batch"] == 1, "site"] = figure.stem
        parts.append(points[points["time_s"] > SHORT_S])
    file["residuals"] = {"source": trees_source(f"tables of {' and '.join(name.split()[2] for name in A100_TABLES)}, and figures "
                                                f"{', '.join(fitted_figures)} of the co-design paper (of single products: a site each)"),
                         "gemm": learned_products(parts)}
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("--codesign", type=pathlib.Path, required=True, help="folder of the paper's by_figure.csv")
    parser.add_argument("--gpu", choices=("h100", "a100-80gb-sxm"), required=True)
    parser.add_argument("--without", default="", help="figures of the paper to leave out, commas between them")
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
