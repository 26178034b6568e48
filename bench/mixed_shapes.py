#!/usr/bin/env python3
"""Prints a CSV of products as training meets them: `python3 bench/mixed_shapes.py 1000 > shapes.csv`.

Hidden sizes 768 to 8192, 1,024 to 16,384 tokens, tensor parallelism 1 to 8; QKV, projection, MLP and logit products forward
and both gradients, and a fifth scores and attention over value of unfused attention.
"""
import random
import sys

COLUMNS = "batch,m,n,k,layout,dtype"


def shape(rng):
    head_dim = rng.choice([64, 80, 96, 128])
    heads = rng.choice([12, 16, 20, 24, 32, 40, 64])
    hidden = min(8192, heads * head_dim)
    parallel = rng.choice([t for t in (1, 2, 4, 8) if heads % t == 0])
    if rng.random() < 0.2:
        sequence = rng.choice([1024, 2048, 4096])
        batch = rng.choice([1, 2, 4]) * heads // parallel
        if rng.random() < 0.5:
            return batch, sequence, sequence, head_dim, "nt"
        return batch, sequence, head_dim, sequence, "nn"
    tokens = rng.choice([1024, 2048, 4096, 8192, 16384])
    width = rng.choice([4 * hidden, 8 * hidden // 3, round(8 * hidden / 3 / 256) * 256])
    out, inner = rng.choice([(3 * hidden // parallel, hidden), (hidden, hidden // parallel), (width // parallel, hidden),
                             (hidden, width // parallel), (rng.choice([50257, 50304, 32000]) // parallel, hidden)])
    layout = rng.choice(["nt", "nn", "tn"])
    if layout == "nt":
        return 1, tokens, out, inner, layout
    if layout == "nn":
        return 1, tokens, inner, out, layout
    return 1, out, inner, tokens, layout


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rng = random.Random(seed)
    shapes = set()
    while len(shapes) < count:
        shapes.add(shape(rng))
    print(COLUMNS)
    for batch, m, n, k, layout in sorted(shapes, key=lambda _: rng.random()):
        print(f"{batch},{m},{n},{k},{layout},bf16")


if __name__ == "__main__":
    main()
