"""Makes boosted_trees.json: a small LightGBM model as tools/train_residual.py writes it, with LightGBM's own predictions."""
import json
import pathlib
import sys

import numpy

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "tools"))
import train_residual

rng = numpy.random.default_rng(1)
x = rng.normal(size=(400, 5)).astype(numpy.float32).astype(float)
x[:, 3] = numpy.round(x[:, 3])
y = 0.3 * x[:, 0] + numpy.abs(x[:, 1]) + 0.5 * (x[:, 3] > 0) + 0.05 * rng.normal(size=400)
setting = {**train_residual.settings(y), "num_leaves": 7, "max_depth": 5, "rounds": 11}
model = train_residual.trained(x, y, setting)
trees = train_residual.trees_of(model, x)
rows = [{"features": [float(f"{v:.9g}") for v in row], "prediction": round(float(model.predict(row[None])[0]), 6)} for row in x[:30]]
lines = ["  " + json.dumps(tree, separators=(",", ":")) for tree in trees]
cases = ["  " + json.dumps(row) for row in rows]
text = '{"trees": [\n' + ",\n".join(lines) + '\n],\n"rows": [\n' + ",\n".join(cases) + "\n]}\n"
(here / "boosted_trees.json").write_text(text)
