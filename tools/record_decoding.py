#!/usr/bin/env python3
"""Times decoding steps of parts of many models on this machine's GPU, for the coefficients of a chain of small kernels.

    tools/record_decoding.py build/release/gemmetry data/decoding/h200.csv

Each row: layers of a preset between a vocabulary of 64, batch, tokens in the cache, the time of one step as `gemmetry measure model
--clocks burst` takes it, and where. Rows that the file has already are not measured again.
"""
import argparse
import csv
import json
import os
import subprocess

# None of them is among those that bench/predicted_against_executed.py compares.
PRESETS = ("gpt2-large", "gpt2-xl", "opt-1.3b", "opt-6.7b", "pythia-160m", "pythia-1.4b", "pythia-12b", "llama-2-13b", "mistral-7b",
           "qwen2.5-1.5b", "qwen2.5-7b", "llama-3.2-3b", "gpt3-6.7b", "gpt3-1.3b", "qwen3-4b", "phi-2", "stablelm-3b", "gpt3-760m", "phi-3-mini",
           "gpt-j-6b", "gemma-2b", "qwen2.5-0.5b")
CASES = [(layers, batch, cache) for layers, batch, cache in (
    (1, 1, 500), (4, 1, 100), (4, 1, 1000), (4, 1, 2000), (12, 1, 700), (4, 2, 1500), (4, 4, 300), (4, 4, 1000), (4, 8, 1000), (4, 16, 500),
    (4, 16, 1500), (4, 32, 1000), (4, 32, 200), (4, 64, 700))]
COLUMNS = ("model", "layers", "batch", "cache", "time_s", "p10_s", "p90_s", "clock_mhz", "gpu", "driver", "tool")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="gemmetry")
    parser.add_argument("file", help="the CSV, which grows")
    options = parser.parse_args()
    known = set()
    if os.path.exists(options.file):
        with open(options.file, encoding="utf-8", newline="") as file:
            known = {(row["model"], int(row["layers"]), int(row["batch"]), int(row["cache"])) for row in csv.DictReader(file)}
    with open(options.file, "a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not known:
            writer.writerow(COLUMNS)
        for preset in PRESETS:
            for case in CASES:
                if (preset, *case) in known:
                    continue
                layers, batch, cache = case
                done = subprocess.run(
                    [options.program, "measure", "model", preset, "--layers", str(layers), "--vocab", "64", "--phase", "decode", "--batch", str(batch),
                     "--cache", str(cache), "--clocks", "burst", "--time-cap", "150ms", "--format", "json"], capture_output=True, text=True)
                if done.returncode != 0:
                    print(f"{preset} {case}: {done.stderr.strip()}", flush=True)
                    continue
                said = json.loads(done.stdout)
                totals, device = said["totals"], said["device"]
                writer.writerow([preset, *case, *(f"{totals[key]:.6g}" for key in ("time_s", "p10_s", "p90_s")), totals["clock_mhz"],
                                 device["name"], device["driver"], device.get("tool", "")])
                file.flush()


if __name__ == "__main__":
    main()
