#!/usr/bin/env python3
"""Learns what a calibration's structured models miss, and writes it into the calibration's file.

    tools/train_residual.py build/release/gemmetry data/calibration/h200.json data/measured/h200/*.csv

For each kind of operator, LightGBM fits trees to the logarithm of measured over structured time. Sites that are held out are
never fitted, only judged; the errors that the file states come from folds of whole sites among the others. Needs Python 3 with
numpy, pandas and lightgbm. With a fixed seed and one thread the trees are the same each time.
"""
import argparse
import io
import json
import pathlib
import subprocess
import sys

import lightgbm
import numpy
import pandas

FOLDS = 5              # twice as many where records are few: a fold less than all of them would tell too much worse
FEW = 2500             # records
MOST = 2.0             # of a residual, as predict/residual_model.cpp has it
MOST_SPREAD = 1.5      # of the logarithm of how much wider an interval is, likewise
NORMAL_90 = 1.6448536  # half-width of a normal distribution's central 90 %, in standard deviations
FEWEST = 100           # records below which nothing is learned
HOST_S = 20e-6         # from which the host's launches do not show
COVERED = 0.9          # of records that an interval is to hold
POOLED = 30            # sites: a class of as many has half its width from its own records, half from the class around it
LEVELS = ("class.kind", "dtype", "class.size", "class.alignment")
# What tells the classes apart that `gemmetry validate` names.
CLASS_FEATURES = {"gemm": ("dtype", "log2_batch", "log2_m", "log2_n", "log2_k", "a_alignment", "b_alignment", "c_alignment"),
                  "row_wise": ("kind", "dtype_bytes", "log2_bytes")}
OTHER_CLASS_FEATURES = ("dtype", "log2_queries")
COMMON = {"feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1, "seed": 1, "num_threads": 1, "deterministic": True,
          "force_row_wise": True, "verbosity": -1}


def settings(y):
    """More records carry larger trees; what is further off than most counts by its distance, not its square."""
    small = len(y) < FEW
    usual = float(numpy.quantile(numpy.abs(y - numpy.median(y)), 0.8))
    return {**COMMON, "objective": "huber", "alpha": min(max(usual, 0.05), 0.5), "num_leaves": 24 if small else 63,
            "max_depth": 7 if small else 8, "learning_rate": 0.1 if small else 0.08, "min_data_in_leaf": 5 if small else 8,
            "lambda_l2": 1.0, "rounds": 120 if small else 200}


SPREAD = {**COMMON, "objective": "quantile", "alpha": COVERED, "num_leaves": 16, "learning_rate": 0.2, "min_data_in_leaf": 40,
          "rounds": 40}
EXACT = {**COMMON, "objective": "l2", "feature_fraction": 1.0, "bagging_freq": 0, "num_leaves": 1000, "learning_rate": 1.0,
         "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "lambda_l2": 0.0, "max_bin": 65535, "min_data_in_bin": 1, "rounds": 1}


def trained(x, y, setting):
    setting = dict(setting)
    rounds = setting.pop("rounds")
    return lightgbm.train(setting, lightgbm.Dataset(x, y), rounds)


def out_of_fold(x, y, sites, setting):
    """What trees say of each record that have seen nothing of its site."""
    names = sorted(set(sites))
    count = FOLDS if len(y) >= FEW else 2 * FOLDS
    fold = {site: i % count for i, site in enumerate(numpy.random.default_rng(1).permutation(names))}
    folds = numpy.array([fold[site] for site in sites])
    said = numpy.zeros(len(y))
    for i in range(count):
        test = folds == i
        if test.any() and not test.all():
            said[test] = trained(x[~test], y[~test], setting).predict(x[test])
    return said


def conformal(values):
    """What the next value of the same kind lies below with a chance of 90 % at least: a little above these values' own quantile."""
    ordered = numpy.sort(values)
    return float(ordered[min(int(numpy.ceil((len(ordered) + 1) * COVERED)), len(ordered)) - 1])


def width(deviations):
    """The standard deviation of a normal distribution whose central 90 % hold the next deviation as often."""
    return conformal(numpy.abs(deviations)) / NORMAL_90


def class_widths(rows, score):
    """By record: the logarithm that its class's widths are off by. Classes of few sites lean on the class around them."""
    found = numpy.zeros(len(rows))

    def walk(place, levels, around):
        own = conformal(score[place])
        sites = rows["site"].iloc[place].nunique()
        here = own if around is None else around + sites / (sites + POOLED) * (own - around)
        found[place] = here
        if levels and levels[0] not in rows:
            walk(place, levels[1:], here)
        elif levels:
            labels = rows[levels[0]].fillna("").to_numpy()[place]
            for label in sorted(set(labels)):
                walk(place[labels == label], levels[1:], here)

    walk(numpy.arange(len(rows)), LEVELS, None)
    return found


def class_tree(name, names, x, widths):
    """One tree that tells the widths of classes from the features that tell these apart."""
    telling = [i for i, feature in enumerate(names) if feature in CLASS_FEATURES.get(name, OTHER_CLASS_FEATURES)]
    shown = numpy.zeros_like(x)
    shown[:, telling] = x[:, telling]
    return trained(shown, widths, EXACT)


def spread_of(name, names, x, rows, left):
    """The logarithm of how much wider than its class's each record's error is, out of fold, and the trees that say so of any operator."""
    size = numpy.log(numpy.maximum(numpy.abs(left), 1e-3))
    size -= conformal(size)
    spread = out_of_fold(x, size, rows["site"].tolist(), SPREAD)
    widths = class_widths(rows, size - spread)
    widths -= (widths + spread).mean()
    models = [trained(x, size, SPREAD), class_tree(name, names, x, widths)]
    return numpy.clip(spread + widths, -MOST_SPREAD, MOST_SPREAD), models


def held(rows, left, spread):
    """Whether each error lies in an interval of such a spread."""
    scaled = pandas.Series(numpy.abs(left) / numpy.exp(spread))
    return (scaled <= scaled.groupby(rows["error_class"].to_numpy()).transform(conformal)).to_numpy()


def class_errors(rows, left, spread):
    """Shared and independent error by error class: neighbours in size share what is shared."""
    errors = {}
    scaled = left / numpy.exp(spread)
    for name, part in rows.groupby("error_class"):
        if len(part) < 20:
            continue
        place = part.index
        total = width(scaled[place])
        order = part.sort_values(["site", "dtype", "layout" if "layout" in part else "dtype", "structured_s"], kind="stable")
        same = (order["site"].to_numpy()[1:] == order["site"].to_numpy()[:-1])
        near = numpy.abs(numpy.diff(numpy.log(order["structured_s"]))) < 1
        steps = numpy.diff(scaled[order.index])[same & near]
        own = width(steps) / numpy.sqrt(2) if len(steps) >= 20 else 0.8 * total
        own = min(max(own, 0.3 * total), total)
        errors[name] = {"shared": significant(numpy.sqrt(total**2 - own**2), 3), "independent": significant(own, 3)}
    return errors


def significant(value, digits):
    return float(f"{value:.{digits}g}")


def shortest_between(low, high):
    """A decimal of few digits (three at least) in the middle of [low, high), where single precision keeps it."""
    middle = (low + high) / 2 if numpy.isfinite(high) else low
    for digits in range(3, 10):
        value = float(f"{middle:.{digits}g}")
        if low <= numpy.float32(value) < high and low <= value < high:
            return value
    return low


def nodes(tree, thresholds):
    """A LightGBM tree in pre-order: features (-1: a leaf) and numbers (thresholds, values)."""
    splits, numbers = [], []

    def walk(node):
        if "leaf_value" in node and "split_feature" not in node:
            splits.append(-1)
            numbers.append(significant(node["leaf_value"], 5))
            return
        feature = node["split_feature"]
        splits.append(feature)
        numbers.append(thresholds(feature, node["threshold"]))
        walk(node["left_child"])
        walk(node["right_child"])

    walk(tree["tree_structure"])
    return [splits, numbers]


def trees_of(model, x):
    """The model's trees with thresholds of few digits that part the records as it does."""
    values = [numpy.unique(x[:, i]) for i in range(x.shape[1])]

    def threshold(feature, at):
        known = values[feature]
        above = numpy.searchsorted(known, at, side="right")
        low = known[above - 1] if above > 0 else at
        high = known[above] if above < len(known) else numpy.inf
        return shortest_between(float(low), float(high))

    return [nodes(tree, threshold) for tree in model.dump_model()["tree_info"]]


def only_used(trees, spread, names):
    """The features that occur, and the trees with numbers among these."""
    used = sorted({feature for tree in trees + spread for feature in tree[0] if feature >= 0})
    number = {feature: i for i, feature in enumerate(used)} | {-1: -1}
    renumbered = [[[[number[feature] for feature in splits], numbers] for splits, numbers in part] for part in (trees, spread)]
    return [names[feature] for feature in used], *renumbered


def ranges_of(rows, features):
    sizes = [name for name in features if name.startswith("log2_")]
    return {name: [significant(f(rows["feature." + name]), 6) for f in (min, max)] for name in sizes}


def error_text(left):
    error = numpy.abs(numpy.expm1(left)) * 100
    return f"{error.mean():6.2f} {numpy.median(error):6.2f} {numpy.quantile(error, 0.95):6.1f}" if len(error) else "     -      -      -"


def size_class(rows):
    """By rows of a product, tokens of attention, bytes of the rest."""
    if rows["kind"].iloc[0] == "gemm":
        return pandas.cut(rows["m"], [0, 64, 1023, numpy.inf], labels=["m <= 64", "m < 1024", "m >= 1024"])
    if rows["kind"].iloc[0] == "attention":
        return pandas.cut(rows["keys"], [0, 1023, numpy.inf], labels=["keys < 1024", "keys >= 1024"])
    return pandas.cut(rows["feature.log2_bytes"], [-numpy.inf, 20, numpy.inf], labels=["below 1 MiB", "1 MiB and more"])


def report(title, rows, before, after, inside=None):
    print(f"  {title}: MAPE median P95 of structured and of corrected times, %{'' if inside is None else ', share in 90 % intervals'}")
    for key, part in rows.assign(size=size_class(rows)).groupby(["error_class", "dtype", "size"], observed=True, dropna=False):
        at = part.index
        print(f"    {' '.join(map(str, key)):44} {len(part):6}  {error_text(before[at])}  {error_text(after[at])}"
              + ("" if inside is None else f"  {100 * inside[at].mean():4.0f}"))


def names_of(rows):
    return [column.removeprefix("feature.") for column in rows if column.startswith("feature.") and rows[column].notna().all()]


def matrix(rows, names):
    return rows[["feature." + name for name in names]].to_numpy(numpy.float32).astype(float)


def target(rows):
    return numpy.clip(numpy.log(rows["time_s"] / rows["structured_s"]).to_numpy(), -MOST, MOST)


def fitted(name, names, rows):
    """The trees, what they leave of each record out of fold, the logarithm of how much wider its interval is, and the trees that say so."""
    x, y = matrix(rows, names), target(rows)
    setting = settings(y)
    left = y - out_of_fold(x, y, rows["site"].tolist(), setting)
    spread, spread_models = spread_of(name, names, x, rows, left)
    return trained(x, y, setting), left, spread, spread_models


def learned(name, rows):
    """The residual of one kind of operator from all its records, held-out ones last; None for too few."""
    names = names_of(rows)
    fit = rows[~rows["held_out"]].reset_index(drop=True)
    kept = rows[rows["held_out"]].reset_index(drop=True)
    print(f"{name}: {len(fit)} records, {len(kept)} held out")
    if len(fit) < FEWEST:
        return None

    model, left, spread, spread_models = fitted(name, names, fit)
    report("folds of whole sites", fit, target(fit), left, held(fit, left, spread))
    if len(kept):
        report("held-out sites", kept, target(kept), target(kept) - model.predict(matrix(kept, names)))

    x = matrix(fit, names)
    features, trees, spread_trees = only_used(trees_of(model, x), [tree for one in spread_models for tree in trees_of(one, x)], names)
    features += [n for n in names if n.startswith("log2_") and n not in features]
    return {"features": features, "dtypes": sorted(set(fit["dtype"])), "ranges": ranges_of(fit, features),
            "errors": class_errors(fit, left, spread), "trees": trees, "spread": spread_trees}


def samples(gemmetry, calibration, records):
    """CSV of every record with what the calibration says of it and its features, as the program computes them."""
    name = json.loads(calibration.read_text())["name"]
    command = [gemmetry, "validate", "--gpu", name, "--calibration", calibration, "--records", *records, "--all", "--format", "csv"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr)
    return io.StringIO(done.stdout)


def trainable(text):
    """The rows that a residual can be learned from."""
    rows = pandas.read_csv(text, low_memory=False)
    rows["held_out"] = rows["held_out"].astype(str).str.lower().isin(("true", "1", "yes"))
    rows["dtype"] = rows["dtype"].fillna("bf16")
    # What a host launches one by one waits for the host when it is short.
    own = (rows["launch"] == "graph") | (rows["time_s"] > HOST_S)
    return rows[(rows["clocks"] == "burst") & own & rows["residual"].notna() & (rows["time_s"] > 0)].reset_index(drop=True)


def text_of(value, depth=0):
    """JSON as people write it: objects line by line, lists and objects of errors on one line, a tree a line."""
    plain = isinstance(value, list) and not (value and isinstance(value[0], list) and value[0] and isinstance(value[0][0], list))
    short = isinstance(value, dict) and depth > 1 and all(not isinstance(v, (dict, list)) for v in value.values())
    if plain or short or not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":") if plain else None)
    inner = "  " * (depth + 1)
    if isinstance(value, list):
        return "[\n" + ",\n".join(text_of(v) for v in value) + "]"
    lines = (f"{inner}{json.dumps(key)}: {text_of(v, depth + 1)}" for key, v in value.items())
    return "{\n" + ",\n".join(lines) + "\n" + "  " * depth + "}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("calibration", type=pathlib.Path, help="the file that the residuals are written into")
    parser.add_argument("records", nargs="+", help="files of records")
    parser.add_argument("--samples", type=pathlib.Path, help="read what `gemmetry validate --format csv` printed instead of running it")
    parser.add_argument("--only", help="learn these residuals alone, by name, commas between them; keep the file's others")
    options = parser.parse_args()

    rows = trainable(options.samples or samples(options.gemmetry, options.calibration, options.records))
    file = json.loads(options.calibration.read_text())
    old = file.pop("residuals", {})
    found = {}
    for name, part in rows.groupby("residual"):
        if options.only and name not in options.only.split(","):
            continue
        residual = learned(name, part.dropna(axis=1, how="all"))
        if residual:
            found[name] = residual
    kept = {name: old[name] for name in old if name != "source" and options.only and name not in found}
    source = (f"LightGBM {lightgbm.__version__}, trees by tools/train_residual.py from {len(rows[~rows['held_out']])} burst records of "
              f"sites that are not held out; errors from {FOLDS} to {2 * FOLDS} folds of whole sites")
    file["residuals"] = {"source": source, **kept, **found}
    options.calibration.write_text(text_of(file) + "\n")


if __name__ == "__main__":
    main()
