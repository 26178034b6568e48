"""What the records were taken on, how many there are, and which of them say nothing about speed."""
import re

from .page import count, group_by
from .records import DTYPES

STATUSES = ("ok", "skipped", "untrusted", "failed")
LISTED = 100


def measured_on(page, records, gpu):
    page.heading("What it was measured on")
    stated = [("GPU", "device"), ("driver", "driver"), ("CUDA", "runtime"), ("products", "products"),
              ("attention", "attention"), ("gemmetry", "tool")]
    rows = [(label, ", ".join(sorted({str(r[column]) for r in records if r[column]}))) for label, column in stated]
    devices = {r["uuid"] for r in records if r["uuid"]}
    dates = sorted(r["time"][:10] for r in records if r["time"])
    if devices:
        rows.append(("devices", count(len(devices))))
    if dates:
        rows.append(("dates", dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"))
    rows.append(("datasheet", gpu.title))
    page.table(["what", "value"], [row for row in rows if row[1]], "all records", len(records), texts=2)
    counts(page, records)


def counts(page, records):
    """How many records of each kind and dtype."""
    def place(r):
        dtype = r["dtype"] or ""
        return r["kind"], DTYPES.index(dtype) if dtype in DTYPES else -1, dtype
    rows = []
    for (kind, _, dtype), group in group_by(records, place).items():
        rows.append([kind, dtype, count(len(group))] + numbers(group))
    rows.append(["all", "", count(len(records))] + numbers(records))
    page.table(["kind", "dtype", "records", "burst", "sustained", "tuned", "on a stream", *STATUSES, "held out"], rows,
               "all records", len(records), texts=2)


def numbers(group):
    settings = (("clocks", "burst"), ("clocks", "sustained"), ("policy", "tuned"), ("launch", "stream"))
    parts = [sum(r[column] == value for r in group) for column, value in settings]
    parts += [sum(r["status"] == status for r in group) for status in STATUSES]
    return [count(n) for n in parts + [sum(bool(r["held_out"]) for r in group)]]


def left_out(page, records):
    """Every record without a trusted time, by reason."""
    page.heading("Records without a trusted time")
    bad = [r for r in records if r["status"] != "ok"]
    if not bad:
        page.say("None: every record has the status ok.")
        return
    page.say("They are part of no other table. A number in a reason is written as N where it differs from record to "
             "record.")

    def place(r):
        return STATUSES.index(r["status"]), r["kind"], pattern(r["reason"])
    rows = []
    for (status, kind, reason), group in group_by(bad, place).items():
        reasons = {r["reason"] for r in group}
        said = reasons.pop() if len(reasons) == 1 else reason
        rows.append([STATUSES[status], kind, plain(said), count(len(group))])
    page.table(["status", "kind", "reason", "records"], rows, "records whose status is not ok", len(bad), texts=3)
    suspects = [r for r in bad if r["status"] in ("untrusted", "failed")]
    if not suspects:
        page.say("No record is untrusted or failed.")
        return
    page.say("Untrusted and failed ones, one by one" +
             (f" (the first {LISTED} of {count(len(suspects))}):" if len(suspects) > LISTED else ":"))
    page.listing(f"`{r.says()}` ({r['clocks']}, {r['policy']}): {r['status']}, {plain(r['reason'])}"
                 for r in suspects[:LISTED])


def pattern(reason):
    return re.sub(r"\d+(\.\d+)?(e[+-]?\d+)?", "N", reason or "no reason stated")


def plain(reason):
    """Fit for a table's cell."""
    return " ".join((reason or "no reason stated").split()).replace("|", "/")
