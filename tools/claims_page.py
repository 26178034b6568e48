#!/usr/bin/env python3
"""Writes the page of the paper's claims with their verdicts, or with --check says whether it is up to date.

    tools/claims_page.py build/release/gemmetry --device predict:h200,predict:a100 --out docs/claims.md

Every study is answered by every device: "recorded:h200" by what an H200 did, at as many points as were recorded, "predict:GPU" by
predictions. Exits 1 when --check finds other verdicts.
"""
import argparse
import json
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


def cell(claim):
    merit = f" ({claim['merit']:.3g})" if claim["merit"] is not None else ""
    return MARKS[claim["verdict"]] + (merit if claim["verdict"] != "could not be tested" else "")


def text(words):
    return words.replace("|", "\\|")


def count_line(device, claims):
    counts = {verdict: sum(claim["verdict"] == verdict for claim in claims) for verdict in MARKS}
    return f"| `{device}` | {len(claims)} | " + " | ".join(str(counts[verdict]) for verdict in MARKS) + " |"


def page(answers, made_by):
    devices = list(answers)
    first = answers[devices[0]]
    claims = {device: {(claim["study"], claim["id"]): claim for claim in answers[device]["claims"]} for device in devices}
    lines = ["# The paper's claims, and what became of them", "",
             f"Made by `{made_by}`; do not edit. [studies.md](studies.md) says what a claim is and when it holds. In brackets the figure",
             "that decided, whose kind is in the last column; that column is the first device's reason. `gemmetry study show STUDY --device",
             "DEVICE` gives the points behind a verdict. A claim that begins with \"Beyond the paper\" is not the paper's. Where the paper says",
             "\"better\" without a number, the number is this project's. A claim about one GPU's streaming multiprocessors is answered by all",
             "devices here, though it is meant for that GPU.", "",
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
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("--device", required=True, help="devices with commas; the first gives the reasons")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is out of date")
    options = parser.parse_args()
    answers = {device: answer(options.gemmetry, device) for device in options.device.split(",")}
    made = page(answers, f"tools/claims_page.py build/release/gemmetry --device {options.device} --out docs/{options.out.name}")
    if not options.check:
        options.out.write_text(made, encoding="utf-8")
    elif not options.out.exists() or options.out.read_text(encoding="utf-8") != made:
        sys.exit(f"{options.out} is out of date: make it again by the command in its first lines")


if __name__ == "__main__":
    main()
