#!/usr/bin/env python3
"""How fast and how repeatable measuring is on this machine's GPU.

    python3 bench/measuring.py build/release/gemmetry

1,000 mixed training products (bench/mixed_shapes.py) in bursts at 1 % precision: seconds in all, and what 250 iterations of each
would take, as the paper's scripts do them. Then 300 products, each measured twice at random times of one sweep, in bursts and
sustained: how far the two medians differ.
"""
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent


def shapes(folder, count, seed):
    path = folder / f"shapes{count}.csv"
    with open(path, "w", encoding="utf-8") as file:
        subprocess.run([sys.executable, HERE / "mixed_shapes.py", str(count), str(seed)], stdout=file, check=True)
    return path


def measure(program, file, database, *options):
    """The answer of one sweep and the seconds it took, start of the program included."""
    began = time.monotonic()
    answer = subprocess.run([program, "measure", "gemm", f"@{file}", "--db", database, "--format", "json", *options],
                            check=True, capture_output=True, text=True)
    return json.loads(answer.stdout), time.monotonic() - began


def throughput(program, folder):
    answer, seconds = measure(program, shapes(folder, 1000, 1), folder / "thousand.db")
    records = answer["records"]
    once = sum(record["time_s"] for record in records)
    statuses = {status: sum(r["status"] == status for r in records) for status in {r["status"] for r in records}}
    print(f"1000 products: {seconds:.1f} s, {statuses}; 250 iterations of each: {250 * once:.0f} s, {250 * once / seconds:.1f} times as long")


def repeatability(program, folder, clocks):
    answer, seconds = measure(program, shapes(folder, 300, 7), folder / f"{clocks}.db", "--takes", "2", "--clocks", clocks)
    times = {}
    for record in answer["records"]:
        if record["status"] == "ok":
            times.setdefault(tuple(record[key] for key in ("batch", "m", "n", "k", "layout")), []).append(record["time_s"])
    differences = sorted(abs(a / b - 1) for a, b in (pair for pair in times.values() if len(pair) == 2))
    print(f"{clocks}: {len(differences)} products twice in {seconds:.0f} s: median difference {differences[len(differences) // 2]:.2%}, "
          f"p90 {differences[int(0.9 * len(differences))]:.2%}, largest {differences[-1]:.2%}; "
          f"same product before and after the sweep {answer['sweep']['noise']['difference']:+.2%}")


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        throughput(program, folder)
        repeatability(program, folder, "burst")
        repeatability(program, folder, "sustained")


if __name__ == "__main__":
    main()
