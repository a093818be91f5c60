#!/usr/bin/env python3
"""The models of the speed comparisons in PyTorch, as its users write them; prints tokens per second (the median step: forward,
backward, AdamW) and the peak of resident memory in MiB.

looplm: bench/looplm.mlir. Ternary linears are BitLinear, simulated in floats (quantise, dequantise, multiply) with
straight-through estimators; --dense leaves that out. gpt2: models/gpt2-124m.mlir. Attention is fused where PyTorch has that."""
import argparse
import resource
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("model", choices=["looplm", "gpt2"])
parser.add_argument("--dim", type=int, default=384, help="width of looplm")
parser.add_argument("--dense", action="store_true")
parser.add_argument("--bf16", action="store_true", help="autocast to bfloat16")
parser.add_argument("--compile", action="store_true", help="torch.compile the model")
parser.add_argument("--seq", type=int, default=256, help="tokens per sequence")
parser.add_argument("--keep", type=float, default=1, help="looplm: share of each sequence's tokens that the loss is of, those with the highest in the last loop")
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()

BATCH, SEQ = 4, args.seq
VOCAB, LAYERS, LOOPS = (8192, 3, 4) if args.model == "looplm" else (50257, 12, 1)
DIM = args.dim if args.model == "looplm" else 768
HEADS, INNER = DIM // 64, DIM * 8 // 3


class BitLinear(nn.Linear):
    """int8 activations per token (absmax), ternary weights per tensor (absmean), both simulated in floats."""

    def forward(self, x):
        to_codes = 127 / x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
        rounded = (x * to_codes).round().clamp(-128, 127) / to_codes
        to_signs = 1 / self.weight.abs().mean().clamp(min=1e-5)
        ternary = (self.weight * to_signs).round().clamp(-1, 1) / to_signs
        return F.linear(x + (rounded - x).detach(), self.weight + (ternary - self.weight).detach())


def linear(inputs, outputs):
    layer = (nn.Linear if args.dense else BitLinear)(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=0.02)
    return layer


class RMSNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.gain


MASK = torch.full((SEQ, SEQ), float("-inf")).triu(1)


def attention(q, k, v):
    if hasattr(F, "scaled_dot_product_attention"):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return torch.softmax(q @ k.transpose(-2, -1) * q.size(-1) ** -0.5 + MASK, -1) @ v


def attend(qkv, rotate=lambda x: x):
    q, k, v = qkv.view(BATCH, SEQ, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
    return attention(rotate(q), rotate(k), v).transpose(1, 2).reshape(BATCH, SEQ, DIM)


class LoopLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2, self.norm3, self.norm4 = (RMSNorm(n) for n in (DIM, DIM, DIM, INNER))
        self.qkv, self.o = linear(DIM, 3 * DIM), linear(DIM, DIM)
        self.gate_up, self.down = linear(DIM, 2 * INNER), linear(INNER, DIM)

    def forward(self, x, rotate):
        x = x + self.o(self.norm3(attend(self.qkv(self.norm1(x)), rotate)))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(self.norm4(F.silu(gate) * up))


class LoopLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.layers = nn.ModuleList(LoopLayer() for _ in range(LAYERS))
        self.norm, self.gate = RMSNorm(DIM), nn.Linear(DIM, 1)
        half = DIM // HEADS // 2
        angles = torch.outer(torch.arange(SEQ), 1e4 ** (-torch.arange(half) / half))
        self.cos, self.sin = angles.cos(), angles.sin()

    def rotate(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, a * self.sin + b * self.cos], -1)

    def forward(self, tokens, targets):
        x, terms, survival = self.embed(tokens), 0, 0
        for loop in range(LOOPS):
            for layer in self.layers:
                x = layer(x, self.rotate)
            state = self.norm(x)
            nll = F.cross_entropy((state @ self.embed.weight.t()).float().view(-1, VOCAB), targets.reshape(-1), reduction="none")
            z = self.gate(state).float().view(-1)
            log_p = survival + (F.logsigmoid(z) if loop < LOOPS - 1 else 0)
            survival = survival + F.logsigmoid(-z)
            p = log_p.exp()
            terms = terms + p * nll + 0.1 * p * log_p
        if args.keep == 1:
            return terms.mean()
        kept = nll.detach().view(BATCH, SEQ).topk(round(args.keep * SEQ), dim=1).indices
        return terms.view(BATCH, SEQ).gather(1, kept).mean()


class GPT2Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.qkv, self.o = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)
        self.up, self.down = nn.Linear(DIM, 4 * DIM), nn.Linear(4 * DIM, DIM)

    def forward(self, x):
        x = x + self.o(attend(self.qkv(self.norm1(x))))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class GPT2(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.places = nn.Embedding(VOCAB, DIM), nn.Embedding(SEQ, DIM)
        for table in (self.embed, self.places):
            nn.init.normal_(table.weight, std=0.02)
        self.layers = nn.ModuleList(GPT2Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(DIM)

    def forward(self, tokens, targets):
        x = self.embed(tokens) + self.places.weight
        for layer in self.layers:
            x = layer(x)
        return F.cross_entropy((self.norm(x) @ self.embed.weight.t()).float().view(-1, VOCAB), targets.reshape(-1))


def main():
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = LoopLM() if args.model == "looplm" else GPT2()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
    if args.compile:
        model = torch.compile(model)
    seconds = []
    for step in range(args.steps + 2):  # two to warm up
        text = torch.randint(0, VOCAB, (BATCH, SEQ + 1))
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            loss = model(text[:, :-1].contiguous(), text[:, 1:].contiguous())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{BATCH * SEQ / statistics.median(seconds[2:]):.0f} {resident}")


main()
