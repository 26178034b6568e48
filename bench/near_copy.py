#!/usr/bin/env python3
"""Bandwidth of our own kernels as a share of a device copy's, measured in one run on this machine's GPU.

    python3 bench/near_copy.py build/bench/sample_server [--only TEXT] [MIB ...]

A size is that of an operator's largest array and of the array that is copied. Bytes are the compulsory ones (op::bytes). The copy is
cudaMemcpyAsync, as PyTorch issues it between two tensors, in turn with each operator, sample by sample. bf16, burst, cold: rotating
buffers of twice the L2. --only: the operators whose names hold the regular expression.
"""
import argparse
import re
import statistics
import time

import torch

from sample_server import Server

SAMPLES = 9


class Copy:
    """A device copy of `mib` MiB, replayed for about a millisecond."""

    def __init__(self, mib):
        self.size = mib * 2**20
        self.sets = [(torch.empty(self.size, dtype=torch.uint8, device="cuda").random_(),
                      torch.empty(self.size, dtype=torch.uint8, device="cuda")) for _ in range(2)]
        self.calls = max(1, round(4e12 * 0.001 / (2 * self.size)))
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            for i in range(self.calls):
                source, target = self.sets[i % len(self.sets)]
                target.copy_(source)
        self.graph.replay()
        torch.cuda.synchronize()

    def bandwidth(self):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        time.sleep(0.003)
        start.record()
        self.graph.replay()
        end.record()
        end.synchronize()
        return 2 * self.size * self.calls / (start.elapsed_time(end) / 1e3)


def cases(mib):
    """Name, kind and fields of each operator whose largest array has `mib` MiB."""
    size = mib * 2**20
    directions = (("forward", {}), ("backward", {"backward": "true"}))
    for width in (4096, 12288, 1001):
        rows = {"rows": size // (2 * width), "width": width}
        for word, direction in directions:
            for norm in ("layer_norm", "rms_norm"):
                yield f"{norm} {word} {width}", "norm", {**rows, "norm": norm, **direction}
            yield f"GELU {word} {width}", "activation", {**rows, **direction}
            yield f"SwiGLU {word} {width}", "activation", {**rows, "function": "silu", "gated": "true", **direction}
        yield f"residual {width}", "residual", rows
        yield f"residual bias {width}", "residual", {**rows, "bias": "true"}
        yield f"residual dropout {width}", "residual", {**rows, "dropout": "true"}
        yield f"residual dropout bias {width}", "residual", {**rows, "dropout": "true", "bias": "true"}
        yield f"residual dropout backward {width}", "residual", {**rows, "dropout": "true", "backward": "true"}
    for columns in (512, 2048, 8192):
        rows = max(1, size // (2 * columns) // columns) * columns
        for word, direction in directions:
            for masked in ("true", "false"):
                name = "masked softmax" if masked == "true" else "softmax"
                yield f"{name} {word} {columns}", "softmax", {"rows": rows, "columns": columns, "masked": masked, **direction}
    for dim in (64, 80, 128):
        for word, direction in directions:
            yield f"rotary {word} {dim}", "rotary", {"tokens": size // (2 * 40 * dim), "heads": 40, "dim": dim, **direction}
    for width in (2560, 4096):
        for word, direction in directions:
            tokens = {"tokens": size // (2 * width), "width": width, **direction}
            yield f"embedding {word} {width}", "embedding", tokens
            yield f"embedding positions {word} {width}", "embedding", {**tokens, "positions": "true"}
    for vocab in (32000, 50257, 50304, 151936):
        for word, direction in directions:
            yield f"cross-entropy {word} {vocab}", "cross_entropy", {"rows": size // (2 * vocab), "vocab": vocab, **direction}
    yield "AdamW", "optimizer", {"parameters": size // 4}
    yield "copy kernel", "pointwise", {"function": "copy", "elements": size // 2}
    yield "cast to fp32", "pointwise", {"function": "cast", "elements": size // 4, "read_bytes": 2, "write_bytes": 4}
    yield "quantise to fp8", "pointwise", {"function": "cast", "elements": size // 2, "read_bytes": 2, "write_bytes": 1}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server")
    parser.add_argument("sizes", nargs="*", type=int, default=[64, 256], metavar="MIB")
    parser.add_argument("--only", default="", metavar="TEXT")
    args = parser.parse_args()
    server = Server(args.server)
    print(torch.cuda.get_device_name(), "bf16, burst, cold")
    worst = 10
    for mib in args.sizes:
        copy = Copy(mib)
        copies, rows = [], []
        for name, kind, fields in cases(mib):
            if not re.search(args.only, name):
                continue
            number = server.add(kind, **fields)
            bandwidths, times = [], []
            for _ in range(SAMPLES):
                bandwidths.append(copy.bandwidth())
                times.append(server.sample(number))
            copies.append(statistics.median(bandwidths))
            time_s = statistics.median(times)
            share = server.bytes(number) / time_s / copies[-1]
            worst = min(worst, share)
            rows.append((name, time_s, share))
            server.drop(number)
        print(f"copy of {mib} MiB: {statistics.median(copies) / 1e12:.2f} TB/s")
        for name, time_s, share in rows:
            print(f"  {name:<36} {time_s * 1e6:9.1f} us  {share:6.1%}{'  <' if share < 0.8 else ''}")
        del copy
        torch.cuda.empty_cache()
    print(f"least share {worst:.1%}")


if __name__ == "__main__":
    main()
