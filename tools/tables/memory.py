"""Bandwidth by size, row-wise kernels beside a copy, and what a launch costs."""
import math

from .page import Bands, cell, group_by, median, number, percent
from .records import moved_bytes, ordinary, usable

SIZES = Bands([2**power for power in range(16, 32, 2)],
              ("under 64 KiB", "64 to 256 KiB", "256 KiB to 1 MiB", "1 to 4 MiB", "4 to 16 MiB", "16 to 64 MiB",
               "64 to 256 MiB", "256 MiB to 1 GiB", "1 GiB and more"))
ROW_WISE = ("norm", "softmax", "activation", "residual", "rotary", "embedding", "cross_entropy", "optimizer")
LARGE = 2**26
LAUNCHED = 4096  # elements up to which a copy is no more than its launch


def bandwidth(page, records, gpu):
    page.heading("Bandwidth")
    streams = streamed(records)
    peak = gpu.facts["bandwidth"] / 1e12
    page.say("TB/s of bytes read and written, by their sum. Buffers rotate, so that nothing is left in L2 from the "
             "call before.", copy_sentence(streams["copy"], peak))
    rows, parts = [], {name: SIZES.group(group, moved_bytes) for name, group in streams.items()}
    for label in SIZES.labels:
        if any(part[label] for part in parts.values()):
            rows.append([label] + [cell([r.bandwidth for r in part[label]], number, least=1)
                                   for part in parts.values()])
    page.table(["bytes", *streams], rows, "pointwise kernels in a burst: copy reads as much as it writes, read writes "
               "next to nothing, write reads nothing; median and number of records", sum(map(len, streams.values())))


def streamed(records):
    """Plain copies, reads and writes that are more than their launch."""
    plain = [r for r in ordinary(records, "pointwise") if r["elements"] > LAUNCHED]
    return {"copy": [r for r in plain if r["function"] in (None, "copy") and r["read_bytes"] == r["write_bytes"]],
            "read": [r for r in plain if r["write_bytes"] <= r["read_bytes"] / 8],
            "write": [r for r in plain if r["read_bytes"] == 0]}


def copy_sentence(copies, peak):
    big = [r.bandwidth for r in copies if moved_bytes(r) >= LARGE]
    if not big:
        return ""
    return (f"From 64 MiB on a copy moves {number(median(big))} TB/s (median), {percent(median(big) / peak)} of the "
            f"datasheet's {number(peak)} TB/s.")


def row_wise(page, records, _gpu):
    page.heading("Row-wise kernels beside a copy")
    curve = copy_curve(streamed(records)["copy"])
    kernels = [r for kind in ROW_WISE for r in ordinary(records, kind)]
    if not curve or not kernels:
        page.say("No copies or no kernels to lay beside them.")
        return
    compared = [(r, copy_time(curve, moved_bytes(r)) / r.time_s) for r in kernels
                if curve[0][0] / 2 <= moved_bytes(r) <= curve[-1][0] * 2]
    page.say("The time of a copy of as many bytes over the kernel's: 100 % is as fast as a copy. The copy's time at "
             "other sizes than measured is interpolated between its neighbours, both logarithms, and taken from the "
             "nearest up to a factor of two beyond the ends. Medians with the number of records.",
             slow_sentence(compared))
    rows = []
    for name, group in group_by(compared, lambda one: label_of(one[0])).items():
        parts = coarse(group)
        rows.append([name] + [cell([share for _, share in part], percent, least=1) for part in parts.values()])
    page.table(["kernel", *coarse([])], rows, "row-wise kernels in a burst, every dtype, beside pointwise copies",
               len(compared))


def coarse(group):
    """By size, in as few columns as a page is wide."""
    bands = Bands([2**power for power in (18, 22, 26, 29)],
                  ("under 256 KiB", "256 KiB to 4 MiB", "4 to 64 MiB", "64 to 512 MiB", "512 MiB and more"))
    return bands.group(group, lambda one: moved_bytes(one[0]))


def label_of(r):
    """Kind, which of the kind, and its switches."""
    switches = [name for name in ("gated", "masked", "dropout", "positions", "bias", "backward") if r[name] is True]
    which = r["norm"] if r["kind"] == "norm" else r["function"] if r["kind"] == "activation" else None
    return " ".join([r["kind"]] + ([which] if which else []) + switches)


def slow_sentence(compared):
    big = [(label_of(r), share) for r, share in compared if moved_bytes(r) >= LARGE]
    if not big:
        return ""
    medians = {name: median([share for _, share in group]) for name, group in group_by(big, lambda one: one[0]).items()}
    slow = {name: share for name, share in medians.items() if share < 0.8}
    if not slow:
        return "From 64 MiB on the median of every kernel is at least 80 % of the copy's speed."
    named = ", ".join(f"{name} ({percent(share)})" for name, share in slow.items())
    others = ", and at least 80 % for the others" if len(slow) < len(medians) else ""
    return f"From 64 MiB on the median is under 80 % of the copy's speed for {named}{others}."


def copy_curve(copies):
    """(bytes, median time) in ascending order."""
    return [(size, median([r.time_s for r in group])) for size, group in group_by(copies, moved_bytes).items()]


def copy_time(curve, size):
    """Beyond the ends at the end's bandwidth (large) or time (small)."""
    if size <= curve[0][0]:
        return curve[0][1]
    if size >= curve[-1][0]:
        return curve[-1][1] * size / curve[-1][0]
    for (low, fast), (high, slow) in zip(curve, curve[1:]):
        if size <= high:
            part = math.log(size / low) / math.log(high / low)
            return fast * (slow / fast) ** part
    raise AssertionError("the sizes ascend")


def launches(page, records, _gpu):
    page.heading("Launch cost")
    tiny = [r for launch in ("graph", "stream") for r in usable(records, launch)
            if r["kind"] == "pointwise" and r["elements"] <= LAUNCHED and r["clocks"] == "burst"]
    rows = []
    for elements, group in group_by(tiny, lambda r: r["elements"]).items():
        parts = [[r.time_s * 1e6 for r in group if r["launch"] == launch] for launch in ("graph", "stream")]
        rows.append([elements] + [cell(part, lambda value: f"{value:.2f}", least=1) for part in parts])
    page.say("A copy of a few elements takes what a launch costs, from one kernel to the next in the same graph or on "
             "the same stream. Medians in µs with the number of records.")
    page.table(["elements", "in a graph", "on a stream"], rows,
               f"pointwise copies of up to {LAUNCHED} elements in a burst, launched in both ways", len(tiny))
