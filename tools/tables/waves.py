"""Waves of tiles: how they are counted, and where a partly filled last wave can be seen in the time.

A product of `tiles` tiles on a GPU of `sms` multiprocessors makes tiles / sms waves. If every tile takes as long and an
SM works on one at a time, the time follows the whole waves, ceil(tiles / sms); if the scheduler hides the tail, it
follows the fraction itself.
"""
import math

from .page import Bands, cell, count, group_by, median, percent
from .products import aligned, product_class
from .records import products, usable

NUMBER = Bands((1.0000001, 2.0000001, 4.0000001, 8.0000001), ("up to 1", "1 to 2", "2 to 4", "4 to 8", "over 8"))
FILL = Bands((0.2500001, 0.5000001, 0.7500001), ("up to 1/4", "1/4 to 1/2", "1/2 to 3/4", "3/4 to 1"))
LEAST_IN_SERIES = 5
ROUNDS = 20
MOST_TO_AN_SM = 4


def waves(page, records, gpu):
    page.heading("Waves")
    sms = gpu.facts["sms"]
    chosen = [r for r in products(usable(records))
              if r["clocks"] == "burst" and r["policy"] == "first" and r["algorithm.tile_m"] and r["algorithm.tile_n"]]
    if not chosen:
        page.say("No records with tiles.")
        return
    page.say(f"Counted here: ceil(m / tile m) x ceil(n / tile n) x batch x split-K tiles over {sms} SMs.",
             orientation_sentence(chosen, sms))
    efficiency_table(page, chosen, sms)
    series_table(page, chosen, sms)


def tiles(r, exchanged=False):
    rows, columns = r["algorithm.tile_m"], r["algorithm.tile_n"]
    if exchanged:
        rows, columns = columns, rows
    whole = math.ceil(r["m"] / rows) * math.ceil(r["n"] / columns)
    return whole * r["batch"] * max(1, r["algorithm.split_k"] or 1)


def orientation_sentence(chosen, sms):
    """How well the count fits the library's own number, as recorded and with the tile turned."""
    stated = [r for r in chosen if r["algorithm.waves"] and r["algorithm.tile_m"] != r["algorithm.tile_n"]]
    if not stated:
        return ""
    single, several = ([agreement(stated, sms, turn, most) for turn in (False, True)] for most in (1, MOST_TO_AN_SM))
    better = "as recorded" if several[0] >= several[1] else "exchanged, although the tables below take it as recorded"
    return (f"Of {count(len(stated))} records with a tile that is not square this is within 2 % of the library's own "
            f"number of waves for {percent(single[0])} ({percent(several[0])} if an SM may hold up to {MOST_TO_AN_SM} "
            f"tiles at a time), and with the tile's sides exchanged for {percent(single[1])} ({percent(several[1])}): "
            f"the tile is {better}.")


def agreement(stated, sms, exchanged, most):
    """The share of the records whose waves are those stated, with up to `most` tiles on an SM at a time."""
    def fits(r):
        ratio = tiles(r, exchanged) / sms / r["algorithm.waves"]
        return any(abs(ratio / held - 1) < 0.02 for held in range(1, most + 1))
    return sum(map(fits, stated)) / len(stated)


def last_fill(number_of_waves):
    """How much of the last wave is filled, in (0, 1]."""
    return number_of_waves - math.ceil(number_of_waves) + 1


def efficiency_table(page, chosen, sms):
    """The rate over the dtype's best, by how many waves and how full the last is."""
    best = {dtype: max(r.tflops for r in group) for dtype, group in group_by(chosen, lambda r: r["dtype"]).items()}
    worked = [r for r in chosen if aligned(r) and r["k"] >= 1024]
    by_number = NUMBER.group(worked, lambda r: tiles(r) / sms)
    rows, seen = [], []
    for label, group in by_number.items():
        by_fill = FILL.group(group, lambda r: last_fill(tiles(r) / sms))
        rates = {fill: [r.tflops / best[r["dtype"]] for r in part] for fill, part in by_fill.items()}
        rows.append([label] + [cell(rates[fill], percent) for fill in FILL.labels])
        seen.append(visible(label, rates[FILL.labels[0]], rates[FILL.labels[-1]]))
    said = "; ".join(filter(None, seen))
    page.say("The rate, as a share of the dtype's best, by the number of waves and by how much of the last one is "
             "filled. Where waves are visible it rises along the row; they are called so from 5 % on. Up to one wave, "
             "how full it is is also how many SMs work at all.",
             f"A last wave filled up to a quarter leaves of a full one's rate, by the number of waves: {said}." if said
             else "")
    page.table(["waves"] + [f"last wave filled {fill}" for fill in FILL.labels], rows,
               "aligned products with k from 1024, every dtype and layout, burst, first choice, tile stated",
               len(worked))


def visible(label, empty, full):
    if len(empty) < 3 or len(full) < 3:
        return ""
    ratio = median(empty) / median(full)
    return f"{label}: {percent(ratio, 1)} ({'visible' if ratio < 0.95 else 'not visible'})"


def series_table(page, chosen, sms):
    """c of time = a + b (waves + c (ceil(waves) - waves)), over series that differ in one size only."""
    series = [one for size in "mn" for one in series_along(chosen, size)]
    rows, used = [], 0
    for label, members in NUMBER.group(series, lambda one: median([tiles(r) / sms for r in one])).items():
        found = coefficient([fitted(one, sms) for one in members])
        if found:
            value, error = found
            used += sum(map(len, members))
            rows.append([label, count(len(members)), count(sum(map(len, members))), f"{value:.2f}",
                         f"{value - 1.645 * error:.2f} to {value + 1.645 * error:.2f}"])
    page.say(f"Series of at least {LEAST_IN_SERIES} training products that differ in m alone or in n alone and use the "
             "same tile tell it apart from everything else. In time = a + b (waves + c (ceil(waves) - waves)) c = 0 "
             "means that the time follows the fraction, c = 1 that it follows whole waves. Each series has its own a "
             "and b, all series of a row have one c, fitted by least squares.")
    page.table(["median waves of the series", "series", "records", "c", "90 % interval"], rows,
               "training products of every dtype and layout, burst, first choice, tile stated, in such series", used)


def series_along(chosen, size):
    fixed = [name for name in ("dtype", "layout", "batch", "m", "n", "k") if name != size]
    fixed += ["algorithm.tile_m", "algorithm.tile_n", "algorithm.split_k", "algorithm.id"]
    training = [r for r in chosen if product_class(r) == "training"]
    groups = group_by(training, lambda r: tuple(str(r[name]) for name in fixed))
    return [group for group in groups.values() if len({r[size] for r in group}) >= LEAST_IN_SERIES]


def fitted(one, sms):
    """Lines over the waves: (slope, residuals) of the relative time, and of the missing part of the last wave."""
    counted = [tiles(r) / sms for r in one]
    mean_s = sum(r.time_s for r in one) / len(one)
    return line(counted, [r.time_s / mean_s for r in one]), line(counted, [math.ceil(w) - w for w in counted])


def line(x, y):
    """Slope and residuals of y over x by least squares."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((one - mean_x) ** 2 for one in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / spread if spread else 0
    return slope, [b - mean_y - slope * (a - mean_x) for a, b in zip(x, y)]


def coefficient(series):
    """c and its standard error; None where the series cannot tell.

    Over its waves a series' time has the slope b (1 + c u), u being the slope of the missing part, and its residuals
    are b c times those of the missing part: b and c follow from each other in turn.
    """
    c = 0.0
    for _ in range(ROUNDS):
        points = []
        for (slope, time), (missing_slope, missing) in series:
            if slope > 0 and 1 + c * missing_slope > 0:
                b = slope / (1 + c * missing_slope)
                points += [(b * m, t) for m, t in zip(missing, time)]
        power = sum(m * m for m, _ in points)
        free = len(points) - 2 * len(series) - 1
        if free < 3 or power < 1e-9:
            return None
        c = sum(m * t for m, t in points) / power
    return c, math.sqrt(sum((t - c * m) ** 2 for m, t in points) / free / power)
