#!/usr/bin/env python3
"""Executes what advise proposes beside the shape it was asked about, on one GPU.

    bench/advise_against_executed.py build/release/gemmetry --gpu h200

For GPT-3 2.7B (unfused and fused attention), Llama-2-7B with an FFN 10922 wide, Pythia-410M and GPT-2 XL's vocabulary of 50257: the first
proposal of `gemmetry advise` for a forward pass with its predicted gain, and the gain of the whole model executed, `gemmetry measure
model`, the two shapes in turns. Prints a Markdown table that says whether the measured gain lies in the predicted 90 % interval.
"""
import argparse
import json
import statistics
import subprocess
import sys

CASES = [("GPT-3 2.7B, unfused", "gpt3-2.7b", ("--attention", "unfused", "--batch", 4, "--seq", 2048), (), "heads"),
         ("GPT-3 2.7B, fused", "gpt3-2.7b", ("--batch", 4, "--seq", 2048), (), "heads"),
         ("Llama-2-7B, d_ff 10922", "llama-2-7b", ("--batch", 4, "--seq", 2048), ("--ffn", 10922), "ffn"),
         ("Pythia-410M", "pythia-410m", ("--batch", 8, "--seq", 2048), (), "heads,ffn,vocab"),
         ("GPT-2 XL, v 50257", "gpt2-xl", ("--batch", 4, "--seq", 1024), (), "vocab")]
SIZES = {"hidden": "--hidden", "layers": "--layers", "heads": "--heads", "kv_heads": "--kv-heads", "head_dim": "--head-dim", "ffn": "--ffn",
         "vocab": "--vocab"}


def answer(*command):
    done = subprocess.run([*map(str, command), "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="gemmetry")
    parser.add_argument("--gpu", default="h200", help="the catalogue's name of this machine's GPU")
    parser.add_argument("--clocks", default="burst", choices=("burst", "sustained"), help="of both: after idle, or at full load")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--time-cap", default="500ms")
    options = parser.parse_args()
    print("| asked about | proposed | predicted gain | measured gain | in the interval |\n|---|---|--:|--:|---|", flush=True)
    for title, preset, workload, sizes, free in CASES:
        how = ("--phase", "forward", *workload, "--clocks", options.clocks)
        advice = answer(options.program, "advise", preset, *sizes, *how, "--gpu", options.gpu, "--free", free)
        best = advice["candidates"][0]
        shapes = [[part for key, option in SIZES.items() if key in shape["model"] for part in (option, shape["model"][key])]
                  for shape in (advice["current"], best)]
        times = [[], []]
        for _ in range(options.turns):
            for of, shape in zip(times, shapes):
                of.append(answer(options.program, "measure", "model", preset, *shape, *how, "--time-cap", options.time_cap)["totals"]["time_s"])
        measured = statistics.median(times[0]) / statistics.median(times[1])
        inside = best["gain_low"] <= measured <= best["gain_high"]
        print(f"| {title} | {best['change']} | {best['gain']:.3f}x ({best['gain_low']:.3f}..{best['gain_high']:.3f}) | {measured:.3f}x "
              f"| {'yes' if inside else 'no'} |", flush=True)


if __name__ == "__main__":
    main()
