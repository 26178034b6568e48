#!/usr/bin/env python3
"""Writes the page of tables of a GPU's records, or with --check says whether it is up to date.

    tools/record_tables.py data/measured/h200 --out docs/h200.md

FOLDER holds the records as CSV, as `gemmetry records export` writes them; the GPU's facts come from data/gpus. Exits 1
when --check finds another page than would be written, 2 when the records cannot be read.
"""
import argparse
import sys
from pathlib import Path

from tables import algorithms, attention, clocks, memory, origin, products, waves
from tables.page import Page
from tables.records import Gpu, read_folder

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = (products.rates, products.alignment, algorithms.default_against_best, algorithms.choices, clocks.sustained,
            waves.waves, attention.fused_against_unfused, attention.decode, memory.bandwidth, memory.row_wise,
            memory.launches)


def page_of(records, gpu, made_by):
    """The page as text."""
    page = Page()
    page.heading(f"{gpu.title}, recorded", 1)
    page.say(f"Made by `{made_by}`; do not edit. Each table says which records it is made of.",
             "Unless it says otherwise these are records with status ok, a cold cache, launched in a graph, first "
             "takes only, and products without an epilogue. Records held out from fitting are counted as well: nothing "
             "here is fitted for predictions. Times are medians of a record's samples.")
    products.words(page)
    origin.measured_on(page, records, gpu)
    for section in SECTIONS:
        section(page, records, gpu)
    origin.left_out(page, records)
    return page.text()


def gpu_of(records):
    """The catalogue's entry of the one GPU the records are of."""
    names = sorted({record["gpu"] or "" for record in records})
    if len(names) != 1 or not names[0]:
        raise ValueError(f"the records are of these GPUs: {', '.join(names)}; they must be of one that data/gpus knows")
    return Gpu(ROOT / "data" / "gpus" / f"{names[0]}.json")


def inside(path):
    """As it is called from the top folder."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is out of date")
    given = parser.parse_args(arguments)
    try:
        records = read_folder(given.folder)
        if not records:
            raise ValueError(f"{given.folder}: no records in *.csv")
        made_by = f"tools/record_tables.py {inside(given.folder.resolve())} --out {inside(given.out.resolve())}"
        text = page_of(records, gpu_of(records), made_by)
    except (OSError, ValueError) as problem:
        print(f"record_tables: {problem}", file=sys.stderr)
        return 2
    if not given.check:
        given.out.write_text(text, encoding="utf-8")
        return 0
    if given.out.exists() and given.out.read_text(encoding="utf-8") == text:
        return 0
    print(f"{given.out} is out of date: run {made_by}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
