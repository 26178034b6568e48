#!/usr/bin/env python3
"""Bandwidth of our own kernels as a share of a device copy's, measured in one run on this machine's GPU.

    python3 bench/near_copy.py build/bench/sample_server [MIB ...]

Bytes are the compulsory ones (docs/models/pointwise.md). The copy is cudaMemcpyAsync, as PyTorch issues it between two tensors of
half the size each, in turn with each operator, sample by sample. bf16, burst, cold: rotating buffers of twice the L2.
"""
import statistics
import sys
import time

import torch

from sample_server import Server

SAMPLES = 9


class Copy:
    """A device copy that moves `mib` MiB in all, replayed for about a millisecond."""

    def __init__(self, mib):
        self.half = mib * 2**20 // 2
        self.sets = [(torch.empty(self.half, dtype=torch.uint8, device="cuda").random_(),
                      torch.empty(self.half, dtype=torch.uint8, device="cuda")) for _ in range(max(2, 128 // mib + 1))]
        self.calls = max(1, round(4e12 * 0.001 / (2 * self.half)))
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
        return 2 * self.half * self.calls / (start.elapsed_time(end) / 1e3)


def cases(mib):
    """Name, kind, options and bytes moved of each operator at about this size."""
    size = mib * 2**20
    for width in (4096, 1001 if mib == 64 else 12288):
        for norm in ("layer_norm", "rms_norm"):
            for backward, tensors in (("false", 2), ("true", 3)):
                rows = size // (2 * width * tensors)
                yield (f"{norm} {'backward' if backward == 'true' else 'forward'} {width}", "norm",
                       ["--rows", rows, "--width", width, "--norm", norm, "--backward", backward])
        for backward, tensors in (("false", 2), ("true", 3)):
            word = "backward" if backward == "true" else "forward"
            rows = size // (2 * width * tensors)
            yield f"GELU {word} {width}", "activation", ["--rows", rows, "--width", width, "--backward", backward]
            rows = size // (2 * width * (5 if backward == "true" else 3))
            yield (f"SwiGLU {word} {width}", "activation",
                   ["--rows", rows, "--width", width, "--function", "silu", "--gated", "true", "--backward", backward])
        rows = size // (2 * width * 3)
        yield f"residual {width}", "residual", ["--rows", rows, "--width", width]
        yield f"residual bias {width}", "residual", ["--rows", rows, "--width", width, "--bias"]
        rows = size // (7 * width)
        yield f"residual dropout {width}", "residual", ["--rows", rows, "--width", width, "--dropout"]
        yield f"residual dropout bias {width}", "residual", ["--rows", rows, "--width", width, "--dropout", "--bias"]
        rows = size // (5 * width)
        yield f"residual dropout backward {width}", "residual", ["--rows", rows, "--width", width, "--dropout", "--backward"]
    for columns in (2048, 512):
        for masked in ("true", "false"):
            for backward, tensors in (("false", 2), ("true", 3)):
                rows = size // (2 * columns * tensors) // columns * columns or columns
                yield (f"softmax{' masked' if masked == 'true' else ''} {'backward' if backward == 'true' else 'forward'} {columns}",
                       "softmax", ["--rows", rows, "--columns", columns, "--masked", masked, "--backward", backward])
    for dim in (128, 80):
        for backward in ("false", "true"):
            tokens = size // (4 * 40 * dim)
            yield (f"rotary {'backward' if backward == 'true' else 'forward'} {dim}", "rotary",
                   ["--tokens", tokens, "--heads", 40, "--dim", dim, "--backward", backward])
    for width in (4096, 2560):
        yield f"embedding {width}", "embedding", ["--tokens", size // (4 * width), "--width", width]
        yield f"embedding positions {width}", "embedding", ["--tokens", size // (6 * width), "--width", width, "--positions"]
        yield f"embedding backward {width}", "embedding", ["--tokens", size // (6 * width), "--width", width, "--backward"]
    for vocab in (50304, 50257, 151936):
        yield f"cross-entropy forward {vocab}", "cross_entropy", ["--rows", size // (2 * vocab), "--vocab", vocab]
        yield f"cross-entropy backward {vocab}", "cross_entropy", ["--rows", size // (4 * vocab), "--vocab", vocab, "--backward"]
    yield "AdamW", "optimizer", ["--parameters", size // 28]
    yield "copy kernel", "pointwise", ["--function", "copy", "--elements", size // 4]
    yield "cast to fp32", "pointwise", ["--function", "cast", "--elements", size // 6, "--read-bytes", 2, "--write-bytes", 4]
    yield "quantise to fp8", "pointwise", ["--function", "cast", "--elements", size // 3, "--read-bytes", 2, "--write-bytes", 1]


def fields(options):
    """The options as the server takes them: a flag alone means true."""
    result = {}
    for word in map(str, options):
        if word.startswith("--"):
            name = word[2:].replace("-", "_")
            result[name] = "true"
        else:
            result[name] = word
    return result


def main():
    server = Server(sys.argv[1])
    sizes = [int(text) for text in sys.argv[2:]] or [64, 256]
    print(torch.cuda.get_device_name(), "bf16, burst, cold")
    worst = 10
    for mib in sizes:
        copy = Copy(mib)
        copies, rows = [], []
        for name, kind, options in cases(mib):
            number = server.add(kind, **fields(options))
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
