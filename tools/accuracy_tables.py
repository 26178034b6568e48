#!/usr/bin/env python3
"""Writes how far predictions are from a GPU's held-out records into a page, or with --check says whether it is up to date.

    tools/accuracy_tables.py build/release/gemmetry data/measured/h200 --out docs/accuracy.md

What stands between the page's two comments that name this script is replaced. Exits 1 when --check finds other numbers.
"""
import argparse
import csv
import io
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- tools/accuracy_tables.py: begin -->", "<!-- tools/accuracy_tables.py: end -->"
FEWEST = 15  # records of a class that is worth a line
CLASSES = ("kind", "dtype", "clocks", "alignment", "size")
KINDS = {"gemm": "product", "bmm": "batched product", "attention": "attention forward", "attention_backward": "attention backward"}
PRODUCTS, ATTENTION = ("gemm", "bmm"), ("attention", "attention_backward", "decode")
ORDER = ("bf16", "fp16", "fp8", "tf32", "fp32", "aligned", "by 4", "by 2", "by 1", "m <= 64", "64 < m < 1024", "m >= 1024", "n or k < 512")


class Row:
    """A held-out record and what was said of it."""

    def __init__(self, fields):
        get = {name: fields.get("class." + name) or fields.get(name) or "" for name in CLASSES}
        self.kind, self.dtype, self.clocks, self.alignment, self.size = get.values()
        self.of = tuple(get.values())
        time_s, low_s, high_s = (float(fields[key]) for key in ("time_s", "predicted_low_s", "predicted_high_s"))
        self.error = abs(float(fields["predicted_s"]) / time_s - 1)
        self.structured = abs(float(fields["structured_s"]) / time_s - 1)
        self.inside = low_s <= time_s <= high_s
        self.half_width = (high_s - low_s) / 2 / float(fields["predicted_s"])

    @property
    def misaligned(self):
        return self.alignment.startswith("by ")


def summaries():
    """What is asked first: (words, which rows)."""
    def single(dtype, clocks="burst"):
        return lambda row: (row.kind, row.dtype, row.clocks) == ("gemm", dtype, clocks)

    def sized(size):
        return lambda row: single("bf16")(row) and row.alignment == "aligned" and row.size == size

    yield from ((f"bf16 products of n, k >= 512, aligned, {size}", sized(size)) for size in ("m <= 64", "64 < m < 1024", "m >= 1024"))
    yield "bf16 products, misaligned", lambda row: single("bf16")(row) and row.misaligned and row.size != "n or k < 512"
    for dtype in ("fp16", "fp8", "tf32", "fp32"):
        yield f"{dtype} products", lambda row, dtype=dtype: single(dtype)(row)
    yield "all products, sustained", lambda row: row.kind in PRODUCTS and row.clocks == "sustained"
    yield "scores and attention over values", lambda row: row.kind == "bmm" and row.clocks == "burst"
    yield "fused attention, s >= 1024", lambda row: row.kind == "attention" and row.clocks == "burst" and row.size == "s >= 1024"
    yield "fused attention, s < 1024", lambda row: row.kind == "attention" and row.clocks == "burst" and row.size == "s < 1024"
    yield "fused attention, backward", lambda row: row.kind == "attention_backward" and row.clocks == "burst"
    yield "decode", lambda row: row.kind == "decode" and row.clocks == "burst"
    yield "norms, pointwise, optimizer above 1 MiB", lambda row: (row.kind not in PRODUCTS + ATTENTION and row.clocks == "burst"
                                                                  and row.size == "above 1 MiB")


def percent(share):
    return f"{100 * share:.1f}"


def errors_of(errors):
    """MAPE / median / 95th percentile in %."""
    ordered = sorted(errors)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"{percent(statistics.fmean(errors))} / {percent(statistics.median(errors))} / {100 * p95:.0f}"


def line(words, rows):
    covered = statistics.fmean(row.inside for row in rows)
    return (f"| {' | '.join(words)} | {len(rows)} | {errors_of([row.structured for row in rows])} | {errors_of([row.error for row in rows])} "
            f"| {100 * covered:.0f} % | {percent(statistics.median(row.half_width for row in rows))} % |")


def table(heads, lines):
    columns = (*heads, "records", "structured model", "with trees", "in 90 % interval", "its half-width")
    return "\n".join((f"| {' | '.join(columns)} |", "|" + "---|" * len(heads) + "--:|---|---|--:|--:|", *lines))


def place(key):
    """Where a class stands."""
    kind, dtype, clocks, alignment, size = key
    order = [ORDER.index(word) if word in ORDER else len(ORDER) for word in (dtype, alignment, size)]
    return clocks, (PRODUCTS + ATTENTION + (kind,)).index(kind), kind, *order, size


def section(rows, ratios, command):
    classes = {}
    for row in rows:
        classes.setdefault(row.of, []).append(row)
    first = [line([words], found) for words, wanted in summaries() if (found := [row for row in rows if wanted(row)])]
    second = [line([KINDS.get(key[0], key[0]), key[1], key[2], ", ".join(word for word in key[3:] if word)], classes[key])
              for key in sorted(classes, key=place) if len(classes[key]) >= FEWEST]
    return "\n\n".join((
        f"    {command}", "prints these and more. Errors are MAPE / median / 95th percentile in %, half-widths medians. In burst unless it says otherwise:",
        table(["what"], first), f"By class, those of {FEWEST} held-out records and more:",
        table(["operator", "dtype", "clocks", "class"], second),
        f"Of {ratios['pairs']:,} ratios between random neighbouring products {100 * ratios['coverage']:.0f} % lie in their 90 % intervals."))


def answer(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("folder", type=Path, help="of the GPU's records, named as the GPU")
    parser.add_argument("--out", type=Path, required=True, help="the page")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is out of date")
    options = parser.parse_args()
    gpu = options.folder.resolve().name
    validate = [options.gemmetry, "validate", "--gpu", gpu, "--records", options.folder, "--held-out", "--format"]
    rows = [Row(fields) for fields in csv.DictReader(io.StringIO(answer([*validate, "csv"])))]
    ratios = json.loads(answer([*validate, "json"]))["ratios"]
    page = options.out.read_text(encoding="utf-8")
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        sys.exit(f"{options.out}: add the lines '{BEGIN}' and '{END}' where the tables are to stand")
    made = section(rows, ratios, f"gemmetry validate --gpu {gpu} --records data/measured/{gpu} --held-out")
    new = f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"
    if options.check:
        if new != page:
            sys.exit(f"{options.out} is out of date: run tools/accuracy_tables.py build/release/gemmetry data/measured/{gpu} --out {options.out}")
    else:
        options.out.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
