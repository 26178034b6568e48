"""Records read from CSV, and the work that each stands for.

Columns are those of `gemmetry records export`, in that order: the operator's fields come before `clocks`. A column that
is missing from a file is empty in all its rows.
"""
import csv
import json

ELEMENT_BYTES = {"bf16": 2, "fp16": 2, "fp8": 1, "tf32": 4, "fp32": 4}
DTYPES = tuple(ELEMENT_BYTES)
TEXTS = {"kind", "reason", "algorithm.library", "algorithm.kernel", "algorithm.key", "gpu", "device", "uuid", "driver",
         "runtime", "products", "attention", "tool", "time"}


def value_of(column, text):
    """None where empty; a number or a truth value where it is one."""
    if text == "" or text is None:
        return None
    if column in TEXTS:
        return text
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            pass
    return text


class Record(dict):
    """One row; what it does not state is None."""

    def __init__(self, row, operator_fields):
        super().__init__((column, value_of(column, text)) for column, text in row.items())
        self.operator = tuple((field, self[field]) for field in operator_fields if self[field] is not None)

    def __missing__(self, key):
        return None

    @property
    def time_s(self):
        return self["time_s"]

    @property
    def element_bytes(self):
        return ELEMENT_BYTES[self["dtype"]]

    @property
    def tflops(self):
        return flop(self) / self.time_s / 1e12

    @property
    def bandwidth(self):
        """TB/s of compulsory traffic."""
        return moved_bytes(self) / self.time_s / 1e12

    def says(self):
        """The operator in words: kind and fields."""
        fields = [f"{name}={text_of(value)}" for name, value in self.operator if name != "kind"]
        return " ".join([self["kind"]] + fields)


def text_of(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_file(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        columns = rows.fieldnames or []
        if "clocks" not in columns:
            raise ValueError(f"{path}: no column 'clocks', so these are no records")
        operator_fields = [name for name in columns[:columns.index("clocks")] if name != "held_out"]
        return [Record(row, operator_fields) for row in rows]


def read_folder(folder):
    """Every record of the folder's CSV files, in the order of the files' names."""
    return [record for path in sorted(folder.glob("*.csv")) for record in read_file(path)]


def usable(records, launch="graph"):
    """What was measured and can be compared: trusted, first takes, cold cache, one way of launching."""
    return [r for r in records if r["status"] == "ok" and r.time_s and not r["take"] and r["cache"] == "cold"
            and r["launch"] == launch]


def ordinary(records, kind):
    """Usable records of a kind by the library's first choice in a burst."""
    return [r for r in usable(records) if r["kind"] == kind and r["clocks"] == "burst" and r["policy"] == "first"]


def products(records):
    """Products without epilogue, of sizes that need work."""
    return [r for r in records if r["kind"] == "gemm" and r["epilogue"] in (None, "none") and flop(r) > 0]


def pairs(records, vary, one, other):
    """Pairs of records that agree in operator and setting, but for the setting `vary`."""
    def identity(record):
        return tuple(sorted(record.operator)), tuple(record[s] for s in ("clocks", "policy", "launch") if s != vary)
    first = {identity(r): r for r in records if r[vary] == one}
    return [(first[identity(r)], r) for r in records if r[vary] == other and identity(r) in first]


def unmasked_pairs(r):
    queries, keys = r["queries"], r["keys"]
    return queries * (2 * keys - queries + 1) / 2 if r["causal"] else queries * keys


def flop(r):
    """Of a product or of attention without a window; only unmasked pairs count."""
    if r["kind"] == "gemm":
        return 2 * r["batch"] * r["m"] * r["n"] * r["k"]
    qk, pv = r["head_dim"], r["value_dim"] or r["head_dim"]
    per_pair = 2 * (3 * qk + 2 * pv) if r["backward"] else 2 * (qk + pv)
    return r["batch"] * r["heads"] * unmasked_pairs(r) * per_pair


def cache_bytes(r):
    """Keys and values of an attention."""
    width = r["head_dim"] + (r["value_dim"] or r["head_dim"])
    return r["batch"] * r["keys"] * (r["kv_heads"] or r["heads"]) * width * r.element_bytes


def optimizer_bytes(r):
    weight = r.element_bytes
    return r["parameters"] * (weight + 16 + (8 + weight if weight < 4 else 2 * weight))


def embedding_bytes(r):
    tables = 2 if r["positions"] else 1
    passes = 1 + 2 * tables if r["backward"] else 1 + tables
    return r["tokens"] * (8 + passes * r["width"] * r.element_bytes)


def activation_bytes(r):
    inputs = 2 if r["gated"] else 1
    return (2 * inputs + 1 if r["backward"] else inputs + 1) * r["rows"] * r["width"] * r.element_bytes


def residual_bytes(r):
    passes = (2 if r["backward"] else 3) * r.element_bytes + (1 if r["dropout"] else 0)
    return passes * r["rows"] * r["width"]


def cross_entropy_bytes(r):
    logits = r["rows"] * r["vocab"] * r.element_bytes
    return 2 * logits if r["backward"] else logits + 12 * r["rows"]


# Compulsory traffic: inputs read once, results written once, as gemmetry counts it.
MOVED = {
    "norm": lambda r: (3 if r["backward"] else 2) * r["rows"] * r["width"] * r.element_bytes,
    "softmax": lambda r: (3 if r["backward"] else 2) * r["rows"] * r["columns"] * r.element_bytes,
    "activation": activation_bytes,
    "rotary": lambda r: 2 * r["tokens"] * r["heads"] * r["dim"] * r.element_bytes,
    "residual": residual_bytes,
    "embedding": embedding_bytes,
    "cross_entropy": cross_entropy_bytes,
    "optimizer": optimizer_bytes,
    "pointwise": lambda r: r["elements"] * (r["read_bytes"] + r["write_bytes"]),
}


def moved_bytes(r):
    return MOVED[r["kind"]](r)


class Gpu:
    """What the catalogue says of a GPU."""

    def __init__(self, path):
        data = json.loads(path.read_text(encoding="utf-8"))
        self.title = data["title"]
        self.facts = {name: fact["value"] for name, fact in data["facts"].items() if fact and fact["value"] is not None}

    def peak_tflops(self, dtype):
        """Of the tensor cores; of the vector units where the dtype has none."""
        flops = self.facts.get(f"tensor_flops_{dtype}")
        if flops is None and dtype == "fp32":
            flops = self.facts["vector_flops"]
        return flops / 1e12 if flops else None
