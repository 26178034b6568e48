#!/usr/bin/env python3
"""Says how often the 90 % intervals of a residual hold records that neither its trees nor its intervals have seen.

    tools/nested_intervals.py build/release/gemmetry data/calibration/h200.json data/measured/h200/*.csv

All of tools/train_residual.py is done five times, each time on four fifths of the sites that are not held out, and judged on the
last fifth: more records than those held out, which stay untouched. Takes five times as long; writes nothing.
"""
import argparse
import pathlib

import numpy
import pandas

import train_residual

FOLDS = 5
FEWEST = 15   # records of a class that is worth a line
MANY = 100    # records of a class in which chance alone moves 90 % by 3 (one standard deviation)
ASKED = (0.85, 0.95)
WIDEST = 2.5  # times the class's mean error
CLASSES = ["class.kind", "dtype", "class.alignment", "class.size"]


def judged(name, rows):
    """The records of one residual, each with its error and its interval's half-width (logarithms) from the other folds."""
    names = train_residual.names_of(rows)
    sites = sorted(set(rows["site"]))
    fold = {site: i % FOLDS for i, site in enumerate(numpy.random.default_rng(7).permutation(sites))}
    parts = []
    for i in range(FOLDS):
        test = (rows["site"].map(fold) == i).to_numpy()
        seen, unseen = rows[~test].reset_index(drop=True), rows[test]
        model, left, spread, spread_models = train_residual.fitted(name, names, seen)
        errors = train_residual.class_errors(seen, left, spread)
        x = train_residual.matrix(unseen, names)
        wider = numpy.clip(sum(one.predict(x) for one in spread_models), -train_residual.MOST_SPREAD, train_residual.MOST_SPREAD)
        total = unseen["error_class"].map({key: numpy.hypot(one["shared"], one["independent"]) for key, one in errors.items()})
        parts.append(unseen.assign(left=train_residual.target(unseen) - model.predict(x),
                                   half=train_residual.NORMAL_90 * total * numpy.exp(wider)))
    return pandas.concat(parts).reindex(columns=[*CLASSES, "site", "left", "half"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gemmetry", help="the program")
    parser.add_argument("calibration", type=pathlib.Path, help="whose structured models are corrected")
    parser.add_argument("records", nargs="+", help="files of records")
    parser.add_argument("--samples", type=pathlib.Path, help="read what `gemmetry validate --format csv` printed instead of running it")
    options = parser.parse_args()

    rows = train_residual.trainable(options.samples or train_residual.samples(options.gemmetry, options.calibration, options.records))
    rows = rows[~rows["held_out"]]
    parts = [part.dropna(axis=1, how="all") for _, part in rows.groupby("residual")]
    found = pandas.concat([judged(part["residual"].iloc[0], part) for part in parts if len(part) >= train_residual.FEWEST])
    found = found[found["half"].notna()].fillna({key: "" for key in CLASSES})
    found = found.assign(error=numpy.abs(numpy.expm1(-found["left"])), inside=numpy.abs(found["left"]) <= found["half"],
                         width=numpy.sinh(found["half"]))

    by_class = found.groupby(CLASSES).agg(records=("inside", "size"), sites=("site", "nunique"), mape=("error", "mean"),
                                          inside=("inside", "mean"), width=("width", "median"))
    by_class = by_class[by_class["records"] >= FEWEST]
    print("| class | records | sites | MAPE | in 90 % interval | its half-width, of the MAPE |\n|---|--:|--:|--:|--:|--:|")
    for key, one in by_class.iterrows():
        print(f"| {' '.join(word for word in key if word)} | {one['records']:.0f} | {one['sites']:.0f} | {100 * one['mape']:.1f} % "
              f"| {100 * one['inside']:.0f} % | {one['width'] / one['mape']:.2f} |")
    many = by_class[by_class["records"] >= MANY]
    print(f"\n{100 * found['inside'].mean():.1f} % of {len(found)} records. Of {len(many)} classes of {MANY} records and more "
          f"{many['inside'].between(*ASKED).sum()} hold 85 to 95 %, {(many['width'] <= WIDEST * many['mape']).sum()} are at most "
          f"{WIDEST} MAPE wide; of {len(by_class)} of {FEWEST} and more {by_class['inside'].between(*ASKED).sum()} and "
          f"{(by_class['width'] <= WIDEST * by_class['mape']).sum()}.")


if __name__ == "__main__":
    main()
