"""A Markdown page: headings, wrapped sentences, tables; and how numbers are written on it."""
import bisect
import math
import textwrap

WIDTH = 120


class Page:
    def __init__(self):
        self.blocks = []

    def heading(self, text, level=2):
        self.blocks.append("#" * level + " " + text)

    def say(self, *sentences):
        """One paragraph; empty sentences are left out."""
        text = " ".join(sentence for sentence in sentences if sentence)
        if text:
            self.blocks.append(textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False))

    def listing(self, items):
        self.blocks.append("\n".join(
            textwrap.fill(item, WIDTH, initial_indent="* ", subsequent_indent="  ", break_long_words=False,
                          break_on_hyphens=False) for item in items))

    def table(self, header, rows, made_of, n, texts=1, unit="record"):
        """A table, then which records (or what else) it is made of. The first `texts` columns are words."""
        if not rows:
            self.say(f"No table: no records of this filter ({made_of}).")
            return
        rule = ["---" if i < texts else "--:" for i in range(len(header))]
        lines = [header, rule] + [[str(cell) for cell in row] for row in rows]
        self.blocks.append("\n".join("| " + " | ".join(line) + " |" for line in lines))
        self.say(f"Made of {count(n)} {unit}{'' if n == 1 else 's'}: {made_of}.")

    def text(self):
        return "\n\n".join(self.blocks) + "\n"


def quantile(values, part):
    """Linear between the sorted values; part in [0, 1]."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def median(values):
    return quantile(values, 0.5)


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def count(n):
    return f"{n:,}"


def number(value, digits=3):
    """At least so many significant digits, never an exponent."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    return f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"


def percent(part, digits=0):
    return "" if part is None else f"{100 * part:.{digits}f} %"


def times(ratio):
    return "" if ratio is None else f"{ratio:.3f}x"


def maybe(summary, values, write, least=1):
    """write(summary(values)), or nothing where there are fewer than `least`."""
    values = [value for value in values if value is not None]
    return write(summary(values)) if len(values) >= least else ""


def cell(values, write, least=3):
    """The median with how many values it is of; blank for fewer than `least`."""
    return f"{write(median(values))} ({count(len(values))})" if len(values) >= least else ""


class Bands:
    """Ranges of a number: below the first edge, from each edge up to the next, from the last edge on."""

    def __init__(self, edges, labels):
        assert len(labels) == len(edges) + 1
        self.edges, self.labels = edges, labels

    def of(self, value):
        return self.labels[bisect.bisect_right(self.edges, value)]

    def group(self, items, key):
        """Items by label, every label there, in order."""
        groups = {label: [] for label in self.labels}
        for item in items:
            groups[self.of(key(item))].append(item)
        return groups


def group_by(items, key):
    """Items by key, keys in order."""
    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return dict(sorted(groups.items()))
