#!/usr/bin/env python3
"""Times gemmetry's execution beside Hugging Face transformers', eager and compiled, in turns on one GPU.

    bench/speed_against_transformers.py build/release/gemmetry

Layers: GPT-NeoX h = 2560, Llama-2-7B, Llama-3.1-8B, batch 4, sequence 2048, bf16, forward. LAYERS of them run from hidden state
to hidden state in transformers (SDPA attention; eager, then torch.compile); gemmetry runs as many between a vocabulary of 64, with
its embedding and logits. All of them work without a pause before they are timed (--clocks sustained). Times are a layer's, the medians of
ROUNDS turns. Decoding: one request, prompt 128, 128 new
tokens, greedy: gemmetry's time of a token and its share of the GPU's own copy bandwidth on the bytes of weights and cache; of
Pythia-410M also transformers' generate.
Random weights. Needs torch with CUDA and transformers. Prints a Markdown table each, and with --json a file of all numbers.
"""
import argparse
import gc
import json
import statistics
import subprocess
import time

import torch
import transformers

LAYERS, BATCH, SEQUENCE, ROUNDS, CALLS, SOAK_S = 4, 4, 2048, 3, 10, 1.5
PROMPT, NEW = 128, 128
NEOX = dict(vocab_size=64, hidden_size=2560, num_attention_heads=32, intermediate_size=10240, max_position_embeddings=2048)
LLAMA = dict(vocab_size=64, hidden_size=4096, num_attention_heads=32, max_position_embeddings=4096, rms_norm_eps=1e-5)
MODELS = {
    "GPT-NeoX, h = 2560": ("pythia-2.8b", transformers.GPTNeoXConfig(num_hidden_layers=LAYERS, **NEOX)),
    "Llama-2-7B": ("llama-2-7b", transformers.LlamaConfig(num_hidden_layers=LAYERS, num_key_value_heads=32, intermediate_size=11008, **LLAMA)),
    "Llama-3.1-8B": ("llama-3.1-8b", transformers.LlamaConfig(num_hidden_layers=LAYERS, num_key_value_heads=8, intermediate_size=14336, **LLAMA)),
}
DECODERS = ("llama-3.1-8b", "pythia-1b", "pythia-410m")


def gemmetry(program, *arguments):
    done = subprocess.run([program, "measure", *map(str, arguments), "--format", "json"], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"gemmetry measure {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def ours(program, preset):
    answer = gemmetry(program, "model", preset, "--layers", LAYERS, "--vocab", 64, "--batch", BATCH, "--seq", SEQUENCE)
    return answer["totals"]["time_s"] / LAYERS


def cuda_time(call):
    """Seconds of a call, of CALLS in a row after SOAK_S of them."""
    until = time.monotonic() + SOAK_S
    while time.monotonic() < until:
        call()
        torch.cuda.synchronize()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(CALLS):
        call()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) * 1e-3 / CALLS


@torch.inference_mode()
def layers(program, preset, config):
    torch.manual_seed(1)
    model = transformers.AutoModel.from_config(config, attn_implementation="sdpa").to("cuda", torch.bfloat16).eval()
    compiled = torch.compile(model)
    hidden = torch.randn(BATCH, SEQUENCE, config.hidden_size, device="cuda", dtype=torch.bfloat16)
    calls = {"eager": lambda: model(inputs_embeds=hidden, use_cache=False),
             "compiled": lambda: compiled(inputs_embeds=hidden, use_cache=False)}
    times = {name: [] for name in (*calls, "gemmetry")}
    for call in calls.values():
        for _ in range(3):
            call()
    for _ in range(ROUNDS):
        for name, call in calls.items():
            times[name].append(cuda_time(call) / LAYERS)
        torch.cuda.synchronize()
        times["gemmetry"].append(ours(program, preset))
    del model, compiled
    gc.collect()
    torch.cuda.empty_cache()
    torch._dynamo.reset()
    return {name: statistics.median(of) for name, of in times.items()}


@torch.inference_mode()
def generate_time():
    """Seconds a token of transformers' generate for Pythia-410M."""
    config = transformers.GPTNeoXConfig(vocab_size=50304, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
                                        intermediate_size=4096, max_position_embeddings=2048)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").to("cuda", torch.bfloat16).eval()
    tokens = torch.randint(0, config.vocab_size, (1, PROMPT), device="cuda")
    seconds = []
    for _ in range(3):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        model.generate(tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=NEW, min_new_tokens=NEW, do_sample=False,
                       pad_token_id=0)
        torch.cuda.synchronize()
        seconds.append((time.perf_counter() - begin) / NEW)
    return statistics.median(seconds[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="gemmetry")
    parser.add_argument("--only", choices=("layers", "decode"))
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    results = {}
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, transformers {transformers.__version__}\n")
    if options.only != "decode":
        print("| one layer forward | eager | compiled | gemmetry | over eager | over compiled |\n|---|--:|--:|--:|--:|--:|")
        for name, (preset, config) in MODELS.items():
            times = results[name] = layers(options.program, preset, config)
            print(f"| {name} | " + " | ".join(f"{1e3 * time_s:.3f} ms" for time_s in times.values())
                  + f" | {times['eager'] / times['gemmetry']:.2f}x | {times['compiled'] / times['gemmetry']:.2f}x |", flush=True)
    if options.only != "layers":
        print("\n| decode, batch 1 | a token | of the copy bandwidth | generate, a token | over generate |\n|---|--:|--:|--:|--:|")
        for preset in DECODERS:
            answer = gemmetry(options.program, "decode", preset, "--prompt", PROMPT, "--new-tokens", NEW)["decode"]
            theirs = generate_time() if preset == "pythia-410m" else None
            again = gemmetry(options.program, "decode", preset, "--prompt", PROMPT, "--new-tokens", NEW)["decode"]
            token_s = statistics.median([answer["token_time_s"], again["token_time_s"]])
            whole_s = again["answer_time_s"] / NEW
            results[preset] = {"token_s": token_s, "copy_share": again["copy_share"], "answer_token_s": whole_s, "generate_token_s": theirs}
            beside = f"{1e3 * theirs:.2f} ms | {theirs / whole_s:.1f}x |" if theirs else "| |"
            print(f"| {preset} | {1e6 * token_s:.0f} us | {100 * again['copy_share']:.1f} % | {beside}", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
