#!/usr/bin/env python3
"""Measures the studies of data/studies on this machine's GPUs, as data that `--device recorded:GPU` answers from.

    tools/record_studies.py build/release/gemmetry data/measured/h200/studies --gpus 2
    tools/record_studies.py build/release/gemmetry data/measured/h200/studies --minutes 9      goes on where the last run ended

Each GPU takes its share of every study, thinned to --points of each series; what the folder's files and those beside it hold is not
measured again. Ctrl-C and kill -9 lose nothing: databases and tuning tables stay in the folder's `unfinished`.
"""
import argparse
import csv
import shutil
import signal
import subprocess
import time
from pathlib import Path

from record_gpu import gemmetry, read_me

NOT_IDENTITY = ("status", "reason", "time", "tool", "command", "error", "ending", "precision", "samples", "throttle", "held_out", "uuid",
                "driver", "runtime")


def files_of(folder):
    return sorted(file for file in folder.rglob("*.csv") if "unfinished" not in file.parts)


def collect(args, database):
    """All that is known: the GPU's files, and what earlier runs left."""
    if files := files_of(args.folder.parent):
        gemmetry(args.program, "records", "import", *files, "--db", database)
    if left := sorted((args.folder / "unfinished").glob("gpu*.db")):
        gemmetry(args.program, "records", "merge", *left, "--db", database)
        for file in (args.folder / "unfinished").glob("gpu*.db*"):
            file.unlink()


def measure(args, database):
    """Every GPU's share at once, until it is done or time is up."""
    work, deadline, processes = args.folder / "unfinished", time.monotonic() + 60 * args.minutes, []
    for rank in range(args.gpus):
        # A share writes to a file of its own.
        own = work / (f"gpu{rank}.rank{rank}.db" if args.gpus > 1 else f"gpu{rank}.db")
        if database.exists():
            shutil.copy(database, own)
        line = [args.program, "study", "run", *(args.only.split(",") if args.only else ["--all"]), "--device",
                f"cuda:{rank}" if args.device == "cuda" else args.device, "--points", args.points,
                "--db", work / f"gpu{rank}.db", "--table", work / f"tuning{rank}.json", "--format", "json",
                "--out", work / f"answer{rank}.json"]
        if args.gpus > 1:
            line += ["--share", f"{rank + 1}/{args.gpus}"]
        processes.append(subprocess.Popen(list(map(str, line)), stderr=subprocess.PIPE, text=True))
    for rank, process in enumerate(processes):
        try:
            _, errors = process.communicate(timeout=max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it stores the operator it is at and ends
            _, errors = process.communicate()
        print(f"GPU {rank}: {errors.strip()[-400:] or 'done'}", flush=True)


def identity(row):
    """What two records of the same measurement agree in."""
    return tuple(sorted((name, value) for name, value in row.items()
                        if value and name not in NOT_IDENTITY and not name.endswith(("_s", "_mhz", "_w", "_c"))
                        and not name.startswith("algorithm.")))


def export(args, database):
    """One file a kind of operator, of what the files beside the folder do not have."""
    beside = {identity(row) for file in args.folder.parent.glob("*.csv") for row in csv.DictReader(open(file, encoding="utf-8"))}
    everything = args.folder / "unfinished" / "all.csv"
    gemmetry(args.program, "records", "export", "--compact", "--db", database, "--out", everything)
    kinds = {}
    for row in csv.DictReader(open(everything, encoding="utf-8")):
        if identity(row) not in beside:
            kinds.setdefault(row["kind"], []).append(row)
    made_by = [f"    tools/record_studies.py build/release/gemmetry data/measured/{args.folder.parent.name}/{args.folder.name}", "",
               "which goes on where the files end, thins each series of a study to --points, and leaves out what the files of the folder",
               "above have. The studies are data/studies; their verdicts are in docs/claims.md."]
    (args.folder / "README.md").write_text(read_me([row for rows in kinds.values() for row in rows], made_by), encoding="utf-8")
    for kind, rows in kinds.items():
        columns = [name for name in rows[0] if any(row[name] for row in rows)]
        with open(args.folder / f"{kind}.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        print(f"{kind}: {len(rows)} records that the files beside the folder do not have")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the gemmetry to measure with")
    parser.add_argument("folder", type=Path, help="of the CSV files, inside that of the GPU's records")
    parser.add_argument("--only", help="these studies, with commas")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try it out")
    parser.add_argument("--gpus", type=int, default=1, help="how many GPUs of this machine to use")
    parser.add_argument("--points", type=int, default=24, help="of each series")
    parser.add_argument("--minutes", type=float, default=600, help="end after so long")
    args = parser.parse_args()
    (args.folder / "unfinished").mkdir(parents=True, exist_ok=True)
    database = args.folder / "unfinished" / "all.db"
    collect(args, database)
    if args.minutes > 0:
        measure(args, database)
        collect(args, database)
    export(args, database)


if __name__ == "__main__":
    main()
