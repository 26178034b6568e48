#!/usr/bin/env python3
"""Records what this machine's GPUs do, as data that predictions are fitted to: tools/record_shapes.py says which operators.

    python3 tools/record_gpu.py build/release/gemmetry data/measured/h200 --gpus 2           all of it, on two GPUs at a time
    python3 tools/record_gpu.py build/release/gemmetry data/measured/h200 --minutes 9        goes on where the last run ended
    python3 tools/record_gpu.py build/release/gemmetry data/measured/h200 --again 200        measures 200 of them again

The folder's CSV files are read first, and what they hold is not measured again. Each GPU takes its share (--gpus): bursts first, then
a tenth sustained, then the best of 8 algorithms for a quarter of the products, chosen and measured again. Neither Ctrl-C nor kill -9
loses anything: databases and tuning tables stay in the folder's `unfinished`, which the next run reads too.
"""
import argparse
import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import record_shapes as shapes

SUSTAINED, TUNED = 10, 4  # one in so many
REPEATED = 300
CANDIDATES = 8


def one_in(count, ops, why):
    """That share of the operators of each type, rounded up: the same ones each time, spread over all."""
    types = {}
    for op in ops:
        types.setdefault((op.get("dtype"), op.get("batch", 1) != 1, op.get("backward"), op.get("queries") == 1), []).append(op)
    return [op for same in types.values() for op in by_hash(same, why)[:-(-len(same) // count)]]


def by_hash(ops, salt=""):
    return sorted(ops, key=lambda op: hashlib.sha256((salt + json.dumps(op, sort_keys=True)).encode()).digest())


def operators(program):
    """The operators of each kind."""
    lists = {"gemm": shapes.bf16(program) + shapes.batched()}
    lists["gemm"] += shapes.other_dtype("fp16", 260, 310, 160, 4, 120)
    lists["gemm"] += shapes.other_dtype("fp8", 640, 420, 210, 10, 60)
    for dtype in ("tf32", "fp32"):
        lists["gemm"] += shapes.other_dtype(dtype, 54, 60, 30, 1, 0)
    lists["attention"] = shapes.attention(650, 1, False) + shapes.attention(350, 2, True) + shapes.decode_attention(430)
    return {**shapes.row_wise(), "pointwise": shapes.streams(), **lists}


def more_operators():
    """Beside these."""
    return {**shapes.row_wise("more rows", 1.5), "gemm": shapes.more_products(),
            "attention": shapes.attention(250, 3, False) + shapes.attention(120, 4, True) + shapes.decode_attention(150, "more decode")}


def product_of(op):
    """A product's sizes and types, of an operator or of a record."""
    return tuple(str(op[key]) for key in ("batch", "m", "n", "k", "layout", "dtype"))


def tuned_before(folder):
    """The products of which the best algorithm was measured."""
    rows = (row for file in folder.glob("gemm_*.csv") for row in csv.DictReader(open(file, encoding="utf-8")))
    return {product_of(row) for row in rows if row["policy"] == "tuned"}


def plan(lists, more, tuned):
    """(command, kind, operators, options) of each step, in order; what is in `more` is measured in bursts alone."""
    steps = [("measure", kind, ops + more.get(kind, []), []) for kind, ops in lists.items()]
    steps += [("measure", "pointwise", shapes.launches(), ["--launch", launch]) for launch in ("graph", "stream")]
    for kind, ops in lists.items():
        sustained = one_in(SUSTAINED, ops, "sustained")
        if kind == "gemm":  # the first of them twice: how repeatable that is
            steps.append(("measure", kind, by_hash(sustained)[:REPEATED], ["--clocks", "sustained", "--takes", "2"]))
            sustained = by_hash(sustained)[REPEATED:]
        steps.append(("measure", kind, sustained, ["--clocks", "sustained"]))
    quarter = [op for op in one_in(TUNED, lists["gemm"], "tuned") if product_of(op) not in tuned]
    steps.append(("tune", "gemm", quarter, ["--candidates", str(CANDIDATES)]))
    steps.append(("measure", "gemm", quarter, ["--algorithm", "tuned"]))
    return steps


def write_csv(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        columns = list(dict.fromkeys(key for row in rows for key in row))
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def gemmetry(program, *arguments):
    """The answer of a command that must not fail."""
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"gemmetry {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


class Worker(threading.Thread):
    """One GPU's share of all steps, in a database of its own."""

    def __init__(self, args, steps, rank, work, deadline):
        super().__init__()
        self.args, self.steps, self.rank, self.deadline = args, steps, rank, deadline
        self.database, self.table = work / f"gpu{rank}.db", work / f"tuning{rank}.json"

    def run(self):
        for command, kind, file, options in self.steps:
            if time.monotonic() > self.deadline:
                break
            began = time.monotonic()
            problem = self.step(command, kind, file, options)
            text = f"GPU {self.rank}: {command} {kind} {' '.join(options)}: {time.monotonic() - began:.0f} s {problem}"
            print(text, flush=True)

    def step(self, command, kind, file, options):
        """Runs one command until it ends or time is up; what went wrong."""
        line = [self.args.program, command, kind, f"@{file}", "--device", f"cuda:{self.rank}", "--db", self.database, "--table", self.table,
                "--format", "json", *options]
        process = subprocess.Popen(list(map(str, line)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, errors = process.communicate(timeout=max(1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it stores the operator it is at and ends
            _, errors = process.communicate()
        return errors.strip()[-400:] if process.returncode != 0 else ""


def shares(steps, gpus, scratch):
    """The steps' files for each GPU."""
    result = [[] for _ in range(gpus)]
    for number, (command, kind, ops, options) in enumerate(steps):
        ops = by_hash(ops)  # large ones are spread evenly
        for rank in range(gpus):
            if own := ops[rank::gpus]:
                result[rank].append((command, kind, write_csv(Path(scratch) / f"step{number}.{rank}.csv", own), options))
    return result


def export(program, database, folder):
    """One file for each kind; products have one for each dtype."""
    folder.mkdir(parents=True, exist_ok=True)
    records = json.loads(gemmetry(program, "records", "list", "--db", database, "--format", "json"))["records"]
    groups = sorted({(record["kind"], record["dtype"] if record["kind"] == "gemm" else "") for record in records})
    for kind, dtype in groups:
        path = folder / f"{kind}{'_' if dtype else ''}{dtype}.csv"
        gemmetry(program, "records", "export", "--compact", "--db", database, "--kind", kind, *(["--dtype", dtype] if dtype else []),
                 "--out", path)
    made_by = [f"    python3 tools/record_gpu.py build/release/gemmetry data/measured/{folder.name}", "",
               "which goes on where the files end; `--again 200` measures 200 of them again and says how far they differ."]
    (folder / "README.md").write_text(read_me(records, made_by), encoding="utf-8")


def several(records, key):
    """What the records have in a field."""
    return ", ".join(sorted({str(record[key]) for record in records if record.get(key) is not None})) or "unknown"


def read_me(records, made_by):
    """What the files hold and where it is from. `made_by`: lines with the command."""
    times = sorted(record["time"] for record in records)
    counts = {}
    for record in records:
        key = (record["kind"], record.get("dtype") or "", record["clocks"], record["policy"])
        statuses = counts.setdefault(key, {})
        statuses[record["status"]] = statuses.get(record["status"], 0) + 1
    clocks = [float(record["clock_mhz"]) for record in records if record["clocks"] == "burst" and record.get("clock_mhz")]
    uuids = {record["uuid"] for record in records}
    lines = [f"# What was measured on {several(records, 'device')}", "",
             "One CSV file a kind of operator (products: a dtype), one row a record: the fields of `gemmetry records export`, each",
             "record's samples as their median, 10th and 90th percentile and number. What makes a record again is the operator itself:",
             "`gemmetry measure KIND` with the row's sizes and setting. `held_out` marks whole sites, a fifth of them, that nothing in this",
             "project is fitted to.", "",
             f"- GPU: {several(records, 'device')}, {len(uuids)} of them, driver {several(records, 'driver')}",
             f"- {several(records, 'runtime')}, {several(records, 'products')}, {several(records, 'attention')}",
             f"- gemmetry {several(records, 'tool')}, method {several(records, 'method')}",
             f"- measured {times[0][:10]} to {times[-1][:10]}",
             f"- SM clock in bursts: {min(clocks):.0f} to {max(clocks):.0f} MHz" if clocks else "- SM clock unknown", "",
             "Made by", "", *made_by, "",
             "| operator | dtype | clocks | algorithm | records |", "|---|---|---|---|---|"]
    for key, statuses in sorted(counts.items()):
        lines.append(f"| {' | '.join(key)} | {', '.join(f'{count} {status}' for status, count in sorted(statuses.items()))} |")
    return "\n".join(lines) + "\n"


def record(args):
    deadline = time.monotonic() + 60 * args.minutes
    lists = operators(args.program)
    more = more_operators()
    if args.thin > 1:
        lists, more = ({kind: ops[::args.thin] for kind, ops in some.items()} for some in (lists, more))
    print(", ".join(f"{len(ops) + len(more.get(kind, ()))} {kind}" for kind, ops in lists.items()), flush=True)
    work = args.folder / "unfinished"
    work.mkdir(parents=True, exist_ok=True)
    known = work / "all.db"
    collect(args, work, known)
    with tempfile.TemporaryDirectory() as scratch:
        steps = shares(plan(lists, more, tuned_before(args.folder)), args.gpus, scratch)
        workers = [Worker(args, steps[rank], rank, work, deadline) for rank in range(args.gpus)]
        for worker in workers:
            if known.exists():
                worker.database.write_bytes(known.read_bytes())
            worker.start()
        for worker in workers:
            worker.join()
    collect(args, work, known)
    export(args.program, known, args.folder)


def collect(args, work, database):
    """All that is known: the folder's files and what earlier runs left, where they were killed too."""
    if files := sorted(args.folder.glob("*.csv")):
        gemmetry(args.program, "records", "import", *files, "--db", database)
    if left := sorted(work.glob("gpu*.db")):
        gemmetry(args.program, "records", "merge", *left, "--db", database)
        for file in work.glob("gpu*.db*"):
            file.unlink()


def again(args):
    """How far records that are measured again differ."""
    rows = [row for file in sorted(args.folder.glob("*.csv")) for row in csv.DictReader(open(file, encoding="utf-8"))
            if (row["status"], row["clocks"], row["policy"], row["launch"]) == ("ok", "burst", "first", "graph")]
    rows = random.Random(args.seed).sample(rows, args.again)
    columns = ("batch", "m", "n", "k", "layout", "dtype", "epilogue", "queries", "keys", "heads", "kv_heads", "head_dim", "value_dim", "window",
               "causal", "backward", "rows", "width", "norm", "columns", "masked", "function", "gated", "tokens", "dim", "dropout", "bias",
               "positions", "vocab", "parameters", "elements", "read_bytes", "write_bytes")
    differences = []
    with tempfile.TemporaryDirectory() as scratch:
        database = Path(scratch) / "again.db"
        for kind in sorted({row["kind"] for row in rows}):
            of_kind = [{key: row[key] for key in columns if row.get(key)} for row in rows if row["kind"] == kind]
            keys = {tuple(op.items()): float(row["time_s"]) for op, row in zip(of_kind, [row for row in rows if row["kind"] == kind])}
            path = write_csv(Path(scratch) / f"{kind}.csv", of_kind)
            answer = json.loads(gemmetry(args.program, "measure", kind, f"@{path}", "--db", database, "--format", "json"))
            for new in answer["records"]:
                words = {key: json.dumps(value).strip('"') for key, value in new.items()}
                for op, time_s in keys.items():
                    if all(same(words.get(key), value) for key, value in op):
                        differences.append((abs(new["time_s"] / time_s - 1), kind, op, time_s, new["time_s"]))
    differences.sort()
    share = [difference[0] for difference in differences]
    print(f"{len(share)} records measured again in bursts: median difference {share[len(share) // 2]:.2%}, "
          f"p90 {share[int(0.9 * len(share))]:.2%}, largest {share[-1]:.2%}")
    for difference, kind, op, before, now in differences[-12:]:
        print(f"  {difference:7.2%} {kind} {' '.join(f'{key}={value}' for key, value in op)}: {before * 1e6:.2f} us, then {now * 1e6:.2f} us")


def same(word, value):
    try:
        return float(word) == float(value)
    except (TypeError, ValueError):
        return word == value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the gemmetry to measure with")
    parser.add_argument("folder", type=Path, help="of the CSV files")
    parser.add_argument("--gpus", type=int, default=1, help="how many GPUs of this machine to use")
    parser.add_argument("--minutes", type=float, default=600, help="end after so long")
    parser.add_argument("--thin", type=int, default=1, help="one operator in so many, to try it out")
    parser.add_argument("--again", type=int, default=0, help="measure so many records again and compare")
    parser.add_argument("--seed", type=int, default=1, help="of the records that are measured again")
    args = parser.parse_args()
    (again if args.again else record)(args)


if __name__ == "__main__":
    main()
