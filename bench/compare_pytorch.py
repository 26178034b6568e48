#!/usr/bin/env python3
"""Our products and attention against PyTorch's on the same shapes, in one run, alternating sample by sample.

Needs PyTorch on a machine with a CUDA device, and the program bench/sample_server built (./dev bench builds it):

    python3 bench/compare_pytorch.py build/bench/sample_server --products 200 --attentions 40 --out compared.csv

Each shape: our server and this process take turns, one sample each, every sample one replay of a CUDA graph of about a
millisecond after 3 ms of idle, over rotating buffers of twice the L2 and random data. Reported are ratios PyTorch / ours of the
medians: above 1 we are faster.
"""
import argparse
import csv
import math
import random
import statistics
import time

import torch

from sample_server import Server

IDLE_S = 0.003
REPLAY_S = 0.001


def dtype_of(name):
    return {"bf16": torch.bfloat16, "fp16": torch.float16}[name]


class Graph:
    """A CUDA graph of about a millisecond of calls of `run` over rotating sets of inputs."""

    def __init__(self, make_inputs, run):
        first = make_inputs()
        size = sum(t.numel() * t.element_size() for t in first if torch.is_tensor(t))
        l2 = torch.cuda.get_device_properties(0).L2_cache_size
        sets = [first] + [make_inputs() for _ in range(max(1, min(63, math.ceil(2 * l2 / max(size, 1)) - 1)))]
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for inputs in sets[:3]:
                run(*inputs)
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            for _ in range(5):
                run(*sets[0])
            end.record()
        stream.synchronize()
        self.calls = max(1, min(2000, round(REPLAY_S / (start.elapsed_time(end) / 5e3))))
        self.graph = torch.cuda.CUDAGraph()
        self.results = [None] * len(sets)  # results rotate as the inputs do, or the cache would keep them
        with torch.cuda.graph(self.graph, stream=stream):
            for i in range(self.calls):
                self.results[i % len(sets)] = run(*sets[i % len(sets)])
        self.sets = sets
        self.graph.replay()
        torch.cuda.synchronize()

    def sample(self):
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        time.sleep(IDLE_S)
        start.record()
        self.graph.replay()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / self.calls


def uniform(*shape, dtype):
    return torch.rand(*shape, device="cuda", dtype=torch.float32).mul_(2).sub_(1).to(dtype)


def torch_product(op):
    """The call a framework makes for this product."""
    b, m, n, k, layout = op["batch"], op["m"], op["n"], op["k"], op["layout"]
    dtype = dtype_of(op["dtype"])
    lead = (b,) if b > 1 else ()
    a_shape = (*lead, k, m) if layout == "tn" else (*lead, m, k)
    b_shape = (*lead, n, k) if layout == "nt" else (*lead, k, n)

    def inputs():
        return uniform(*a_shape, dtype=dtype), uniform(*b_shape, dtype=dtype)

    def run(x, y):
        if layout == "nt" and b == 1:
            return torch.nn.functional.linear(x, y)
        x = x.transpose(-1, -2) if layout == "tn" else x
        y = y.transpose(-1, -2) if layout == "nt" else y
        return torch.bmm(x, y) if b > 1 else torch.mm(x, y)

    return Graph(inputs, run)


def random_products(count, rng):
    """Sizes of training and serving, log-uniform, forward and both gradients, a quarter batched."""
    def size(low, high, step):
        return max(step, round(math.exp(rng.uniform(math.log(low), math.log(high))) / step) * step)

    products = []
    while len(products) < count:
        layout = rng.choice(["nt", "nn", "tn"])
        step = rng.choice([64, 64, 8, 8, 2, 1]) if rng.random() < 0.25 else 64
        if len(products) % 4 == 3:
            s = size(256, 4096, 64)
            op = dict(batch=size(8, 256, 8), m=s, n=s, k=size(32, 256, 8), dtype="bf16", layout=layout)
            if layout != "nt":
                op["n"], op["k"] = op["k"], op["n"]
        else:
            tokens = size(16, 16384, 1 if rng.random() < 0.2 else 16)
            wide, deep = size(512, 16384, step), size(512, 16384, step)
            op = dict(batch=1, m=tokens, n=wide, k=deep, dtype="bf16", layout=layout)
            if layout == "tn":
                op["m"], op["k"] = wide, tokens
                op["n"] = deep
        if op["batch"] * op["m"] * op["n"] * op["k"] < 2e13:
            products.append(op)
    return products


def alternate(arms, samples):
    """Median of each arm, `samples` of each, in turn."""
    times = {name: [] for name in arms}
    for _ in range(samples):
        names = list(arms)
        random.shuffle(names)
        for name in names:
            times[name].append(arms[name]())
    return {name: statistics.median(values) for name, values in times.items()}


def compare_products(server, count, samples, rng):
    rows = []
    for op in random_products(count, rng):
        graph = torch_product(op)
        key = server.tune("gemm", **op)
        first, tuned = server.add("gemm", **op), server.add("gemm", key=key, **op)
        median = alternate({"torch": graph.sample, "first": lambda: server.sample(first),
                            "tuned": lambda: server.sample(tuned)}, samples)
        server.drop(tuned)
        server.drop(first)
        del graph
        torch.cuda.empty_cache()
        rows.append({"kind": "gemm", **op, **{f"{name}_s": value for name, value in median.items()}})
    return rows


def torch_attention(op, backend):
    """One forward or backward call of the named SDPA implementation, on [batch, heads, sequence, dim] views of token-major data."""
    dtype, scale = dtype_of(op["dtype"]), 1 / math.sqrt(op["head_dim"])
    b, s, t, a, kv, d = op["batch"], op["queries"], op["keys"], op["heads"], op["kv_heads"], op["head_dim"]
    causal = bool(op["causal"])
    aten = torch.ops.aten

    def view(tokens, heads):
        return uniform(b, tokens, heads, d, dtype=dtype).transpose(1, 2)

    def repeat(x):
        return x if kv == a else x.repeat_interleave(a // kv, dim=1)

    def forward(q, k, v):
        if backend == "cudnn":
            return aten._scaled_dot_product_cudnn_attention(q, k, v, None, True, 0.0, causal, False, scale=scale)
        if backend == "flash":
            return aten._scaled_dot_product_flash_attention(q, k, v, 0.0, causal, False, scale=scale)
        return aten._scaled_dot_product_efficient_attention(q, k, v, None, True, 0.0, causal, scale=scale)

    if not op["backward"]:
        return Graph(lambda: (view(s, a), view(t, kv), view(t, kv)),
                     lambda q, k, v: forward(q, *((k, v) if backend == "cudnn" else (repeat(k), repeat(v))))[0])

    def inputs():
        q, k, v = view(s, a), view(t, kv), view(t, kv)
        if backend != "cudnn":
            k, v = repeat(k), repeat(v)
        left = forward(q, k, v)
        return (view(s, a), q, k, v, *left)

    def backward(do, q, k, v, o, lse, *rest):
        if backend == "cudnn":
            cum_q, cum_k, max_q, max_k, seed, offset = rest[:6]
            return aten._scaled_dot_product_cudnn_attention_backward(do, q, k, v, o, lse, seed, offset, None, cum_q, cum_k, max_q,
                                                                     max_k, 0.0, causal, scale=scale)
        if backend == "flash":
            cum_q, cum_k, max_q, max_k, seed, offset = rest[:6]
            return aten._scaled_dot_product_flash_attention_backward(do, q, k, v, o, lse, cum_q, cum_k, max_q, max_k, 0.0, causal, seed,
                                                                     offset, scale=scale)
        return aten._scaled_dot_product_efficient_attention_backward(do, q, k, v, None, o, lse, rest[0], rest[1], 0.0,
                                                                     (True, True, True, False), causal, scale=scale)

    return Graph(inputs, backward)


def attentions(count, rng):
    cases = []
    while len(cases) < count:
        heads = rng.choice([8, 16, 20, 32, 40, 64])
        op = dict(batch=rng.choice([1, 2, 4, 8]), queries=rng.choice([512, 1024, 2048, 4096, 8192]), heads=heads,
                  kv_heads=rng.choice([heads, heads, heads // 4]), head_dim=rng.choice([64, 80, 96, 128, 128]),
                  causal=int(rng.random() < 0.75), backward=int(rng.random() < 0.33), dtype="bf16")
        op["keys"], op["value_dim"] = op["queries"], op["head_dim"]
        if heads % op["kv_heads"] == 0 and op["batch"] * op["queries"] * op["queries"] * heads <= 2**33:
            cases.append(op)
    return cases


def compare_attention(server, count, samples, rng):
    rows = []
    for op in attentions(count, rng):
        ours = server.add("attention", **op)
        arms = {"first": lambda: server.sample(ours)}
        graphs = {}
        for backend in ("cudnn", "flash", "efficient"):
            try:
                graphs[backend] = torch_attention(op, backend)
            except Exception as problem:  # this backend cannot run it
                torch.cuda.synchronize()
                print(f"# {backend}: {str(problem).splitlines()[0][:120]}: {op}")
        for backend, graph in graphs.items():
            arms[backend] = graph.sample
        median = alternate(arms, samples)
        server.drop(ours)
        del arms, graphs
        torch.cuda.empty_cache()
        rows.append({"kind": "attention", **op, **{f"{name}_s": value for name, value in median.items()}})
    return rows


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


def quantile(values, q):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def summary(name, ratios):
    if ratios:
        print(f"{name:<46} n {len(ratios):4d}  median {statistics.median(ratios):.3f}  geometric mean {geometric_mean(ratios):.3f}  "
              f"p1 {quantile(ratios, 0.01):.3f}  p10 {quantile(ratios, 0.1):.3f}  p90 {quantile(ratios, 0.9):.3f}")


def report(rows):
    products = [row for row in rows if row["kind"] == "gemm"]
    for batched in (False, True):
        for layout in ("nt", "nn", "tn"):
            some = [r for r in products if r["layout"] == layout and (r["batch"] > 1) == batched]
            summary(f"PyTorch / ours, first, {'bmm' if batched else 'mm'} {layout}", [r["torch_s"] / r["first_s"] for r in some])
    summary("PyTorch / ours, first", [r["torch_s"] / r["first_s"] for r in products])
    summary("PyTorch / ours, tuned", [r["torch_s"] / r["tuned_s"] for r in products])
    summary("first / tuned", [r["first_s"] / r["tuned_s"] for r in products])
    attention = [row for row in rows if row["kind"] == "attention"]
    for backward in (0, 1):
        some = [r for r in attention if r["backward"] == backward]
        name = "attention " + ("backward" if backward else "forward")
        torch_names = ("cudnn_s", "flash_s", "efficient_s")
        summary(f"PyTorch's best / ours, {name}", [min(r[t] for t in torch_names if t in r) / r["first_s"] for r in some])
        summary(f"FlashAttention-2 / ours, {name}", [r["flash_s"] / r["first_s"] for r in some if "flash_s" in r])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("server", help="the program sample_server")
    parser.add_argument("--products", type=int, default=200)
    parser.add_argument("--attentions", type=int, default=40)
    parser.add_argument("--samples", type=int, default=9)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--out", help="CSV of every shape")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    random.seed(arguments.seed)
    server = Server(arguments.server)
    print(torch.cuda.get_device_name(), "torch", torch.__version__, "cuDNN", torch.backends.cudnn.version())
    rows = compare_products(server, arguments.products, arguments.samples, rng)
    rows += compare_attention(server, arguments.attentions, arguments.samples, rng)
    if arguments.out:
        names = list(dict.fromkeys(name for row in rows for name in row))
        with open(arguments.out, "w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    report(rows)


if __name__ == "__main__":
    main()
