#!/usr/bin/env python3
"""Forward time of one layer as Hugging Face transformers runs it, on the CUDA device of this machine: the measurements beside which
the README lays predictions.

Needs `pip install torch transformers`. bf16, batch 4, sequence 2048, kernel by kernel, median of 9 runs of 20 layers after 3 ms idle.
"""
import time

import torch
import transformers

BATCH, SEQUENCE, RUNS, LAYERS = 4, 2048, 9, 20


def milliseconds(config):
    """Median time of one decoder layer of a one-layer model of this config."""
    model = transformers.AutoModel.from_config(config, dtype=torch.bfloat16).cuda().eval()
    layer = model.layers[0]
    hidden = torch.randn(BATCH, SEQUENCE, config.hidden_size, device="cuda", dtype=torch.bfloat16)
    positions = torch.arange(SEQUENCE, device="cuda")[None]
    rotary = model.rotary_emb(hidden, positions)
    mask = None
    if config._attn_implementation == "eager":
        mask = torch.full((SEQUENCE, SEQUENCE), torch.finfo(torch.bfloat16).min, device="cuda", dtype=torch.bfloat16)
        mask = mask.triu(1)[None, None]

    def run():
        return layer(hidden, attention_mask=mask, position_ids=positions, position_embeddings=rotary)

    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    times = []
    with torch.no_grad():
        for _ in range(5):
            run()
        for _ in range(RUNS):
            torch.cuda.synchronize()
            time.sleep(0.003)
            start.record()
            for _ in range(LAYERS):
                run()
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end) / LAYERS)
    return sorted(times)[RUNS // 2]


def llama(width):
    return transformers.LlamaConfig(num_hidden_layers=1, intermediate_size=width, vocab_size=256, attn_implementation="sdpa")


def neox(heads, attention):
    return transformers.GPTNeoXConfig(num_hidden_layers=1, hidden_size=2560, intermediate_size=10240, vocab_size=256,
                                      num_attention_heads=heads, use_parallel_residual=False, attn_implementation=attention)


def compare(what, slow, fast):
    a, b = milliseconds(slow), milliseconds(fast)
    print(f"{what:<58} {a:7.2f} ms {b:7.2f} ms {a / b:6.2f}x")


def main():
    print(torch.cuda.get_device_name(), "torch", torch.__version__, "CUDA", torch.version.cuda, "transformers",
          transformers.__version__)
    compare("Llama-2-7B layer, d_ff 10922 against 11008, fused", llama(10922), llama(11008))
    compare("GPT-NeoX layer h=2560, 32 heads against 20, eager", neox(32, "eager"), neox(20, "eager"))
    compare("GPT-NeoX layer h=2560, 32 heads against 20, fused", neox(32, "sdpa"), neox(20, "sdpa"))


if __name__ == "__main__":
    main()
