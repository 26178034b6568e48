"""Which algorithm the library chooses, and what measuring its proposals gains."""
from collections import Counter

from .page import count, geometric_mean, median, percent, quantile, times
from .products import CLASSES, product_class
from .records import DTYPES, pairs, products, usable

TOP = 12
CHOICE = ("id", "tile_m", "tile_n", "stages", "split_k", "cluster_m", "cluster_n", "swizzle", "key")


def default_against_best(page, records, _gpu):
    page.heading("Default against best algorithm")
    both = pairs(products(usable([r for r in records if r["clocks"] == "burst"])), "policy", "first", "tuned")
    if both:
        gains = [first.time_s / tuned.time_s for first, tuned in both]
        same = [first.time_s / tuned.time_s for first, tuned in both if same_algorithm(first, tuned)]
        page.say(f"Over all {count(len(both))} products the tuned choice is {times(geometric_mean(gains))} as fast as "
                 f"the first (geometric mean), and {percent(share_over(gains, 1.05))} of them gain more than 5 %.",
                 noise_sentence(same))
    rows = []
    for label, group in classes_and_all(both):
        gains = [first.time_s / tuned.time_s for first, tuned in group]
        same = sum(same_algorithm(first, tuned) for first, tuned in group) / len(group)
        rows.append([label, count(len(group)), percent(same)]
                    + [percent(share_over(gains, limit)) for limit in (1.01, 1.05, 1.2)]
                    + [times(geometric_mean(gains)), times(median(gains)), times(quantile(gains, 0.95)),
                       times(max(gains)), times(min(gains))])
    page.table(["class", "n", "same algorithm", "over 1.01x", "over 1.05x", "over 1.2x", "geometric mean", "median",
                "p95", "largest", "smallest"], rows,
               "products of all dtypes and layouts measured in a burst by both choices; gain is the time of "
               "the first over the tuned", len(both), unit="pair")


def classes_and_all(both):
    groups = [(label, [pair for pair in both if product_class(pair[0]) == label]) for label in CLASSES]
    return [(label, group) for label, group in groups + [("all", both)] if group]


def share_over(gains, limit):
    return sum(gain > limit for gain in gains) / len(gains)


def same_algorithm(a, b):
    return all(a["algorithm." + name] == b["algorithm." + name] for name in CHOICE)


def noise_sentence(same):
    """What the gain reads where nothing was changed."""
    if len(same) < 3:
        return ""
    low, middle, high = (times(quantile(same, part)) for part in (0.1, 0.5, 0.9))
    return (f"Where both are the same algorithm ({count(len(same))} products) the quotient of the two times is noise: "
            f"median {middle}, p10 to p90 {low} to {high}; gains inside that range say nothing.")


def choices(page, records, _gpu):
    page.heading("Which algorithms are chosen")
    chosen = [r for r in products(usable(records)) if r["clocks"] == "burst" and r["algorithm.library"]]
    columns = [column for column in choice_columns(chosen) if column[1]]
    properties = (("Tiles (m x n)", lambda r: joined(r, "tile_m", "tile_n")),
                  ("Clusters (m x n)", lambda r: joined(r, "cluster_m", "cluster_n")),
                  ("Split-K", lambda r: r["algorithm.split_k"]), ("Stages", lambda r: r["algorithm.stages"]),
                  ("Algorithm ids", lambda r: r["algorithm.id"]))
    page.say(f"How often each is chosen, per column; the {TOP} most frequent of the records of all columns. Columns of "
             "a class and \"tuned\" are bf16. A dash stands for what the library does not state.")
    for title, value in properties:
        page.heading(title, 3)
        page.table([title] + [f"{name} ({count(len(group))})" for name, group in columns],
                   choice_rows(columns, value), "products in a burst; first choice but in the column \"tuned\"",
                   len({id(r) for _, group in columns for r in group}))


def choice_columns(chosen):
    first = [r for r in chosen if r["policy"] == "first"]
    columns = [(name, [r for r in first if r["dtype"] == "bf16" and product_class(r) == name]) for name in CLASSES]
    columns += [(dtype, [r for r in first if r["dtype"] == dtype]) for dtype in DTYPES if dtype != "bf16"]
    return columns + [("tuned", [r for r in chosen if r["policy"] == "tuned" and r["dtype"] == "bf16"])]


def choice_rows(columns, value):
    counts = [Counter(value(r) for r in group) for _, group in columns]
    total = sum(counts, Counter())
    top = sorted(total, key=lambda one: (-total[one], str(one)))[:TOP]
    shares = {one: [part[one] / len(group) for part, (_, group) in zip(counts, columns)] for one in top}
    return [["-" if one is None else one] + [percent(share, 1) if share else "" for share in shares[one]]
            for one in top]


def joined(r, rows, columns):
    if r["algorithm." + rows] is None:
        return None
    return f"{r['algorithm.' + rows]}x{r['algorithm.' + columns]}"
