#!/usr/bin/env python3
"""Throughput of bf16 products by the power of two that divides each dimension, on the CUDA device of this machine.

Needs PyTorch (`pip install torch`). Prints one line a layout and dimension; the alignment classes of data/gpus/h200.json were
read off it. Replayed CUDA graphs of about 1 ms after 3 ms idle, median of 7, so the numbers are burst figures.
"""
import time

import torch

BASE = (8192, 11008, 4096)  # m, n, k
STORED = {"nt": ("mk", "nk"), "nn": ("mk", "kn"), "tn": ("km", "kn")}


def random_matrix(rows, columns):
    return torch.rand(rows, columns, device="cuda").mul_(2).sub_(1).to(torch.bfloat16)


def tflops(layout, m, n, k):
    size = {"m": m, "n": n, "k": k}
    a, b = (random_matrix(*(size[letter] for letter in stored)) for stored in STORED[layout])
    a = a.t() if layout == "tn" else a
    b = b.t() if layout == "nt" else b
    c = torch.empty(m, n, device="cuda", dtype=torch.bfloat16)
    torch.matmul(a, b, out=c)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        torch.matmul(a, b, out=c)
    start, end = torch.cuda.Event(True), torch.cuda.Event(True)
    times = []
    for _ in range(7):
        torch.cuda.synchronize()
        time.sleep(0.003)
        start.record()
        graph.replay()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end) * 1e-3)
    return 2 * m * n * k / sorted(times)[3] / 1e12


def main():
    print(torch.cuda.get_device_name(), "torch", torch.__version__, "CUDA", torch.version.cuda)
    print("layout dim " + "".join(f"{power:>8}" for power in (1, 2, 4, 8, 16, 64)) + "   power of two dividing it")
    for layout in STORED:
        for position, letter in enumerate("mnk"):
            row = []
            for power in (1, 2, 4, 8, 16, 64):
                size = list(BASE)
                size[position] += 0 if power == 64 else power - 64
                row.append(tflops(layout, *size))
            print(f"{layout:>6} {letter:>3} " + "".join(f"{value:8.0f}" for value in row))


if __name__ == "__main__":
    main()
