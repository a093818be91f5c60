#!/usr/bin/python3
"""The model of looplm-384.mlir in PyTorch, as users of BitNet write it: quantise, dequantise, multiply floats.

Straight-through estimators, tied head, AdamW, the mean of the losses after each loop. Prints the median
tokens per second of the timed steps; one step is forward, backward and optimizer."""
import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

VOCAB, DIM, HEADS, LAYERS, LOOPS, INNER, BATCH, SEQ = 8192, 384, 6, 3, 4, 1024, 4, 256


class BitLinear(nn.Linear):
    """int8 activations per token (absmax), ternary weights per tensor (absmean), both simulated in f32."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs, bias=False)
        nn.init.normal_(self.weight, std=0.02)

    def forward(self, x):
        to_codes = 127 / x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
        rounded = (x * to_codes).round().clamp(-128, 127) / to_codes
        to_signs = 1 / self.weight.abs().mean().clamp(min=1e-5)
        ternary = (self.weight * to_signs).round().clamp(-1, 1) / to_signs
        return F.linear(x + (rounded - x).detach(), self.weight + (ternary - self.weight).detach())


class RMSNorm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.gain


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2, self.norm3, self.norm4 = (RMSNorm(n) for n in (DIM, DIM, DIM, INNER))
        self.qkv, self.o = BitLinear(DIM, 3 * DIM), BitLinear(DIM, DIM)
        self.gate_up, self.down = BitLinear(DIM, 2 * INNER), BitLinear(INNER, DIM)

    def attend(self, x, rotate, mask):
        split = self.qkv(self.norm1(x)).view(BATCH, SEQ, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        q, k, v = rotate(split[0]), rotate(split[1]), split[2]
        weights = torch.softmax(q @ k.transpose(-2, -1) * q.size(-1) ** -0.5 + mask, -1)
        return self.o(self.norm3((weights @ v).transpose(1, 2).reshape(BATCH, SEQ, DIM)))

    def forward(self, x, rotate, mask):
        x = x + self.attend(x, rotate, mask)
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(self.norm4(F.silu(gate) * up))


class LoopLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, DIM)
        nn.init.normal_(self.embed.weight, std=0.02)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = RMSNorm(DIM)
        half = DIM // HEADS // 2
        angles = torch.outer(torch.arange(SEQ), 1e4 ** (-torch.arange(half) / half))
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((SEQ, SEQ), float("-inf")).triu(1)

    def rotate(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, a * self.sin + b * self.cos], -1)

    def forward(self, tokens, targets):
        x, loss = self.embed(tokens), 0
        for _ in range(LOOPS):
            for layer in self.layers:
                x = layer(x, self.rotate, self.mask)
            logits = self.norm(x) @ self.embed.weight.t()
            loss = loss + F.cross_entropy(logits.view(-1, VOCAB), targets.reshape(-1)) / LOOPS
        return loss


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = LoopLM()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1)
    seconds = []
    for step in range(args.steps + 2):  # two to warm up
        text = torch.randint(0, VOCAB, (BATCH, SEQ + 1))
        start = time.perf_counter()
        model(text[:, :-1], text[:, 1:]).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    print(f"{BATCH * SEQ / statistics.median(seconds[2:]):.0f}")


main()
