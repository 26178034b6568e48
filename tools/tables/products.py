"""Products: what they are called here, their best and typical rates, and what alignment does to them."""
from .page import cell, count, group_by, median, number, percent, quantile
from .records import DTYPES, ELEMENT_BYTES, products, usable

LAYOUTS = ("nt", "nn", "tn")
CLASSES = ("training", "decode", "skinny", "misaligned", "batched")
ALONG_ROWS = {"nt": "kkn", "nn": "knn", "tn": "mnn"}  # of a, b and c
POWERS = tuple(2**i for i in range(9))
SMALL = 512


def aligned(r):
    """Whether the rows of each operand, as they lie in memory, are multiples of 16 bytes."""
    result = 2 if r["dtype"] == "fp8" else r.element_bytes
    widths = (r.element_bytes, r.element_bytes, result)
    return all(r[size] * width % 16 == 0 for size, width in zip(ALONG_ROWS[r["layout"]], widths))


def product_class(r):
    if r["batch"] > 1:
        return "batched"
    if not aligned(r):
        return "misaligned"
    if r["layout"] == "nt" and r["m"] <= SMALL:
        return "decode"
    return "skinny" if min(r["m"], r["n"], r["k"]) <= SMALL else "training"


def words(page):
    page.listing([
        "**aligned**: in each operand, as it lies in memory, a row is a multiple of 16 bytes (rows run along k, k and "
        "n in `nt`, k, n and n in `nn`, m, n and n in `tn`);",
        f"**batched**: a batch of more than one; of the others **misaligned**: not aligned; of the rest **decode**: "
        f"`nt` with m up to {SMALL}; **skinny**: another whose m, n or k is up to {SMALL}; **training**: all else;",
        "**large**: m, n and k from 2048, not batched, aligned;",
        "**first** choice: the algorithm the library proposes first; **tuned**: the fastest measured of its proposals;",
        "FLOP of a product are 2 batch m n k; attention counts the pairs of query and key that are not masked away.",
    ])


def large(records):
    return [r for r in products(usable(records))
            if r["batch"] == 1 and min(r["m"], r["n"], r["k"]) >= 2048 and aligned(r)]


def rates(page, records, gpu):
    page.heading("Best and typical rates of large products")
    rows, chosen = [], large(records)
    groups = group_by(chosen, lambda r: (DTYPES.index(r["dtype"]), r["clocks"], r["policy"]))
    for (dtype, clocks, policy), group in groups.items():
        peak = gpu.peak_tflops(DTYPES[dtype])
        speeds = [r.tflops for r in group]
        best = max(group, key=lambda r: r.tflops)
        spread = [quantile(speeds, part) for part in (0.1, 0.5, 0.9)]
        shares = [percent(value / peak) if peak else "" for value in (best.tflops, spread[1])]
        shape = "x".join(str(best[size]) for size in "mnk") + " " + best["layout"]
        rows.append([DTYPES[dtype], clocks, policy, count(len(group)), number(best.tflops), shape]
                    + [number(value) for value in spread] + shares)
    page.say(best_sentence(chosen, gpu), typical_sentence(chosen))
    page.table(["dtype", "clocks", "choice", "n", "best TFLOP/s", "at m x n x k", "p10", "median", "p90",
                "best of peak", "median of peak"], rows, "large products; all layouts", len(chosen), texts=3)
    clock = gpu.facts.get("boost_clock_hz")
    if clock:
        page.say(f"Peak: the datasheet's, at {clock / 1e6:.0f} MHz; a burst above that clock can come closer to it, or "
                 "past it, than the tensor cores themselves would. fp32 is measured against the vector units.")


def best_sentence(chosen, gpu):
    fast = [r for r in chosen if r["dtype"] == "bf16" and r["clocks"] == "burst"]
    if not fast:
        return ""
    best, peak = max(r.tflops for r in fast), gpu.peak_tflops("bf16")
    share = f": {percent(best / peak)} of the datasheet's {number(peak)}" if peak else ""
    return f"The fastest bf16 product reaches {number(best)} TFLOP/s in a burst{share}."


def typical_sentence(chosen):
    """What a long run leaves of a burst."""
    speeds = {clocks: [r.tflops for r in chosen if r["dtype"] == "bf16" and r["policy"] == "first"
                       and r["clocks"] == clocks] for clocks in ("burst", "sustained")}
    if not all(speeds.values()):
        return ""
    burst, sustained = (median(speeds[clocks]) for clocks in ("burst", "sustained"))
    return (f"The median is {number(burst)} TFLOP/s in a burst and {number(sustained)} sustained (of fewer products: "
            "the section on sustained clocks compares the same ones).")


def power_of_two(size):
    """The largest power of two that divides the size, 256 at most."""
    return min(size & -size, POWERS[-1])


def alignment(page, records, gpu):
    page.heading("Alignment")
    page.say("What is left of the rate when one size is divisible by no more than the power of two in the first column "
             "(256: by 256 or more) and the other two are multiples of 64. 100 % is the median of the products in "
             "which all three are multiples of 64, of the same dtype and layout. Each cell is a median with the number "
             "of records; blank where there are fewer than 3.")
    chosen = [r for r in products(usable(records)) if r["batch"] == 1 and r["clocks"] == "burst"
              and r["policy"] == "first" and min(r["m"], r["n"], r["k"]) >= 1024]
    groups = group_by(chosen, lambda r: (DTYPES.index(r["dtype"]), LAYOUTS.index(r["layout"])))
    tables = [(DTYPES[d], LAYOUTS[l], alignment_table(group)) for (d, l), group in groups.items()]
    tables = [table for table in tables if table[2]]
    by_place(page, tables)
    sparse = [f"{dtype} {layout}" for dtype, layout, (_, cells) in tables if not dense(cells)]
    if sparse:
        page.say(f"Too few records for a table of their own: {', '.join(sparse)}.")
    for dtype, layout, (reference, cells) in tables:
        if not dense(cells):
            continue
        page.heading(f"{dtype} {layout}", 3)
        peak = gpu.peak_tflops(dtype)
        page.say(f"100 % is {number(reference)} TFLOP/s" +
                 (f", {percent(reference / peak)} of the datasheet's peak." if peak else "."))
        rows = [[power] + [cell([r.tflops / reference for r in cells[size, power]], percent) for size in "mnk"]
                for power in POWERS]
        page.table(["divides", "m", "n", "k"], rows,
                   f"{dtype} {layout} products, not batched, burst, first choice, m, n and k from 1024, two of them "
                   "multiples of 64", distinct(cells))


def by_place(page, tables):
    """Over all layouts, by whether the size runs along the rows of an operand."""
    columns = {}
    for dtype, layout, (reference, cells) in tables:
        for size, power in cells:
            place = "along rows" if size in ALONG_ROWS[layout] else "across"
            column = columns.setdefault((DTYPES.index(dtype), place), {one: [] for one in POWERS})
            column[power] += [r.tflops / reference for r in cells[size, power]]
    columns = sorted(columns.items(), key=lambda column: (column[0][0], column[0][1] != "along rows"))
    rows = [[power] + [cell(shares[power], percent) for _, shares in columns] for power in POWERS]
    page.say("All layouts together, by where the size lies: along the rows of an operand or of the result, or across "
             "all of them (m in `nt` and `nn`, k in `tn`):")
    page.table(["divides"] + [f"{DTYPES[dtype]} {place}" for (dtype, place), _ in columns], rows if columns else [],
               "products of every dtype and layout, not batched, burst, first choice, m, n and k from 1024, two of "
               "them multiples of 64", sum(distinct(cells) for _, _, (_, cells) in tables))
    said = [threshold_words(DTYPES[dtype], shares) for (dtype, place), shares in columns if place == "along rows"]
    if any(said):
        page.say("Along rows a tenth or more is lost: " + "; ".join(filter(None, said)) + ".")


def threshold_words(dtype, shares):
    """Below which power of two a tenth or more is lost, of what was measured."""
    seen = [(power, median(shares[power]) < 0.9) for power in POWERS if len(shares[power]) >= 3]
    lost = [power for power, loses in seen if loses]
    if not seen:
        return ""
    if not lost:
        return f"{dtype} nowhere from {seen[0][0]} on"
    return f"{dtype} up to {lost[-1]} elements ({lost[-1] * ELEMENT_BYTES[dtype]} bytes)"


def alignment_table(group):
    """The aligned rate and, by size and power of two, the records that show it; None without aligned products."""
    whole = [r.tflops for r in group if all(r[size] % 64 == 0 for size in "mnk")]
    if len(whole) < 3:
        return None
    cells = {(size, power): [] for size in "mnk" for power in POWERS}
    for r in group:
        for size in "mnk":
            if all(r[other] % 64 == 0 for other in "mnk" if other != size):
                cells[size, power_of_two(r[size])].append(r)
    return median(whole), cells


def distinct(cells):
    return len({id(r) for records in cells.values() for r in records})


def dense(cells):
    """Whether a third of the powers below 64 have enough records."""
    filled = [len(records) >= 3 for (_, power), records in cells.items() if power < 64]
    return 3 * sum(filled) >= len(filled)
