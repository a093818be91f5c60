"""Bits per byte of a smoothed bigram table counted on the training tokens of a prepared folder, over its validation
tokens: what a model that knows one token back can do. Absolute discounting, 0.75, backing off to unigrams.
Usage: bench/bigram.py run/data"""
import json
import sys

import numpy

DISCOUNT = 0.75


def tokens(folder, shards):
    parts = []
    for shard in shards:
        header = numpy.fromfile(f"{folder}/{shard['file']}", "<i4", 256)
        width = "<u2" if header[0] == 20240520 else "<u4"
        parts.append(numpy.fromfile(f"{folder}/{shard['file']}", width, offset=1024).astype(numpy.int64))
    return numpy.concatenate(parts)


folder = sys.argv[1]
with open(f"{folder}/manifest.json") as file:
    manifest = json.load(file)
vocab = manifest["vocab"]
train, validation = (tokens(folder, manifest[split]["shards"]) for split in ("train", "validation"))
unigram = numpy.bincount(train, minlength=vocab) + 1.0
unigram /= unigram.sum()
table = numpy.bincount(train[:-1] * vocab + train[1:], minlength=vocab * vocab).reshape(vocab, vocab)
total = numpy.maximum(table.sum(1), 1)
kept = numpy.maximum(table - DISCOUNT, 0) / total[:, None]
left = 1 - kept.sum(1)
here, there = validation[:-1], validation[1:]
probability = kept[here, there] + left[here] * unigram[there]
# The token that begins a text stands for no bytes and is not counted, as in the program's own figure.
counted = there != vocab - 1
bits = -numpy.log2(probability[counted]).sum()
print(f"{bits / manifest['validation']['text_bytes']:.4f} bits per byte, {len(train)} training tokens, vocabulary {vocab}")
