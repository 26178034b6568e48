#!/usr/bin/env python3
"""Lays predicted and executed times of layers and of whole models side by side, on one GPU.

    bench/predicted_against_executed.py build/release/gemmetry --gpu h200

Layers: the five families' widths, four layers between a vocabulary of 64, as a forward pass, a prefill and a decoding step over a
cache. Models: ten presets, decoded and as a forward pass. Predicted by `gemmetry explain`, executed by `gemmetry measure model` as
one CUDA graph with random weights. Prints a Markdown table and the mean, median and largest error of each group, and how many
executed times lie in their 90 % interval; with --json a file of all numbers. Such a file given as --executed, nothing is run: what it
says was executed is laid beside what is predicted now.
"""
import argparse
import json
import statistics
import subprocess
import sys

FORWARD, PREFILL = ("--phase", "forward", "--batch", 8, "--seq", 1024), ("--phase", "prefill", "--batch", 1, "--seq", 1024)
SMALL = ("--phase", "prefill", "--batch", 1, "--seq", 256)
DECODE, BATCHED = ("--phase", "decode", "--batch", 1, "--cache", 1000), ("--phase", "decode", "--batch", 32, "--cache", 1000)
WIDTHS = ("gpt2-medium", "opt-2.7b", "pythia-410m", "pythia-2.8b", "llama-2-7b", "llama-3.1-8b", "llama-3.2-1b", "gpt3-2.7b")
LAYERS = [(f"{preset}, 4 layers", preset, ("--layers", 4, "--vocab", 64), phase)
          for preset in WIDTHS for phase in (FORWARD, PREFILL, SMALL, DECODE, BATCHED)]
SHORT = ("--phase", "forward", "--batch", 1, "--seq", 1024)
MODELS = [(preset, preset, (), phase) for preset, phase in
          (("gpt2", SHORT), ("gpt2-xl", SHORT), ("opt-2.7b", SHORT), ("pythia-410m", DECODE), ("pythia-1b", DECODE), ("pythia-2.8b", SHORT),
           ("pythia-6.9b", DECODE), ("llama-2-7b", SHORT), ("llama-3.1-8b", DECODE), ("llama-3.2-3b", SHORT))]


def answer(*command):
    done = subprocess.run([*map(str, command), "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return json.loads(done.stdout)["totals"]


def execute(program, clocks, case):
    _, preset, sizes, phase = case
    was = answer(program, "measure", "model", preset, *sizes, *phase, "--clocks", clocks, "--time-cap", "300ms")
    return {"executed_s": was["time_s"], "steps_s": was["steps_time_s"]}


def compare(program, gpu, clocks, case, known):
    name, preset, sizes, phase = case
    said = answer(program, "explain", preset, *sizes, *phase, "--gpu", gpu, "--clocks", clocks)
    key = (name, " ".join(map(str, phase[1::2])))
    return {"name": name, "phase": key[1], "predicted_s": said["model_time_s"], "low_s": said["model_time_low_s"],
            "high_s": said["model_time_high_s"], **(known[key] if known else execute(program, clocks, case))}


def summary(title, rows):
    errors = [abs(row["predicted_s"] / row["executed_s"] - 1) for row in rows]
    inside = sum(row["low_s"] <= row["executed_s"] <= row["high_s"] for row in rows)
    return (f"{title}: {len(rows)}, mean error {100 * statistics.fmean(errors):.1f} %, median {100 * statistics.median(errors):.1f} %, "
            f"largest {100 * max(errors):.0f} %; {inside} in their 90 % interval")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="gemmetry")
    parser.add_argument("--gpu", default="h200", help="the catalogue's name of this machine's GPU")
    parser.add_argument("--clocks", default="burst", choices=("burst", "sustained"), help="of both: after idle, or at full load")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--executed", metavar="FILE", help="an earlier --json of the same clocks")
    options = parser.parse_args()
    known = {}
    if options.executed:
        with open(options.executed, encoding="utf-8") as file:
            known = {(row["name"], row["phase"]): {key: row[key] for key in ("executed_s", "steps_s")}
                     for rows in json.load(file).values() for row in rows}
    print("| what | phase, batch, tokens | predicted | executed | error |\n|---|---|--:|--:|--:|")
    groups = {"layers": [], "models": []}
    for group, cases in (("layers", LAYERS), ("models", MODELS)):
        for case in cases:
            row = compare(options.program, options.gpu, options.clocks, case, known)
            groups[group].append(row)
            print(f"| {row['name']} | {row['phase']} | {1e3 * row['predicted_s']:.3f} ms | {1e3 * row['executed_s']:.3f} ms "
                  f"| {100 * (row['predicted_s'] / row['executed_s'] - 1):+.1f} % |", flush=True)
    print()
    for group, rows in groups.items():
        print(summary(group, rows))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(groups, file, indent=1)


if __name__ == "__main__":
    main()
