#!/usr/bin/env python3
"""Writes the page of the paper's claims with their verdicts, or with --check says whether it is up to date.

    tools/claims_page.py build/release/gemmetry --device predict:h200,predict:a100 --out docs/claims.md

Every study is answered by every device: "recorded:h200" by what an H200 did, at as many points as were recorded, "predict:GPU" by
predictions. Where both are of one GPU, what was measured is laid beside what is predicted. Exits 1 when --check finds other verdicts.
"""
import argparse
import csv
import io
import json
import statistics
import subprocess
import sys
from pathlib import Path

MARKS = {"holds": "holds", "holds in part": "in part", "does not hold": "**does not hold**", "could not be tested": "not tested"}
MEASURED_POINTS = 24  # of each series, as the studies are recorded


def answer(program, device):
    """What `gemmetry study run --all` says of the device."""
    thinned = [] if device.startswith("predict:") else ["--points", str(MEASURED_POINTS)]
    done = subprocess.run([program, "study", "run", "--all", "--device", device, *thinned, "--format", "json"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return json.loads(done.stdout)


def pair(devices):
    """What was recorded and what is predicted of the same GPU, the first such two."""
    for device in devices:
        kind, _, gpu = device.partition(":")
        if kind == "recorded" and f"predict:{gpu}" in devices:
            return device, f"predict:{gpu}"
    return None


def errors_line(program, study, recorded, predicted):
    """How far the study's predicted times are from the measured ones; None where nothing was measured."""
    done = subprocess.run([program, "study", "show", study, "--device", f"{recorded},{predicted}", "--points", str(MEASURED_POINTS),
                           "--format", "csv"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    points = {}
    for row in csv.DictReader(io.StringIO(done.stdout)):
        place = tuple(value for name, value in row.items() if name == "series" or name.startswith("variables."))
        points.setdefault(place, {})[row["device"]] = row
    both = [(of[recorded], of[predicted]) for of in points.values()
            if of.get(recorded, {}).get("time_s") and of.get(predicted, {}).get("time_s")]
    if not both:
        return None
    errors = sorted(abs(float(said["time_s"]) / float(was["time_s"]) - 1) for was, said in both)
    inside = sum(float(said["time_low_s"]) <= float(was["time_s"]) <= float(said["time_high_s"]) for was, said in both)
    p95 = errors[min(len(errors) - 1, round(0.95 * (len(errors) - 1)))]
    return (f"| `{study}` | {len(errors)} | {100 * statistics.fmean(errors):.1f} / {100 * statistics.median(errors):.1f} / {100 * p95:.0f} "
            f"| {100 * inside / len(errors):.0f} % |")


def errors_section(program, studies, recorded, predicted):
    lines = ["## Measured against predicted", "",
             f"Each study's times by `{predicted}` beside those by `{recorded}`: MAPE / median / 95th percentile in %, and how many lie in the",
             "90 % interval. A fifth of the sites was never fitted; `gemmetry validate --gpu GPU --records data/measured/GPU/studies --held-out`",
             "judges those alone, and [accuracy.md](accuracy.md) has them by class.", "",
             "| study | points | error | in the interval |", "|---|--:|---|--:|"]
    return lines + [line for study in studies if (line := errors_line(program, study["name"], recorded, predicted))]


def cell(claim):
    merit = f" ({claim['merit']:.3g})" if claim["merit"] is not None else ""
    return MARKS[claim["verdict"]] + (merit if claim["verdict"] != "could not be tested" else "")


def text(words):
    return words.replace("|", "\\|")


def count_line(device, claims):
    counts = {verdict: sum(claim["verdict"] == verdict for claim in claims) for verdict in MARKS}
    return f"| `{device}` | {len(claims)} | " + " | ".join(str(counts[verdict]) for verdict in MARKS) + " |"


def page(answers, made_by, program):
    devices = list(answers)
    first = answers[devices[0]]
    claims = {device: {(claim["study"], claim["id"]): claim for claim in answers[device]["claims"]} for device in devices}
    lines = ["# The paper's claims, and what became of them", "",
             f"Made by `{made_by}`; do not edit. [studies.md](studies.md) says what a claim is and when it holds. In brackets the figure",
             "that decided, whose kind is in the last column; that column is the first device's reason. `gemmetry study show STUDY --device",
             "DEVICE` gives the points behind a verdict. A claim that begins with \"Beyond the paper\" is not the paper's. Where the paper says",
             "\"better\" without a number, the number is this project's. A claim about GPUs of so many streaming multiprocessors is not",
             "tested on others.", "",
             "| device | claims | " + " | ".join(MARKS) + " |", "|---|--:|" + "--:|" * len(MARKS)]
    lines += [count_line(device, list(claims[device].values())) for device in devices]
    for study in first["studies"]:
        own = [claim for claim in first["claims"] if claim["study"] == study["name"]]
        if not own:
            continue
        figures = f", figure{'s' if len(study['figures']) > 1 else ''} {', '.join(study['figures'])}" if study["figures"] else ""
        lines += ["", f"## {study['title']}", "", f"`{study['name']}`{figures}", "",
                  "| claim | " + " | ".join(f"`{device}`" for device in devices) + " | why |", "|---|" + "---|" * (len(devices) + 1)]
        for claim in own:
            cells = [cell(claims[device][claim["study"], claim["id"]]) for device in devices]
            lines.append(f"| {text(claim['text'])} | {' | '.join(cells)} | {text(claim['reason'])} |")
    if both := pair(devices):
        lines += ["", *errors_section(program, first["studies"], *both)]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("--device", required=True, help="devices with commas; the first gives the reasons")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is out of date")
    options = parser.parse_args()
    answers = {device: answer(options.gemmetry, device) for device in options.device.split(",")}
    made = page(answers, f"tools/claims_page.py build/release/gemmetry --device {options.device} --out docs/{options.out.name}",
                options.gemmetry)
    if not options.check:
        options.out.write_text(made, encoding="utf-8")
    elif not options.out.exists() or options.out.read_text(encoding="utf-8") != made:
        sys.exit(f"{options.out} is out of date: make it again by the command in its first lines")


if __name__ == "__main__":
    main()
