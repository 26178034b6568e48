#!/usr/bin/env python3
"""Draws Vega-Lite specifications as still pictures, without a browser and without the network.

    tools/study_pictures.py --docs build/release/gemmetry              all pictures of README and docs, into docs/pictures
    tools/study_pictures.py CHART.json... --out docs/pictures [--png] [--scale 2]

Each CHART.json, as `gemmetry study show --chart CHART.json` writes it, becomes CHART.svg (or .png) in the folder; '-' reads one specification, which becomes chart.svg, from
the standard input. Needs the Python package vl-convert-python, which ./dev build puts into build/third_party. Exits 1
where a specification cannot be drawn, and 77 (skipped) without the package.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
# The pictures of README and docs: file, study, its series.
DOCS = (("vocabulary", "vocabulary", "forward"), ("head_dimension", "score_by_head_dim", "bf16"), ("waves", "product_by_wide_side", "2304 rows"))
DEVICES = "recorded:h200,predict:h200"
ROOT = Path(__file__).resolve().parent.parent
FONT = "Liberation Sans"  # part of the package, so that pictures look alike everywhere


def load_converter():
    sys.path.append(str(ROOT / "build/third_party/vl_convert"))
    try:
        import vl_convert
    except ImportError:
        return None
    return vl_convert


def read_spec(path):
    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    spec = json.loads(text)
    if not isinstance(spec, dict) or "vega-lite" not in spec.get("$schema", ""):
        raise ValueError("no Vega-Lite specification: it has no \"$schema\" of Vega-Lite")
    spec.setdefault("config", {})["font"] = FONT
    return spec


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("charts", nargs="*", metavar="CHART.json")
    parser.add_argument("--docs", metavar="PROGRAM", help="draw the pictures of README and docs by this gemmetry")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/pictures", metavar="FOLDER")
    parser.add_argument("--png", action="store_true", help="PNG in place of SVG")
    parser.add_argument("--scale", type=float, default=2, help="pixels of a PNG per pixel of the specification (2)")
    options = parser.parse_args()
    converter = load_converter()
    if not converter:
        print("skipped: vl-convert-python is not there; ./dev build fetches it, or pip install vl-convert-python")
        return SKIPPED

    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        return draw(converter, [*options.charts, *charts_of_docs(options.docs, scratch)], options)


def charts_of_docs(program, folder):
    """What the records' GPU measured beside what is predicted."""
    for name, study, series in DOCS if program else ():
        chart = str(Path(folder) / f"{name}.json")
        subprocess.run([program, "study", "show", study, "--device", DEVICES, "--points", "24", "--series", series, "--chart",
                        chart], check=True, stdout=subprocess.DEVNULL)
        yield chart


def draw(converter, charts, options):
    failures = 0
    for path in charts:
        target = options.out / ("chart" if path == "-" else Path(path).stem)
        try:
            spec = read_spec(path)
            if options.png:
                target = target.with_name(target.name + ".png")
                target.write_bytes(converter.vegalite_to_png(spec, scale=options.scale, allowed_base_urls=[]))
            else:
                target = target.with_name(target.name + ".svg")
                target.write_text(converter.vegalite_to_svg(spec, allowed_base_urls=[]), encoding="utf-8")
            print(target)
        except (OSError, ValueError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
