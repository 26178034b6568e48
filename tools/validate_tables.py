#!/usr/bin/env python3
"""Holds predictions against published tables, which the project does not carry, and prints the errors as Markdown.

    tools/validate_tables.py build/release/gemmetry TABLES [--codesign FOLDER] [--records FOLDER]

TABLES is a folder of tables of NVIDIA aiconfigurator (Apache-2.0, commit 095f58a51) as CSV: gemm_bf16_GPU.csv with source, m, n, k and
time_us, and context_attention_bf16_GPU.csv and generation_attention_bf16_GPU.csv with source, batch, seq_or_step, heads, kv_heads,
head_dim, window and time_us. The folder of --codesign holds by_figure.csv, the co-design paper's own points (fig, gpu, op, batch, m, k, n,
time_us). Each becomes a file of records, kept in the folder of --records for `gemmetry calibrate` and `gemmetry validate`. Of the tables
only sites are judged that nothing is fitted to; of the paper all points, by figure, those that A100's calibration is fitted to apart.
"""
import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

GPUS = {"a100_sxm": "a100-80gb-sxm", "h100_sxm": "h100", "h200_sxm": "h200"}
PAPER_GPUS = {"A100": "a100-40gb-sxm", "V100": "v100-sxm2-16gb", "MI250X": "mi250x"}
SUSTAINED = ("vllm-0.22.0",)  # all other sources time short bursts
VALUES = "attention_prob_times_values"
LAYERS = ("Attention layer", "MLP layer", "Transformer layer")
FITTED_FIGURES = ("15", "20a", "20b", "5b", "27", "29", "31", "33", "41", "43", "45", "47")  # by tools/calibrate_tables.py
GROUPS = {"linear layers": ("10a", "10b", "15", "19"), "figure 5": ("5a", "5b", "5c"), "logits": ("20a", "20b"),
          "figure 6": ("6a", "6b", "6c", "6d")}  # all others are attention products


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def clocks_of(source):
    return "sustained" if source in SUSTAINED else "burst"


def product(row):
    return {"kind": "gemm", "batch": 1, "m": row["m"], "n": row["n"], "k": row["k"], "dtype": "bf16", "layout": "nt"}


def attention(row, decode):
    tokens = int(row["seq_or_step"])
    return {"kind": "attention", "batch": row["batch"], "queries": 1 if decode else tokens, "keys": tokens + 1 if decode else tokens,
            "heads": row["heads"], "kv_heads": row["kv_heads"] if int(row["kv_heads"]) > 0 else row["heads"],
            "head_dim": row["head_dim"], "window": row["window"], "dtype": "bf16"}


def records_of_tables(folder):
    """Name of a table and its source -> GPU and records."""
    tables = {}
    for short, gpu in GPUS.items():
        for name in ("gemm", "context_attention", "generation_attention"):
            path = folder / f"{name}_bf16_{short}.csv"
            if not path.exists():
                continue
            for row in rows_of(path):
                operator = product(row) if name == "gemm" else attention(row, name.startswith("generation"))
                timed = {"clocks": clocks_of(row["source"]), "gpu": gpu, "time_s": float(row["time_us"]) * 1e-6}
                tables.setdefault((f"{gpu} {name} {row['source']}", gpu), []).append(operator | timed)
    return tables


def records_of_paper(folder):
    """By figure and kind of product: fp16 at full load, timed by the host."""
    tables = {}
    for row in rows_of(folder / "by_figure.csv"):
        gpu = PAPER_GPUS.get(row["gpu"])
        if gpu is None or row["op"] in LAYERS:
            continue
        operator = {"kind": "gemm", "batch": row["batch"], "m": row["m"], "n": row["n"], "k": row["k"], "dtype": "fp16",
                    "layout": "nn" if row["op"] == VALUES else "nt"}
        timed = {"clocks": "sustained", "gpu": gpu, "time_s": float(row["time_us"]) * 1e-6}
        tables.setdefault((f"{gpu} figure {row['fig'].replace('/', '-')} {row['op']}", gpu), []).append(operator | timed)
    return tables


def figure_of(name):
    """27 of "a100-40gb-sxm figure 27 attention_key_query_prob", 7a of "... figure 7a-26 ..."."""
    return name.split()[2].split("-")[0]


def grouped(figures):
    """Those records by kind of figure, for A100 fitted ones apart."""
    groups = {}
    for (name, gpu), records in figures.items():
        figure = figure_of(name)
        kind = next((group for group, members in GROUPS.items() if figure in members), "attention products")
        how = "" if gpu != PAPER_GPUS["A100"] else ", fitted" if figure in FITTED_FIGURES else ", held out"
        groups.setdefault((f"{gpu} {kind}{how}", gpu), []).extend(records)
    return groups


def write(path, records):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def validated(gemmetry, gpu, path, which, calibration):
    command = [gemmetry, "validate", "--gpu", gpu, "--records", path, which, "--format", "json"]
    if calibration:
        command += ["--calibration", calibration]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def line(name, row):
    kind = " ".join(row[key] for key in ("kind", "clocks", "alignment", "size") if isinstance(row.get(key), str))
    per_cent = [f"{100 * row[key]:.1f}" for key in ("mape", "median", "p95")]
    inside, width = (f"{100 * row[key]:.0f} %" for key in ("coverage", "half_width"))
    return f"| {name} | {kind} | {row['count']} | {' / '.join(per_cent)} | {inside} | {width} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("tables", type=pathlib.Path)
    parser.add_argument("--codesign", type=pathlib.Path, help="folder of the paper's by_figure.csv")
    parser.add_argument("--records", type=pathlib.Path, help="folder to keep the files of records in")
    parser.add_argument("--calibration", type=pathlib.Path, help="judge this file instead of the shipped calibrations")
    parser.add_argument("--only", default="", help="tables whose name has this in it")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = options.records or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print("| table | class | records | MAPE / median / P95, % | in 90 % interval | its half-width |")
        print("|---|---|---|---|---|---|")
        judged = [(records_of_tables(options.tables), "--held-out", ("classes",))]
        if options.codesign:
            figures = records_of_paper(options.codesign)
            judged += [(grouped(figures), "--all", ("operators",)), (figures, "--all", ("operators", "classes"))]
        for tables, which, parts in judged:
            for (name, gpu), records in tables.items():
                if options.only not in name:
                    continue
                path = folder / (name.replace(" ", "_") + ".csv")
                write(path, records)
                answer = validated(options.gemmetry, gpu, path, which, options.calibration)
                for row in (row for part in parts for row in answer[part]):
                    print(line(name, row), flush=True)


if __name__ == "__main__":
    main()
