#!/usr/bin/env python3
"""Records what Hugging Face transformers makes of a config: its exact parameter count, and the matrix products of its 1-layer and
2-layer model's forward pass. The tests compare gemmetry's importer and lowering with these records.

    pip install torch transformers==5.17.0
    python tools/record_hf_cases.py check tests/data/hf_cases.json   # records every case again and compares
    python tools/record_hf_cases.py record new_configs.json tests/data/hf_cases.json
                                                                     # records its {"name", "config"} entries and adds them

Models are built of fake tensors, so no memory, GPU or download is needed. Attention is eager, experts run as grouped products.
A record holds ["gemm", batch, m, n, k, count] and ["grouped_gemm", experts, rows, n, k, count]; products with k = 1 (the outer
product of rotary frequencies) are dropped. bert-like configs are built with their language-model head, unless `architectures`
names a bare ...Model, which is built with its pooler.
"""

import argparse
import collections
import copy
import json
import sys

import torch
import transformers
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import CONFIG_MAPPING, AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM

BATCH, SEQUENCE = 2, 256
ENCODERS = {"bert", "roberta", "xlm-roberta"}
LAYER_KEYS = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"]
PER_LAYER_LISTS = ["layer_types", "attention_layers", "no_rope_layers"]
# Keys that change neither shapes nor operators.
NOISE = {
    "_name_or_path", "bos_token_id", "chunk_size_feed_forward", "dtype", "eos_token_id", "id2label", "is_encoder_decoder",
    "label2id", "output_attentions", "output_hidden_states", "problem_type", "return_dict", "transformers_version",
    "initializer_range", "use_cache",
}


class Products(TorchDispatchMode):
    """Counts the matrix products that run."""

    def __init__(self):
        super().__init__()
        self.count = collections.Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        operands = {"mm": args[0:2], "addmm": args[1:3], "bmm": args[0:2], "baddbmm": args[1:3]}.get(name)
        if operands:
            left, right = operands
            batch = left.shape[0] if left.dim() == 3 else 1
            self.add("gemm", batch, left.shape[-2], right.shape[-1], left.shape[-1])
        elif name == "_grouped_mm":
            rows, weight = args[0:2]
            self.add("grouped_gemm", weight.shape[0], rows.shape[0], weight.shape[2], weight.shape[1])
        elif name in {"dot", "mv", "addmv", "addbmm", "einsum", "matmul", "linear"}:
            raise RuntimeError(f"a product the recorder does not know: {name}")
        return func(*args, **(kwargs or {}))

    def add(self, kind, batch, m, n, k):
        if k > 1:
            self.count[(kind, batch, m, n, k)] += 1

    def rows(self):
        return [[*product, count] for product, count in sorted(self.count.items(), key=str)]


def build(config):
    """The model of a config dictionary."""
    values = copy.deepcopy(config)
    model_type = values.pop("model_type")
    parsed = CONFIG_MAPPING[model_type].from_dict(values)
    bare = any(name.endswith("Model") and "Head" not in name for name in config.get("architectures") or [])
    if model_type in ENCODERS:
        make = AutoModel if bare else AutoModelForMaskedLM
    else:
        make = AutoModel if bare else AutoModelForCausalLM
    return make.from_config(parsed, attn_implementation="eager").eval()


def with_layers(config, layers):
    """The config cut to so many layers."""
    cut = copy.deepcopy(config)
    for key in LAYER_KEYS:
        if key in cut:
            cut[key] = layers
    for key in PER_LAYER_LISTS:
        if cut.get(key):
            cut[key] = cut[key][:layers]
    if cut.get("attention_types"):
        expanded = [kind for kinds, times in cut["attention_types"] for _ in range(times) for kind in kinds]
        cut["attention_types"] = [[expanded[:layers], 1]]
    return cut


def products(config, layers, batch, sequence):
    with FakeTensorMode(), torch.no_grad():
        model = build(with_layers(config, layers))
        tokens = torch.zeros((batch, sequence), dtype=torch.long)
        with Products() as counted:
            model(tokens, use_cache=False)
    return counted.rows()


def record(name, config, split):
    with FakeTensorMode():
        parameters = sum(parameter.numel() for parameter in build(config).parameters())  # a tied one is listed once
    return {
        "name": name,
        "config": {key: value for key, value in config.items() if key not in NOISE},
        "b": BATCH,
        "s": SEQUENCE,
        "attn": "eager",
        "parameters": parameters,
        "ops_1_layers": products(config, 1, BATCH, SEQUENCE),
        "ops_2_layers": products(config, 2, BATCH, SEQUENCE),
        "split": split,
    }


def differs(now, before):
    return sorted(now) != sorted(before) if isinstance(now, list) else now != before


def write(path, cases):
    """One case a line: small, and readable in a diff."""
    with open(path, "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="record every case again and compare")
    check.add_argument("cases")
    add = commands.add_parser("record", help='record a list of {"name", "config"} and merge it into the cases by name')
    add.add_argument("configs")
    add.add_argument("cases")
    arguments = parser.parse_args()
    transformers.logging.set_verbosity_error()

    with open(arguments.cases) as stream:
        cases = json.load(stream)
    failures = 0
    if arguments.command == "check":
        for case in cases:
            again = record(case["name"], case["config"], case["split"])
            wrong = [key for key in ("parameters", "ops_1_layers", "ops_2_layers") if differs(again[key], case[key])]
            failures += bool(wrong)
            print(case["name"], "differs in " + ", ".join(wrong) if wrong else "ok")
            for key in wrong:
                print("   recorded", case[key], "\n   now     ", again[key])
    else:
        with open(arguments.configs) as stream:
            wanted = json.load(stream)
        known = {case["name"]: case for case in cases}
        for entry in wanted:
            try:
                known[entry["name"]] = record(entry["name"], entry["config"], "extra")
                print(entry["name"], known[entry["name"]]["parameters"])
            except Exception as failure:  # report all of them: one bad config must not hide the others
                failures += 1
                print(entry["name"], "FAILED:", type(failure).__name__, failure)
        write(arguments.cases, list(known.values()))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
