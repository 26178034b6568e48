#!/usr/bin/env python3
"""Four predictions of an H200's bf16 products side by side, on held-out records; no GPU is needed.

    python3 bench/side_by_side.py build/release/gemmetry data/measured/h200/gemm_bf16.csv [--calibration FILE] [--markdown]

Judged are single products in bursts at sites that gemmetry was never fitted to, as `gemmetry validate --held-out` gives them: errors are
|predicted / measured - 1| as MAPE / median / 95th percentile in %, by size and alignment. The predictors:

- roofline: max(FLOP / peak, bytes / bandwidth) of the datasheet;
- nvMatmulHeuristics (PyPI: nvidia-matmul-heuristics 0.1.0.27): its run time for bf16 on an H200 SXM, given the record's layout, with its
  timing model choosing the kernel; the shortest of its eight best. Of its targets this one, GENERIC, is nearest to the records;
- aiconfigurator (PyPI: aiconfigurator 0.12.0 with aiconfigurator-core 0.12.0): interpolates products measured in TensorRT-LLM on an H200
  SXM. It knows the layout nt alone, of which all predictors are shown once more;
- gemmetry.

Needs Python 3.11; a predictor whose package is missing is shown as such.
"""
import argparse
import csv
import importlib.metadata
import io
import statistics
import subprocess
import sys

PEAK_FLOPS = 989.5e12  # NVIDIA H200 SXM datasheet: bf16, dense
BANDWIDTH = 4.8e12     # bytes per second
SYSTEM, BACKEND = "h200_sxm", "trtllm"
BEST = 8               # of nvMatmulHeuristics' kernels
SIZES = ("m <= 64", "64 < m < 1024", "m >= 1024", "n or k < 512")
NT_ONLY = "aiconfigurator"


class Record:
    """A product, what it took and what gemmetry says of it; its class as gemmetry names it."""

    def __init__(self, row):
        if row["held_out"] != "true":
            raise SystemExit(f"gemmetry may have been fitted to {row['site']}: not a held-out record")
        self.m, self.n, self.k = (int(row[name]) for name in "mnk")
        self.layout = row["layout"]
        self.size = row["class.size"]
        self.alignment = "aligned" if row["class.alignment"] == "aligned" else "misaligned"
        self.time_s = float(row["time_s"])
        self.gemmetry_s = float(row["predicted_s"])


def records_of(gemmetry, files, calibration):
    command = [gemmetry, "validate", "--gpu", "h200", "--held-out", "--format", "csv", "--records", *files]
    if calibration:
        command += ["--calibration", calibration]
    rows = csv.DictReader(io.StringIO(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    wanted = {"kind": "gemm", "dtype": "bf16", "batch": "1", "clocks": "burst", "launch": "graph", "epilogue": "none"}
    return [Record(row) for row in rows if all(row[name] == value for name, value in wanted.items())]


def roofline():
    """The datasheet's; operands and result move once, two bytes an element."""
    def predicted(r):
        return max(2 * r.m * r.n * r.k / PEAK_FLOPS, 2 * (r.m * r.k + r.k * r.n + r.m * r.n) / BANDWIDTH)
    return predicted, "datasheet"


def heuristics():
    """nvMatmulHeuristics' run time of the kernel that it thinks best; its layouts name A and B, row-major, as the records' do."""
    import nvMatmulHeuristics as nv
    layouts = {name: nv.NvMatmulHeuristicsMatmulLayout[f"{name.upper()}_ROW_MAJOR"] for name in ("nn", "nt", "tn")}
    model = nv.NvMatmulHeuristicsInterfaceEx(nv.NvMatmulHeuristicsTarget.GENERIC, gpu=nv.NvMatmulHeuristicsNvidiaGpu.H200_SXM,
                                             flags=nv.NvMatmulHeuristicsFlags.PERF_MODEL_BASED_AUTO_TUNING)

    def predicted(r):
        problem = model.makeNvMatmulHeuristicsProblem(r.m, r.n, r.k, layouts[r.layout])
        times = [kernel["runtime"] for kernel in model.get(problem, BEST, "TST")]  # bf16, summed in fp32, to bf16
        return min((t for t in times if t > 0), default=None)
    return predicted, importlib.metadata.version("nvidia-matmul-heuristics")


def aiconfigurator():
    """Interpolation in the newest of TensorRT-LLM's tables that the package has, measured times only."""
    from aiconfigurator_core.sdk import common, engine, perf_database
    from aiconfigurator_core.sdk.operations.gemm import GEMM
    version = perf_database.get_latest_database_version(SYSTEM, BACKEND)
    tables = engine.EngineHandle.for_database(perf_database.get_database(SYSTEM, BACKEND, version, database_mode="SILICON"))

    def predicted(r):
        if r.layout != "nt":
            return None
        product = engine.build_ops_json([GEMM("product", 1, r.n, r.k, common.GEMMQuantMode.bfloat16)])
        try:
            (_, milliseconds, _, source), = tables.evaluate_ops_json(product, is_context=True, batch_size=1, s=r.m)
        except (RuntimeError, ValueError):
            return None
        return milliseconds / 1e3 if source == "silicon" else None
    return predicted, f"{importlib.metadata.version('aiconfigurator-core')}, {BACKEND} {version}"


PREDICTORS = {"roofline": roofline, "nvMatmulHeuristics": heuristics, NT_ONLY: aiconfigurator,
              "gemmetry": lambda: (lambda r: r.gemmetry_s, "")}


def predictions(records):
    """By predictor: what it says of each record (None: no answer), or None where it is not installed; and its version."""
    said, versions = {}, {}
    for name, prepare in PREDICTORS.items():
        try:
            predicted, versions[name] = prepare()
            said[name] = [predicted(r) for r in records]
        except ImportError:
            said[name], versions[name] = None, "not installed"
    return said, versions


def summary(off):
    """MAPE / median / 95th percentile of relative errors, in %."""
    if not off:
        return "none"
    p95 = statistics.quantiles(off, n=20, method="inclusive")[-1] if len(off) > 1 else off[0]
    return f"{100 * statistics.mean(off):.1f} / {100 * statistics.median(off):.1f} / {100 * p95:.0f}"


def errors(records, said, places):
    return [abs(said[i] / records[i].time_s - 1) for i in places if said[i] is not None]


def table(records, said, chosen, names):
    """A row for each size of aligned and misaligned products; `chosen` says which records count."""
    def row(size, alignment, places, cell):
        return [size, alignment, str(len(places)), *("not installed" if said[name] is None else cell(said[name]) for name in names)]

    rows = [["size", "alignment", "records", *names]]
    for alignment in ("aligned", "misaligned"):
        for size in SIZES:
            places = [i for i, r in enumerate(records) if chosen(r) and r.alignment == alignment and r.size == size]
            rows.append(row(size, alignment, places, lambda times: summary(errors(records, times, places))))
    places = [i for i, r in enumerate(records) if chosen(r)]
    return rows + [row("without an answer", "all", places, lambda times: str(sum(times[i] is None for i in places)))]


def show(rows, markdown):
    if markdown:
        rows = [rows[0], ["---", "---", "--:", *["---"] * (len(rows[0]) - 3)], *rows[1:]]
        print("\n".join("| " + " | ".join(row) + " |" for row in rows))
        return
    widths = [max(map(len, column)) for column in zip(*rows)]
    print("\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("records", nargs="+", help="CSV files of an H200's records")
    parser.add_argument("--calibration", help="as of gemmetry validate")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    given = parser.parse_args()
    records = records_of(given.gemmetry, given.records, given.calibration)
    if not records:
        sys.exit("no held-out bf16 products in these records")
    said, versions = predictions(records)
    versions["gemmetry"] = given.calibration or "the calibration that it ships"
    print("; ".join(f"{name}: {version}" for name, version in versions.items()) + ".\n\nAll layouts:\n")
    show(table(records, said, lambda r: True, [name for name in PREDICTORS if name != NT_ONLY]), given.markdown)
    print("\nLayout nt:\n")
    show(table(records, said, lambda r: r.layout == "nt", list(PREDICTORS)), given.markdown)


if __name__ == "__main__":
    main()
