#!/usr/bin/env python3
"""Executes the layers and models behind figures 1, 2, 11, 12 and 13 of the co-design paper and LoRA's figure 5, as a whole.

    tools/execute_figures.py build/release/gemmetry data/executed/h200.csv [--minutes 4] [--only figure_13]
    tools/execute_figures.py --page docs/executed.md data/executed/h200.csv

Each row of the file: what was run (figure, name, variables, arguments of `gemmetry measure`), its time, and the share of each of Table II's
modules. Rows that are there are not run again; each is written as soon as it is known. With --page: tables and verdicts from the file.
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import time

COLUMNS = ("figure", "name", "variables", "command", "time_s", "p10_s", "p90_s", "samples", "extra", "reason")
LAYER = ["--layers", "4", "--vocab", "64", "--batch", "4", "--seq", "2048", "--dtype", "fp16", "--clocks", "burst", "--time-cap", "300ms"]
CONFIGURATIONS = ("codesign-c1", "codesign-c2", "gpt3-2.7b", "codesign-ours-1", "codesign-ours-2")
SHARED = ((2560, 20), (16384, 128), (3072, 24), (24576, 96))
WIDTHS = (1024, 2048, 3072, 4096, 5120, 6144, 8192, 10240, 12288, 14336, 16384)
PYTHIA = ("70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b", "12b")


def sized(hidden, heads, layers):
    return ["--hidden", hidden, "--heads", heads, "--layers", layers, "--vocab", 64, "--max-positions", 2048]


def points():
    """(figure, name, variables, arguments), in the order in which they are run."""
    for name in CONFIGURATIONS:
        for attention in ("eager", "unfused", "fused"):
            yield "figure_1", name, {"attention": attention}, ["model", name, *LAYER, "--attention", attention]
    for hidden, heads in SHARED:
        for attention in ("unfused", "fused"):
            yield ("figure_2", f"{hidden}", {"heads": heads, "attention": attention},
                   ["model", *sized(hidden, heads, 1), *LAYER[4:], "--attention", attention])
    for hidden in WIDTHS:
        yield "figure_12", f"{hidden}", {"heads": 128}, ["model", *sized(hidden, 128, 1), *LAYER[4:], "--attention", "fused"]
    for launch in ("graph", "stream"):
        for batch in (1, 8):
            for name in PYTHIA:
                yield ("figure_13", name, {"batch": batch, "launch": launch},
                       ["decode", f"pythia-{name}", "--prompt", 128, "--new-tokens", 64, "--batch", batch, "--launch", launch, "--time-cap", "150ms"])
    for sequence in (128, 512):
        for batch in (1, 4, 32):
            for launch in ("stream", "graph"):
                common = ["--batch", batch, "--seq", sequence, "--dtype", "fp32", "--attention", "unfused", "--launch", launch,
                          "--clocks", "burst", "--time-cap", "250ms"]
                where = {"sequence": sequence, "batch": batch, "launch": launch}
                yield "lora", "none", where, ["model", "gpt2-medium", *common]
                for adapter in ("houlsby:10", "houlsby:250", "lin:10", "lin:250", "lora-merged:8"):
                    yield "lora", adapter, where, ["model", "gpt2-medium", "--adapter", adapter, *common]
                yield "lora", "none again", where, ["model", "gpt2-medium", *common]
    for name in CONFIGURATIONS:
        yield ("figure_1_training", name, {"attention": "fused"},
               ["layer", name, "--phase", "training", "--batch", 4, "--seq", 2048, "--dtype", "fp16", "--clocks", "burst", "--time-cap", "100ms"])
    for name in PYTHIA:
        yield ("training", name, {}, ["layer", f"pythia-{name}", "--phase", "training", "--batch", 4, "--seq", 2048, "--clocks", "burst",
                                      "--time-cap", "100ms"])


def words(variables):
    return " ".join(f"{name}={value}" for name, value in variables.items())


def shares(steps):
    """Seconds of each module, all of its steps together."""
    modules = {}
    for step in steps:
        modules[step["module"]] = modules.get(step["module"], 0) + step["time_s"]
    return {module: float(f"{seconds:.5g}") for module, seconds in modules.items()}


def run(program, arguments):
    """The columns that a run fills."""
    done = subprocess.run([program, "measure", *map(str, arguments), "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        return {"reason": (done.stderr.strip().splitlines() or ["failed without a word"])[-1]}
    said = json.loads(done.stdout)
    if arguments[0] == "layer":
        return {"time_s": said["layer"].get("sequence_time_s", ""), "extra": json.dumps({"sum_s": said["layer"]["sum_time_s"]}),
                "reason": said["layer"].get("reason") or ""}
    if arguments[0] == "decode":
        of = said["decode"]
        return {"time_s": of["token_time_s"], "p10_s": of["token_p10_s"], "p90_s": of["token_p90_s"],
                "extra": json.dumps({"prefill_s": of["prefill_time_s"]})}
    of = said["totals"]
    return {"time_s": of["time_s"], "p10_s": of["p10_s"], "p90_s": of["p90_s"], "samples": of["samples"],
            "extra": json.dumps({"steps": shares(said["steps"])} if "gpt2-medium" not in arguments else {})}


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def execute(program, path, minutes, only):
    until = time.monotonic() + 60 * minutes
    known = {(row["figure"], row["name"], row["variables"]) for row in read(path)} if os.path.exists(path) else set()
    with open(path, "a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        if not known:
            device = json.loads(subprocess.run([program, "measure", "model", "--hidden", "64", "--layers", "1", "--heads", "2", "--vocab", "64", "--time-cap",
                                                "1ms", "--format", "json"], capture_output=True, text=True, check=True).stdout)["device"]
            file.write("# " + ", ".join(f"{name}: {value}" for name, value in device.items()) + time.strftime(", %Y-%m-%d") + "\n")
            writer.writeheader()
        for figure, name, variables, arguments in points():
            if (only and figure != only) or (figure, name, words(variables)) in known:
                continue
            if time.monotonic() > until:
                print("the time is over; the same command goes on")
                return
            row = {"figure": figure, "name": name, "variables": words(variables), "command": "gemmetry measure " + " ".join(map(str, arguments))}
            row |= run(program, arguments)
            for column in ("time_s", "p10_s", "p90_s"):
                if row.get(column):
                    row[column] = f"{row[column]:.6g}"
            writer.writerow(row)
            file.flush()
            if row.get("reason"):
                print(f"{figure} {name} {words(variables)}: {row['reason']}", flush=True)


class Page:
    """What the file says, as Markdown."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.provenance = next((line[2:].strip() for line in file if line.startswith("#")), "")
        self.rows = {}
        for row in read(path):
            variables = dict(part.split("=") for part in row["variables"].split())
            self.rows[row["figure"], row["name"], *sorted(variables.items())] = row
        self.lines = []

    def row(self, figure, name, **variables):
        row = self.rows.get((figure, name, *sorted((key, str(value)) for key, value in variables.items())))
        return row if row and row["time_s"] else None

    def time(self, figure, name, **variables):
        row = self.row(figure, name, **variables)
        return float(row["time_s"]) if row else None

    def modules(self, figure, name, **variables):
        """Seconds of a module in the whole, steps scaled to the time of the whole."""
        row = self.row(figure, name, **variables)
        if not row:
            return {}
        steps = json.loads(row["extra"])["steps"]
        scale = float(row["time_s"]) / sum(steps.values())
        return {module: scale * seconds for module, seconds in steps.items()}

    def text(self, *lines):
        self.lines += lines

    def table(self, head, rows):
        self.text("", "| " + " | ".join(head) + " |", "|---" + "|--:" * (len(head) - 1) + "|")
        self.lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]

    def verdict(self, claim, holds, why):
        self.text(f"- **{'holds' if holds else 'does not hold'}**: {claim} {why}")


ENDS = ("Input Embedding", "Final Norm", "Linear Output")
ATTENTION = ("QKV Transform", "Attention", "Linear Projection", "Position Encoding")


def of_layers(modules):
    return {module: seconds for module, seconds in modules.items() if module not in ENDS}


def percent(value):
    return f"{100 * value:.1f} %"


def figure_1(page):
    sizes = {"codesign-c1": (2560, 64, 32), "codesign-c2": (2560, 40, 32), "gpt3-2.7b": (2560, 32, 32), "codesign-ours-1": (2560, 20, 32),
             "codesign-ours-2": (4096, 16, 12)}
    page.text("", "## Figure 1: configurations of one size", "",
              "A layer is a quarter of four, without embedding and head; TFLOP/s by the paper's count, 24 b s h^2 + 4 b s^2 h; time per token of all",
              "layers of the model, which has about the same parameters in each row. Training: forward, backward and AdamW of one layer, its",
              "operators one after the other.")
    per_token, rates, rows = {}, {}, []
    for name, (hidden, heads, layers) in sizes.items():
        row = [name, hidden, heads]
        for attention in ("eager", "unfused", "fused"):
            layer = sum(of_layers(page.modules("figure_1", name, attention=attention)).values()) / 4
            if not layer:
                row += ["", ""]
                continue
            rates[name, attention] = (24 * 8192 * hidden**2 + 4 * 8192 * 2048 * hidden) / layer
            per_token[name, attention] = layers * layer / 8192
            row += [f"{rates[name, attention] / 1e12:.0f}", f"{1e6 * per_token[name, attention]:.2f} us"]
        training = page.time("figure_1_training", name, attention="fused")
        row.append(f"{1e6 * layers * training / 8192:.1f} us" if training else "")
        if training:
            per_token[name, "training"] = layers * training / 8192
        rows.append(row)
    page.table(["configuration", "h", "a", "eager TFLOP/s", "per token", "unfused TFLOP/s", "per token", "fused TFLOP/s", "per token",
                "training, per token"], rows)
    page.text("")
    for attention in ("eager", "unfused", "fused"):
        of = [rates.get((name, attention), 0) for name in sizes]
        if all(of):
            page.verdict(f"with {attention} attention throughput rises from C1 over C2 and GPT-3 to Ours 1 and Ours 2, as in the figure.", of == sorted(of),
                         "TFLOP/s: " + ", ".join(f"{rate / 1e12:.0f}" for rate in of) + ".")
            base, better = (per_token[name, attention] for name in ("gpt3-2.7b", "codesign-ours-1"))
            page.verdict(f"with {attention} attention Ours 1 takes less time per token than GPT-3 2.7B at the same size (published: 1.18x on A100).", better < base,
                         f"{base / better:.2f}x.")


def figures_2_and_11(page):
    page.text("", "## Figures 2 and 11: share of latency by module", "", "One layer of 4 x 2048 tokens in fp16.")
    rows, products = [], {}
    for hidden, heads in SHARED:
        for attention in ("unfused", "fused"):
            modules = of_layers(page.modules("figure_2", str(hidden), heads=heads, attention=attention))
            total = sum(modules.values())
            if not total:
                continue
            linear = sum(modules.get(name, 0) for name in ("QKV Transform", "Linear Projection", "MLP h to 4h", "MLP 4h to h")) / total
            core = sum(seconds for name, seconds in modules.items() if name.startswith(("Attention", "Attn"))) / total
            products[hidden, attention] = linear
            rows.append([f"h {hidden}, a {heads}, {attention}", f"{1e3 * total:.3f} ms", percent(linear), percent(core), percent(1 - linear - core)])
    page.table(["layer", "time", "linear layers", "scores, softmax, values", "everything else"], rows)
    page.text("")
    for attention in ("unfused", "fused"):
        small, large = products.get((3072, attention)), products.get((24576, attention))
        if small and large:
            page.verdict(f"with {attention} attention linear layers take a larger share of large models.", large > small,
                         f"{percent(small)} of h = 3072, {percent(large)} of h = 24576.")


def figure_12(page):
    page.text("", "## Figure 12: the attention block with 128 heads", "",
              "QKV transform, fused causal attention and projection of one layer. Full: 8 b s h^2 + 4 b s^2 h, as the paper counts; causal: half of",
              "the second.")
    rows, rates = [], []
    for hidden in WIDTHS:
        modules = page.modules("figure_12", str(hidden), heads=128)
        block = sum(modules.get(name, 0) for name in ATTENTION)
        if block:
            linear, core = 8 * 8192 * hidden**2, 4 * 8192 * 2048 * hidden
            rates.append((linear + core) / block)
            rows.append([hidden, hidden // 128, f"{1e3 * block:.3f} ms", f"{rates[-1] / 1e12:.0f}", f"{(linear + core / 2) / block / 1e12:.0f}"])
    page.table(["h", "h / a", "time", "TFLOP/s, full", "TFLOP/s, causal"], rows)
    if len(rates) > 2:
        rises = sum(b > a for a, b in zip(rates, rates[1:]))
        page.text("")
        page.verdict("throughput rises with h along most of the sweep.", rises > 0.7 * (len(rates) - 1), f"It rises in {rises} of {len(rates) - 1} steps.")


def figure_13(page):
    page.text("", "## Figure 13: the Pythia suite", "", "Prompt of 128 tokens; a generated token: the median of 64.")
    rows, token = [], {}
    for name in PYTHIA:
        row = [f"pythia-{name}"]
        for launch in ("graph", "stream"):
            for batch in (1, 8):
                found = page.row("figure_13", name, batch=batch, launch=launch)
                token[name, launch, batch] = float(found["time_s"]) if found else None
                row += [f"{1e3 * json.loads(found['extra'])['prefill_s']:.2f}", f"{1e3 * float(found['time_s']):.3f}"] if found else ["", ""]
        training = page.time("training", name)
        row.append(f"{1e3 * training:.2f}" if training else "")
        rows.append(row)
    page.table(["model", "graph, b 1: prompt (ms)", "token (ms)", "b 8: prompt", "token", "stream, b 1: prompt", "token", "b 8: prompt", "token",
                "a layer's training step (ms)"], rows)
    page.text("")
    for launch in ("graph", "stream"):
        small, large = token.get(("410m", launch, 1)), token.get(("1b", launch, 1))
        if small and large:
            page.verdict(f"launched as a {launch}, Pythia-1B with 16 layers generates faster than Pythia-410M with 24.", large < small,
                         f"{1e3 * large:.3f} ms against {1e3 * small:.3f} ms a token.")
    layers = {"70m": 6, "160m": 12, "410m": 24, "1b": 16, "1.4b": 24, "2.8b": 32, "6.9b": 32, "12b": 36}
    both = [(layers[name] * page.time("training", name), token[name, "graph", 1]) for name in PYTHIA
            if page.time("training", name) and token.get((name, "graph", 1))]
    if len(both) > 3:
        pairs = [(a, b) for i, a in enumerate(both) for b in both[i + 1:]]
        same = sum((a[0] < b[0]) == (a[1] < b[1]) for a, b in pairs)
        page.verdict("what trains fast infers fast (section VII-C): of two models of the suite, the one that trains faster generates faster.", same == len(pairs),
                     f"In {same} of {len(pairs)} pairs.")


def lora(page):
    page.text("", "## LoRA's figure 5: what adapters cost", "",
              "GPT-2 medium in fp32 without TF32, a forward pass with its head: slow-down over the model without adapters, which is measured before",
              "and after (noise: the two over each other).")
    rows, slow = [], {}
    for launch in ("stream", "graph"):
        for sequence in (128, 512):
            for batch in (1, 4, 32):
                where = {"sequence": sequence, "batch": batch, "launch": launch}
                base = [page.time("lora", name, **where) for name in ("none", "none again")]
                if not all(base):
                    continue
                row = [f"{launch}, s {sequence}, b {batch}", f"{1e3 * base[0]:.2f} ms", percent(abs(base[1] / base[0] - 1))]
                for adapter in ("houlsby:10", "houlsby:250", "lin:10", "lin:250", "lora-merged:8"):
                    took = page.time("lora", adapter, **where)
                    slow[adapter, launch, sequence, batch] = took / statistics.mean(base) - 1 if took else None
                    row.append(f"{100 * slow[adapter, launch, sequence, batch]:+.1f} %" if took else "")
                rows.append(row)
    page.table(["run", "without", "noise", "Adapter^H 10", "Adapter^H 250", "Adapter^L 10", "Adapter^L 250", "LoRA merged"], rows)
    page.text("")
    for launch in ("stream", "graph"):
        cells = [(s, b) for s in (128, 512) for b in (1, 4, 32) if slow.get(("houlsby:10", launch, s, b)) is not None]
        if not cells:
            continue
        both = [(slow[f"houlsby:{r}", launch, s, b], slow[f"lin:{r}", launch, s, b]) for r in (10, 250) for s, b in cells]
        page.verdict(f"Adapter^H costs more than Adapter^L ({launch}).", all(h > l for h, l in both), f"In {sum(h > l for h, l in both)} of {len(both)} cells.")
        falls = [slow["houlsby:10", launch, s, 32] < slow["houlsby:10", launch, s, 1] for s in (128, 512) if (s, 1) in cells and (s, 32) in cells]
        page.verdict(f"the cost falls from batch 1 to 32 ({launch}, Adapter^H, r = 10).", all(falls), f"At {sum(falls)} of {len(falls)} sequence lengths.")
        falls = [slow["houlsby:10", launch, 512, b] < slow["houlsby:10", launch, 128, b] for b in (1, 4, 32) if (128, b) in cells and (512, b) in cells]
        page.verdict(f"the cost falls from 128 to 512 tokens ({launch}, Adapter^H, r = 10).", all(falls), f"At {sum(falls)} of {len(falls)} batch sizes.")
        merged = [slow["lora-merged:8", launch, s, b] for s, b in cells if slow.get(("lora-merged:8", launch, s, b)) is not None]
        if merged:
            page.verdict(f"LoRA merged costs nothing within 1 % ({launch}).", max(map(abs, merged)) < 0.01, f"At most {100 * max(map(abs, merged)):.2f} % apart.")


def write_page(path, records):
    page = Page(records)
    page.text("# Executed", "",
              "Figures of the co-design paper and of LoRA by whole layers and models that ran on one GPU, and what they say of the claims; as sums of",
              "operators, predicted and recorded, the same questions are studies (docs/claims.md). This page is made of `data/executed/h200.csv` by",
              "`tools/execute_figures.py --page docs/executed.md data/executed/h200.csv`; the rows, each with its command, by",
              "`tools/execute_figures.py GEMMETRY data/executed/h200.csv`. Burst clocks.", "", f"Device: {page.provenance}. An empty cell was not run.")
    for part in (figure_1, figures_2_and_11, figure_12, figure_13, lora):
        part(page)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(page.lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", metavar="[GEMMETRY] FILE", help="the program, unless --page, and the CSV")
    parser.add_argument("--page", metavar="FILE")
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--only", metavar="FIGURE")
    options = parser.parse_args()
    if options.page:
        return write_page(options.page, options.paths[-1])
    if len(options.paths) != 2:
        parser.error("give the program and the CSV")
    return execute(*options.paths, options.minutes, options.only)


if __name__ == "__main__":
    main()
