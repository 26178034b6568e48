"""What is recorded of a GPU: lists of operators that a predictor can be fitted to and judged on.

Sizes are log-uniform, on grids from 1 to 256, so that nothing is only on round numbers. The lists are the same each time.
"""
import csv
import io
import json
import math
import random
import subprocess

LAYOUTS = ("nt", "nn", "tn")
MODELS = ("bert-large", "bloom-7b1", "codesign-ours-1", "falcon-40b", "gemma-2-9b", "gpt-j-6b", "gpt-neox-20b", "gpt2-xl",
          "gpt3-2.7b", "gpt3-175b", "granite-3.1-8b", "llama-2-7b", "llama-3.1-8b", "llama-3.1-70b", "mistral-7b", "olmo-2-7b",
          "opt-13b", "pythia-1b", "qwen2.5-7b", "qwen3-32b")
HEAD_DIMS = (64, 80, 96, 128, 192, 256)
MOST_FLOP = 2e13       # some 30 ms in bf16
MOST_BYTES = 6 * 2**30  # of one operator's arrays


def log_uniform(rng, low, high, grid=1):
    """A multiple of `grid` in [low, high]."""
    value = math.exp(rng.uniform(math.log(low), math.log(high)))
    return max(grid, round(value / grid) * grid)


def any_grid(rng, low, high):
    """Sizes as people choose them: on every grid from 1 to 256."""
    return log_uniform(rng, low, high, rng.choice((1, 2, 4, 8, 8, 16, 32, 64, 64, 128, 128, 256, 256)))


def aligned(rng, low, high):
    return log_uniform(rng, low, high, 64)


def exactly(rng, power, low, high):
    """A size that `power` divides and twice that does not."""
    return max(power, log_uniform(rng, low, high, 2 * power) - power)


class Products:
    """Distinct products of one dtype."""

    def __init__(self, dtype, seed):
        self.dtype, self.rng, self.rows = dtype, random.Random(f"{dtype} {seed}"), {}
        self.layouts = ("nt",) if dtype == "fp8" else LAYOUTS
        self.grid = 16 if dtype == "fp8" else 1  # cuBLASLt's, of n and k

    def add(self, m, n, k, layout="nt", batch=1):
        element = {"fp8": 1, "bf16": 2, "fp16": 2}.get(self.dtype, 4)
        n, k = (max(self.grid, size // self.grid * self.grid) for size in (n, k))
        size = batch * element * (m * n * (2 if self.dtype == "fp8" else 1) + m * k + n * k)
        slower = {"tf32": 2, "fp32": 16}.get(self.dtype, 1)
        if 2 * batch * m * n * k * slower > MOST_FLOP or size > MOST_BYTES:
            return False
        self.rows[batch, m, n, k, layout] = None
        return True

    def until(self, more, make):
        """Calls make, which adds products, until there are so many more."""
        goal = len(self.rows) + more
        while len(self.rows) < goal:
            make(self.rng)

    def training(self, sites):
        """Forward and both gradients of linear layers [m, k] -> [m, n]."""
        for _ in range(sites):
            m = any_grid(self.rng, 256, 32768)
            n, k = any_grid(self.rng, 256, 32768), any_grid(self.rng, 256, 16384)
            self.layer(m, n, k)

    def layer(self, m, n, k):
        self.add(m, n, k, "nt")
        if len(self.layouts) > 1:
            self.add(m, k, n, "nn")
            self.add(n, k, m, "tn")

    def decode(self, count):
        self.until(count, lambda rng: self.add(log_uniform(rng, 1, 512), any_grid(rng, 512, 32768), any_grid(rng, 512, 32768)))

    def middle(self, count):
        """Between decoding and training: prompts, small batches."""
        self.until(count, lambda rng: self.add(any_grid(rng, 64, 1024), any_grid(rng, 512, 16384), any_grid(rng, 512, 16384),
                                               rng.choice(("nt", *self.layouts))))

    def misaligned_decode(self, count):
        def make(rng):
            sizes = [any_grid(rng, 512, 32768), any_grid(rng, 512, 32768)]
            sizes[rng.randrange(2)] = exactly(rng, rng.choice((1, 1, 2, 4)), 512, 32768)
            self.add(log_uniform(rng, 1, 512), *sizes)
        self.until(count, make)

    def skinny(self, count):
        def make(rng):
            sizes = [any_grid(rng, 8, 512), any_grid(rng, 1024, 65536), any_grid(rng, 256, 32768)]
            rng.shuffle(sizes)
            self.add(*sizes, rng.choice(self.layouts))
        self.until(count, make)

    def alignment(self, each):
        """Each power of two from 1 to 256 that divides one dimension, the others on 64."""
        for layout in self.layouts:
            for place in range(3):
                for power in (2**i for i in range(9)):
                    if power < self.grid and place > 0:
                        continue
                    def make(rng, place=place, power=power, layout=layout):
                        sizes = [aligned(rng, 1024, 16384) for _ in range(3)]
                        sizes[place] = exactly(rng, power, 1024, 16384)
                        self.add(*sizes, layout)
                    self.until(each, make)

    def odd(self, count):
        self.until(count, lambda rng: self.add(*(log_uniform(rng, 64, 16384) | 1 for _ in range(3)), rng.choice(self.layouts)))

    def waves(self):
        """One size grows past whole waves of tiles."""
        for n in range(256, 16385, 256):
            self.add(4096, n, 4096)
            self.add(2048, n, 8192)
        for k in range(16, 1025, 16):
            self.add(27648, 4096, k)

    def figure_5b(self):
        """The paper's waves, in the orientation in which they show."""
        for n in range(16, 1025, 16):
            self.add(27648, n, 4096)
            self.add(33792, n, 4096)  # whole waves of 132 SMs

    def models(self, program):
        """The products of training real models, split over 1 to 8 GPUs, as gemmetry lowers them."""
        for model in MODELS:
            for ways in (1, 2, 4, 8):
                done = subprocess.run([program, "explain", model, "--phase", "training", "--batch", "4", "--tp", str(ways),
                                       "--seq", "512" if model.startswith("bert") else "1024" if model == "gpt2-xl" else "2048",
                                       "--gpu", "h200", "--format", "csv"], capture_output=True, text=True)
                if done.returncode != 0:
                    continue  # a split that the model does not allow
                for row in csv.DictReader(io.StringIO(done.stdout)):
                    if row["kind"] == "gemm" and int(row["batch"]) == 1:
                        self.add(int(row["m"]), int(row["n"]), int(row["k"]), row["layout"])

    def scores(self, count):
        """Products of unfused attention: scores, attention over values and the gradients of keys and values."""
        def make(rng):
            dim = rng.choice((rng.randrange(32, 257, 8), rng.randrange(32, 257, 8), rng.randrange(32, 257, 2), rng.randrange(32, 257)))
            heads = rng.choice((log_uniform(rng, 8, 512), log_uniform(rng, 8, 512, 8), 2 ** rng.randrange(3, 10)))
            length = rng.choice((2 ** rng.randrange(9, 14), 2 ** rng.randrange(9, 14), log_uniform(rng, 512, 8192, 64),
                                 log_uniform(rng, 512, 8192)))
            layout = rng.choice(("nt", "nt", "nt", "nt", "nn", "nn", "nn", "nn", "tn"))
            self.add(length, length if layout == "nt" else dim, dim if layout == "nt" else length, layout, heads)
        self.until(count, make)

    def head_dims(self):
        """The paper's figures: every head dim of a model of 128 sequences times heads, and what fused attention is held against."""
        for dim in sorted({*range(32, 257, 8), 33, 34, 36, 65, 66, 68, 100, 127, 130, 132}):
            for heads, length in ((128, 2048), (64, 4096)):
                self.add(length, length, dim, "nt", heads)
                self.add(length, dim, length, "nn", heads)

    def list(self):
        return [dict(zip(("batch", "m", "n", "k", "layout", "dtype"), (*row, self.dtype))) for row in self.rows]


def bf16(program):
    products = Products("bf16", 1)
    products.models(program)
    products.waves()
    products.training(820)
    products.decode(1050)
    products.skinny(550)
    products.alignment(13)
    products.odd(350)
    return products.list()


def other_dtype(dtype, training, decode, skinny, alignment, odd):
    products = Products(dtype, 1)
    products.training(training)
    products.decode(decode)
    products.skinny(skinny)
    products.alignment(alignment)
    if odd:
        products.odd(odd)
    return products.list()


def batched():
    products = Products("bf16", 2)
    products.head_dims()
    products.scores(2560 - len(products.rows))
    return products.list()


def more_products():
    """What the fit asks for beside these: classes in which errors are large and records few."""
    found = []
    for dtype, counts in {"bf16": (700, 900, 1500, 500, 350), "fp16": (150, 150, 350, 100, 120), "fp8": (450, 150, 350, 100, 0),
                          "tf32": (70, 60, 100, 40, 40), "fp32": (70, 60, 100, 40, 0)}.items():
        products = Products(dtype, 3)
        training, decode, middle, skinny, misaligned = counts
        products.training(training)
        products.decode(decode)
        products.middle(middle)
        products.skinny(skinny)
        products.misaligned_decode(misaligned)
        if dtype == "bf16":
            products.figure_5b()
        found += products.list()
    scores = Products("bf16", 4)
    scores.scores(1200)
    return found + scores.list()


def distinct(rng, count, make):
    """`count` operators that `make` gives; None is none."""
    found = {}
    while len(found) < count:
        op = make(rng)
        if op is not None:
            found[json.dumps(op)] = op
    return list(found.values())


def heads_of(rng):
    heads = rng.choice((8, 12, 16, 20, 24, 32, 40, 64, 96, 128))
    groups = [heads // ways for ways in (1, 1, 4, 8) if heads % ways == 0]
    return heads, rng.choice((*groups, 1))


def attention(count, seed, backward):
    def make(rng):
        heads, kv_heads = heads_of(rng)
        dim = rng.choice(HEAD_DIMS)
        queries = rng.choice((2 ** rng.randrange(7, 15), log_uniform(rng, 128, 16384, 64), log_uniform(rng, 128, 16384)))
        batch = log_uniform(rng, 1, max(1, 65536 / queries))
        # A prompt that continues a cache, now and then.
        keys = queries + log_uniform(rng, 128, 8192) if not backward and rng.random() < 0.1 else queries
        if 4 * batch * heads * queries * keys * dim > MOST_FLOP / (3 if backward else 1):
            return None
        if 2 * batch * queries * heads * dim * (8 if backward else 3) > MOST_BYTES:
            return None
        return {"batch": batch, "queries": queries, "keys": keys, "heads": heads, "kv_heads": kv_heads, "head_dim": dim,
                "causal": "true" if keys > queries or rng.random() < 0.75 else "false", "backward": "true" if backward else "false",
                "dtype": "fp16" if rng.random() < 0.1 else "bf16"}
    rows = []
    if not backward:  # beside the batched products of head_dims
        rows = [{"batch": batch, "queries": length, "keys": length, "heads": 32, "kv_heads": 32, "head_dim": dim, "causal": "true",
                 "backward": "false", "dtype": "bf16"} for dim in range(32, 257, 8) for batch, length in ((4, 2048), (2, 4096))]
    return rows + distinct(random.Random(f"attention {seed}"), count - len(rows), make)


def decode_attention(count, seed="decode"):
    def make(rng):
        heads, kv_heads = heads_of(rng)
        dim = rng.choice(HEAD_DIMS)
        keys = rng.choice((2 ** rng.randrange(7, 17), log_uniform(rng, 128, 65536)))
        batch = rng.choice((1, log_uniform(rng, 1, 256), 2 ** rng.randrange(9)))
        if 4 * batch * keys * kv_heads * dim > MOST_BYTES:
            return None
        return {"batch": batch, "queries": 1, "keys": keys, "heads": heads, "kv_heads": kv_heads, "head_dim": dim, "causal": "true",
                "dtype": "bf16"}
    return distinct(random.Random(seed), count, make)


def row_wise(seed="rows", share=1):
    """Operators whose time is the memory they move, by kind: largest arrays of 16 KiB to 2 GiB."""
    rng = random.Random(seed)

    def rows_of(width, element=2):
        return max(1, round(log_uniform(rng, 2**14, 2**31) / (width * element)))

    def width():
        return any_grid(rng, 256, 16384)

    def flag(share=0.5):
        return "true" if rng.random() < share else "false"

    def norm(_):
        w = width()
        return {"rows": rows_of(w), "width": w, "norm": rng.choice(("layer_norm", "rms_norm")), "backward": flag()}

    def softmax(_):
        columns = rng.choice((2 ** rng.randrange(7, 14), log_uniform(rng, 128, 8192)))
        sequences = max(1, rows_of(columns) // columns)
        return {"rows": sequences * columns, "columns": columns, "masked": flag(0.7), "backward": flag()}

    def activation(_):
        w = width()
        function, gated = rng.choice((("gelu", "false"), ("silu", "true"), ("relu", "false"), ("gelu", "true")))
        return {"rows": rows_of(w), "width": w, "function": function, "gated": gated, "backward": flag()}

    def residual(_):
        w = width()
        return {"rows": rows_of(w), "width": w, "dropout": flag(0.4), "bias": flag(0.3)}

    def rotary(_):
        dim, heads = rng.choice((64, 80, 96, 128)), rng.choice((12, 16, 32, 40, 64))
        return {"tokens": rows_of(dim * heads), "heads": heads, "dim": dim, "backward": flag(0.3)}

    def embedding(_):
        w = width()
        return {"tokens": rows_of(w), "width": w, "positions": flag(0.3), "backward": flag(0.4)}

    def cross_entropy(_):
        vocab = rng.choice((32000, 50257, 50304, 128256, 151936, log_uniform(rng, 8192, 262144)))
        return {"rows": rows_of(vocab), "vocab": vocab, "backward": flag()}

    def optimizer(_):
        return {"parameters": round(log_uniform(rng, 2**12, 2**29))}

    fixed = [{"rows": batch * length, "columns": length, "masked": "true", "backward": "false"}
             for batch, length in ((128, 2048), (64, 4096))]  # between the batched products of head_dims
    kinds = {norm: 130, softmax: 80, activation: 80, residual: 70, rotary: 50, embedding: 50, cross_entropy: 40, optimizer: 40}
    lists = {make.__name__: distinct(rng, round(share * count), make) for make, count in kinds.items()}
    lists["softmax"] += fixed
    return lists


def streams():
    """Copies, reads and writes of 16 KiB to 2 GiB."""
    found = []
    for size in (2**14 * 2 ** (i / 2) for i in range(35)):
        elements = round(size / 2 / 4096) * 4096
        for read_bytes, write_bytes in ((2, 2), (2, 2 / 16), (0, 2)):  # what sums 16 into one mostly reads
            found.append({"function": "copy", "elements": max(4096, elements), "read_bytes": read_bytes, "write_bytes": write_bytes})
    return found


def launches():
    """Kernels that do next to nothing: what is left is the launch."""
    return [{"function": "copy", "elements": elements, "read_bytes": 2, "write_bytes": 2} for elements in (1, 8, 64, 512, 4096)]
