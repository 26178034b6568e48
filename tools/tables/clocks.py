"""Sustained clocks against bursts: what a long run leaves, by power, by duration and by kind."""
from .page import Bands, count, group_by, maybe, median, quantile, times
from .records import pairs, usable

POWER = Bands((200, 400, 600), ("under 200 W", "200 to 400 W", "400 to 600 W", "600 W and more"))
DURATION = Bands((10e-6, 100e-6, 1e-3), ("under 10 µs", "10 to 100 µs", "100 µs to 1 ms", "1 ms and more"))
HEADER = ["n", "p10", "median", "p90", "burst MHz", "sustained MHz", "burst W", "sustained W"]
MADE_OF = "operators of every kind measured in both ways, first choice"


def sustained(page, records, _gpu):
    page.heading("Sustained against burst")
    first = [r for r in usable(records) if r["policy"] == "first"]
    both = pairs(first, "clocks", "burst", "sustained")
    powered = [pair for pair in both if pair[1]["power_w"] is not None]
    page.say("The time of the same operator at sustained clocks over its time in a burst: above 1x the long run is "
             "slower. Power and clocks are medians of what was read during the measurement.", power_sentence(powered))
    by_power = POWER.group(powered, lambda pair: pair[1]["power_w"])
    by_duration = DURATION.group(both, lambda pair: pair[0].time_s)
    by_kind = group_by(both, lambda pair: " ".join(filter(None, (pair[0]["kind"], pair[0]["dtype"]))))
    page.table(["power drawn, sustained"] + HEADER, rows(by_power), MADE_OF + ", with a power reading", len(powered),
               unit="pair")
    page.table(["duration in a burst"] + HEADER, rows(by_duration), MADE_OF, len(both), unit="pair")
    page.table(["kind and dtype"] + HEADER, rows(by_kind), MADE_OF, len(both), unit="pair")


def rows(groups):
    return [[label] + row(group) for label, group in groups.items() if group]


def row(group):
    ratios = [slow.time_s / fast.time_s for fast, slow in group]
    spread = [times(quantile(ratios, part)) for part in (0.1, 0.5, 0.9)]
    readings = [maybe(median, [pair[side][column] for pair in group], lambda value: f"{value:.0f}")
                for column in ("clock_mhz", "power_w") for side in (0, 1)]
    return [count(len(group))] + spread + readings


def power_sentence(powered):
    groups = [(label, group) for label, group in POWER.group(powered, lambda pair: pair[1]["power_w"]).items() if group]
    if len(groups) < 2:
        return ""
    ratios = [(label, median([slow.time_s / fast.time_s for fast, slow in group])) for label, group in groups]
    (low, few), (high, many) = ratios[0], ratios[-1]
    return f"The median is {times(few)} where a long run draws {low} and {times(many)} where it draws {high}."
