"""Fused attention beside the products and the softmax that it replaces, backward, and decode over a cache."""
from .page import Bands, cell, count, group_by, median, number, times
from .products import power_of_two
from .records import cache_bytes, ordinary, products

LONG = 1024
HEAD_DIMS = Bands((48, 80, 112, 160, 224),
                  ("up to 47", "48 to 79", "80 to 111", "112 to 159", "160 to 223", "224 to 256"))
CACHES = Bands((2**20, 2**24, 2**28), ("under 1 MiB", "1 to 16 MiB", "16 to 256 MiB", "256 MiB and more"))
LENGTHS = Bands((512, 2048, 8192, 32768), ("128 to 511", "512 to 2047", "2048 to 8191", "8192 to 32767", "from 32768"))
SHARED = Bands((2, 5), ("1", "2 to 4", "from 5"))


def fused_against_unfused(page, records, _gpu):
    page.heading("Fused against unfused attention")
    fused = [r for r in ordinary(records, "attention") if r["queries"] > 1 and not r["window"]]
    square = [r for r in fused if r["queries"] == r["keys"]]
    score, over_values = score_products(records), over_value_products(records)
    softmax = [r for r in ordinary(records, "softmax") if r["masked"] and not r["backward"]]
    page.say("Unfused attention writes the scores: a product of queries and keys (`nt`), a masked softmax, a product "
             "over the values (`nn`), each for batch x heads matrices. Both products compute the whole square; fused "
             "attention skips the half that a causal mask takes away.")
    matched = same_sizes([r for r in square if r["causal"] and not r["backward"]], score, over_values, softmax)
    if matched:
        exact_table(page, matched)
    else:
        by_pair_table(page, square, score, over_values, softmax)
    rate_table(page, fused)
    residue_table(page, score, over_values)


def batched_products(records, layout):
    return [r for r in products(ordinary(records, "gemm")) if r["batch"] > 1 and r["layout"] == layout]


def score_products(records):
    """batch x [s, d] [s, d]^T, bf16 and fp16."""
    return [r for r in batched_products(records, "nt") if r["m"] == r["n"] and r["k"] <= 256 and r.element_bytes == 2]


def over_value_products(records):
    """batch x [s, s] [s, d], bf16 and fp16."""
    return [r for r in batched_products(records, "nn") if r["m"] == r["k"] and r["n"] <= 256 and r.element_bytes == 2]


def same_sizes(fused, score, over_values, softmax):
    """Fused attention with [score, softmax, over values] of the same sizes and dtype, where all were measured."""
    products_of_scores = {(r["dtype"], r["batch"], r["m"], r["k"]): r for r in score}
    products_over_values = {(r["dtype"], r["batch"], r["m"], r["n"]): r for r in over_values}
    softmaxes = {(r["dtype"], r["rows"], r["columns"]): r for r in softmax}
    matched = []
    for r in fused:
        if r["value_dim"] not in (None, r["head_dim"]):
            continue
        sizes = (r["dtype"], matrices(r), r["keys"], r["head_dim"])
        parts = [products_of_scores.get(sizes), softmaxes.get((r["dtype"], matrices(r) * r["keys"], r["keys"])),
                 products_over_values.get(sizes)]
        if all(part is not None for part in parts):
            matched.append((r, parts))
    return sorted(matched, key=lambda one: (one[0]["keys"], matrices(one[0]), one[0]["head_dim"]))


def matrices(r):
    return r["batch"] * r["heads"]


def exact_table(page, matched):
    rows, ratios = [], []
    for r, parts in matched:
        ratios.append(sum(part.time_s for part in parts) / r.time_s)
        rows.append([r["keys"], matrices(r), r["head_dim"]]
                    + [number(part.time_s * 1e6) for part in [r, *parts]] + [f"{ratios[-1]:.2f}x"])
    page.say(f"Unfused, the three take {min(ratios):.2f} to {max(ratios):.2f} times as long as the fused kernel, "
             f"{median(ratios):.2f} times at the median of the sizes below.")
    page.table(["tokens", "batch x heads", "head dim", "fused µs", "score µs", "softmax µs", "over values µs",
                "unfused / fused"], rows,
               "causal fused forward attention with as many queries as keys, beside both products and the masked "
               "softmax of the same sizes and dtype", 4 * len(matched), texts=0)


def by_pair_table(page, square, score, over_values, softmax):
    """Time per element of the square of scores: comparable without equal sizes."""
    softmax = [per_score(r, r["rows"] * r["columns"]) for r in softmax
               if LONG <= r["columns"] <= 16384 and r.element_bytes == 2 and r["rows"] >= 8 * r["columns"]]
    softmax_time = median(softmax) if len(softmax) >= 3 else None
    rows, used = [], []
    forward = [r for r in square if not r["backward"] and r["keys"] >= LONG and r.element_bytes == 2]
    for head_dim, group in group_by(forward, lambda r: r["head_dim"]).items():
        causal, full = ([r for r in group if bool(r["causal"]) == wanted] for wanted in (True, False))
        scores = [r for r in score if r["k"] == head_dim and r["m"] >= LONG]
        values = [r for r in over_values if r["n"] == head_dim and r["m"] >= LONG]
        parts = [[per_score(r, r["batch"] * r["heads"] * r["keys"]**2) for r in part] for part in (causal, full)]
        parts += [[per_score(r, r["batch"] * r["m"]**2) for r in scores],
                  [per_score(r, r["batch"] * r["m"]**2) for r in values]]
        rows.append([head_dim] + [cell(part, number) for part in parts] + [""] * 2)
        if softmax_time and all(len(part) >= 3 for part in (parts[0], parts[2], parts[3])):
            unfused = median(parts[2]) + softmax_time + median(parts[3])
            rows[-1][-2:] = [number(unfused), times(unfused / median(parts[0]))]
        used += causal + full + scores + values
    page.say(f"By size the four need not match: here is the time per element of the square of scores, in picoseconds, "
             f"at {LONG} tokens and more, medians with the number of records. Unfused is score + softmax "
             "+ over values.",
             f"The masked softmax takes {number(softmax_time)} ps ({count(len(softmax))} records)." if softmax_time
             else "")
    page.table(["head dim", "fused causal", "fused full", "score", "over values", "unfused", "unfused / fused causal"],
               rows, "bf16 and fp16 fused forward attention with as many queries as keys, and batched products of "
               "these head dims", len(used))


def per_score(r, scores):
    return r.time_s / scores * 1e12


def rate_table(page, fused):
    """TFLOP/s by head dim, forward and backward."""
    rows = []
    long = [r for r in fused if r["keys"] >= LONG and r["queries"] >= LONG]
    for head_dim, group in group_by(long, lambda r: r["head_dim"]).items():
        parts = [[r.tflops for r in group if bool(r["backward"]) == backward and bool(r["causal"]) == causal]
                 for backward in (False, True) for causal in (True, False)]
        best = max((speed for part in parts[:2] for speed in part), default=None)
        cells = [cell(part, number) for part in parts]
        if any(cells):
            rows.append([head_dim] + cells + [number(best)])
    page.say(f"TFLOP/s of fused attention at {LONG} queries and more; only unmasked pairs count as FLOP.")
    page.table(["head dim", "forward causal", "forward full", "backward causal", "backward full", "best forward"], rows,
               "attention without a window, burst, every dtype; head dims with fewer than 3 of each are left out",
               len(long))


def residue_table(page, score, over_values):
    """TFLOP/s of the two products by head dim and what divides it."""
    long_score, long_values = ([r for r in group if r["m"] >= LONG] for group in (score, over_values))
    columns = ((1, "odd"), (2, "2"), (4, "4"), (8, "8"), (16, "16"), (32, "32"), (64, "64 and more"))

    def rows_of(name, group, dim):
        rows = []
        for label, band in HEAD_DIMS.group(group, lambda r: r[dim]).items():
            parts = [[r.tflops for r in band if min(64, power_of_two(r[dim])) == power] for power, _ in columns]
            if band:
                rows.append([name, label] + [cell(part, number) for part in parts])
        return rows
    page.say("TFLOP/s of the two products, by head dim and by the largest power of two that divides it.")
    page.table(["product", "head dim"] + [label for _, label in columns],
               rows_of("score", long_score, "k") + rows_of("over values", long_values, "n"),
               f"batched bf16 and fp16 products over {LONG} tokens and more, burst, first choice",
               len(long_score) + len(long_values), texts=2)


def decode(page, records, gpu):
    page.heading("Attention in decode")
    one = [r for r in ordinary(records, "attention") if r["queries"] == 1 and not r["backward"] and not r["window"]]
    page.say("One query to a sequence over a cache of keys and values: bytes of the cache over the time, in TB/s.",
             f"The datasheet's bandwidth is {number(gpu.facts['bandwidth'] / 1e12)} TB/s; a cache that fits in L2 was "
             "flushed from it between calls.", best_decode_sentence(one))
    head_dims = sorted({r["head_dim"] for r in one})
    bandwidth_table(page, one, ("cache, tokens", LENGTHS, lambda r: r["keys"]),
                    [(f"head dim {dim}", lambda r, dim=dim: r["head_dim"] == dim) for dim in head_dims])
    bandwidth_table(page, one, ("cache, bytes", CACHES, cache_bytes),
                    [(f"heads per KV head: {label}", lambda r, label=label: SHARED.of(sharing(r)) == label)
                     for label in SHARED.labels])


def sharing(r):
    return r["heads"] // (r["kv_heads"] or r["heads"])


def best_decode_sentence(one):
    if not one:
        return ""
    best = max(one, key=lambda r: cache_bytes(r) / r.time_s)
    return f"The best is {number(cache_bytes(best) / best.time_s / 1e12)} TB/s: {best.says()}."


def bandwidth_table(page, one, by, columns):
    title, bands, key = by
    rows = []
    for label, group in bands.group(one, key).items():
        parts = [[cache_bytes(r) / r.time_s / 1e12 for r in group if wanted(r)] for _, wanted in columns]
        if group:
            rows.append([label] + [cell(part, number) for part in parts])
    page.table([title] + [name for name, _ in columns], rows, "attention with one query, burst, every dtype", len(one))
