#!/usr/bin/env python3
"""Compares gemmetry's executed models with Hugging Face transformers' on the same weights.

For each family a small model of odd sizes and random weights is made with transformers, saved as safetensors and
config.json, and run by `gemmetry measure model --weights ... --logits ...`; then greedily decoded by `measure decode`.

  logits fp32   largest difference over the largest logit, both in fp32; the worst of fused, unfused and eager attention
                with fused and separate projections. transformers runs on the CPU whatever --device is
  logits bf16   the same in bf16, against transformers in fp32 with the weights rounded to bf16
  HF bf16       what transformers in bf16 itself is off by, for comparison
  greedy        share of tokens decoded step by step over the cache that are those of transformers without one (fp32)
  prefill       logits of the last token from --phase prefill against those of --phase forward (fp32)

Needs torch, transformers, safetensors and numpy. Exit status 1 where a bound is missed.

  bench/compare_transformers.py --gemmetry build/release/gemmetry --device cpu
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch
import transformers

BOUNDS = {"fp32": 2e-5, "bf16": 4e-2, "prefill": 2e-5}
ATTENTIONS = ("fused", "unfused", "eager")
transformers.utils.logging.disable_progress_bar()
VOCAB, POSITIONS, LAYERS = 211, 96, 2
BATCH, SEQUENCE, PROMPT, NEW = 3, 37, 9, 24

COMMON = dict(vocab_size=VOCAB, num_hidden_layers=LAYERS, max_position_embeddings=POSITIONS,
              bos_token_id=0, eos_token_id=None, pad_token_id=None)
LLAMA = dict(COMMON, hidden_size=72, num_attention_heads=6, num_key_value_heads=2, intermediate_size=106)


def families():
    t = transformers
    gpt2 = dict(vocab_size=VOCAB, n_positions=POSITIONS, n_embd=70, n_layer=LAYERS, n_head=5, bos_token_id=0,
                eos_token_id=None, pad_token_id=None)
    neox = dict(COMMON, hidden_size=84, num_attention_heads=6, intermediate_size=202, rotary_pct=0.43)
    opt = dict(COMMON, hidden_size=70, num_attention_heads=5, ffn_dim=186, word_embed_proj_dim=70)
    scaled = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
                  original_max_position_embeddings=32, rope_theta=20000.0)
    return {
        "gpt2": t.GPT2Config(**gpt2),
        "gpt2 gelu": t.GPT2Config(**gpt2, activation_function="gelu"),
        "gpt_neox": t.GPTNeoXConfig(**neox),
        "gpt_neox serial": t.GPTNeoXConfig(**neox, use_parallel_residual=False, hidden_act="gelu_fast"),
        "opt": t.OPTConfig(**opt),
        "opt post-norm": t.OPTConfig(**opt, do_layer_norm_before=False),
        "llama": t.LlamaConfig(**LLAMA, attention_bias=True, mlp_bias=True),
        "llama scaled": t.LlamaConfig(**LLAMA, rope_parameters=scaled),
        "llama tied": t.LlamaConfig(**LLAMA, tie_word_embeddings=True, rms_norm_eps=1e-3),
        "mistral": t.MistralConfig(**LLAMA, sliding_window=11, head_dim=20),
        "qwen2": t.Qwen2Config(**LLAMA, use_sliding_window=True, sliding_window=7, max_window_layers=1),
        "qwen3": t.Qwen3Config(**LLAMA, head_dim=18),
    }


def random_model(config, seed):
    """Weights large enough that every part of the layer shows in the logits; norms and biases are not left at 1 and 0."""
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.dim() > 1:
                fan_in = value.shape[0] if "c_" in name else value.shape[1]  # GPT-2 stores in by out
                value.normal_(0, 1.2 / fan_in**0.5)
            else:
                value.normal_(1 if "norm" in name or "ln_" in name else 0, 0.2)
                if name.endswith("bias"):
                    value.normal_(0, 0.2)
    return model


class Gemmetry:
    def __init__(self, program, device, folder):
        self.program, self.device, self.folder = program, device, folder

    def __call__(self, *arguments):
        command = [self.program, "measure", *arguments, "--weights", str(self.folder), "--device", self.device,
                   "--time-cap", "1ms", "--format", "json"]
        done = subprocess.run([str(a) for a in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip() or f"exit status {done.returncode}")
        return json.loads(done.stdout)

    def logits(self, tokens, dtype, phase="forward", attention="fused", projections="fused"):
        where = self.folder / "tokens.txt"
        where.write_text(" ".join(map(str, tokens.flatten().tolist())))
        self("model", "--phase", phase, "--batch", tokens.shape[0], "--seq", tokens.shape[1], "--dtype", dtype,
             "--attention", attention, "--projections", projections, "--tokens", where, "--logits",
             self.folder / "logits")
        rows = tokens.shape[1] if phase == "forward" else 1
        return torch.from_numpy(numpy.fromfile(self.folder / "logits", numpy.float32)).view(tokens.shape[0], rows, -1)

    def answers(self, prompts):
        where = self.folder / "tokens.txt"
        where.write_text(" ".join(map(str, prompts.flatten().tolist())))
        self("decode", "--batch", prompts.shape[0], "--prompt", prompts.shape[1], "--new-tokens", NEW, "--dtype", "fp32",
             "--tokens", where, "--answers", self.folder / "answers")
        lines = (self.folder / "answers").read_text().splitlines()
        return torch.tensor([[int(word) for word in line.split()] for line in lines])


def off(got, exact):
    return ((got - exact).abs().max() / exact.abs().max()).item() if torch.isfinite(got).all() else float("inf")


def greedy(model, prompts):
    """The likeliest tokens, the whole sequence run again for each."""
    tokens = prompts
    with torch.no_grad():
        for _ in range(NEW):
            tokens = torch.cat([tokens, model(tokens).logits[:, -1].argmax(-1, keepdim=True)], 1)
    return tokens[:, prompts.shape[1]:]


def compare(config, seed, program, device):
    model = random_model(config, seed)
    torch.manual_seed(seed + 1)
    tokens = torch.randint(0, VOCAB, (BATCH, SEQUENCE))
    with torch.no_grad():
        exact = model(tokens).logits
        expected = greedy(model, tokens[:, :PROMPT])
    row = {}
    with tempfile.TemporaryDirectory() as name:
        ours = Gemmetry(program, device, Path(name))
        model.save_pretrained(name)
        forward = ours.logits(tokens, "fp32")
        cases = [(a, p) for a in ATTENTIONS for p in ("fused", "hf")]
        row["fp32"] = max(off(ours.logits(tokens, "fp32", attention=a, projections=p), exact) for a, p in cases)
        row["prefill"] = off(ours.logits(tokens, "fp32", "prefill"), forward[:, -1:])
        row["greedy"] = (ours.answers(tokens[:, :PROMPT]) == expected).float().mean().item()
        # The same rounded weights in both; then what is left is arithmetic.
        narrow = model.bfloat16()
        narrow.save_pretrained(name)
        with torch.no_grad():
            hf = narrow(tokens).logits.float()
            rounded = narrow.float()(tokens).logits
        row["bf16"] = max(off(ours.logits(tokens, "bf16", attention=a), rounded) for a in ATTENTIONS)
        row["hf"] = off(hf, rounded)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gemmetry", default="build/release/gemmetry")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--family", action="append", help="only these")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    print(f"transformers {transformers.__version__}, torch {torch.__version__}, device {options.device}; "
          f"batch {BATCH}, {SEQUENCE} tokens, {LAYERS} layers")
    print(f"bounds: logits fp32 {BOUNDS['fp32']:g}, bf16 {BOUNDS['bf16']:g}, prefill {BOUNDS['prefill']:g}, greedy all equal")
    print(f"{'family':16} {'logits fp32':>12} {'prefill':>9} {'greedy':>7} {'logits bf16':>12} {'HF bf16':>9}")
    missed = 0
    for name, config in families().items():
        if options.family and name not in options.family:
            continue
        try:
            row = compare(config, options.seed, options.gemmetry, options.device)
        except RuntimeError as problem:
            print(f"{name:16} {problem}")
            missed += 1
            continue
        good = all(row[key] <= bound for key, bound in BOUNDS.items()) and row["greedy"] == 1
        missed += not good
        print(f"{name:16} {row['fp32']:12.2e} {row['prefill']:9.1e} {row['greedy']:7.0%} {row['bf16']:12.2e} "
              f"{row['hf']:9.1e} {'' if good else ' MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
