"""Our tokenizer against Hugging Face's: ids on Rust source, random bytes and all of Unicode, files in both
directions, merges learned from the same texts. Usage: tokenizer_oracle.py PROGRAM FOLDER SOURCES...; sources that are
not there are left out"""
import os
import pathlib
import random
import re
import subprocess
import sys
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

program, folder, *paths = sys.argv[1:]
os.makedirs(folder, exist_ok=True)
GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
failures = 0


def claim(what, good):
    global failures
    failures += not good
    print("ok  " if good else "FAIL", what)


def write(name, text):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(text.encode())
    return f"{folder}/{name}"


def ours(tokenizer, text):
    result = subprocess.run([program, "tokenizer", "encode", "--tokenizer", tokenizer], input=text.encode(), capture_output=True, check=True)
    return [int(word) for word in result.stdout.split()]


def theirs(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


def compare(what, file, tokenizer, text):
    a, b = ours(file, text), theirs(tokenizer, text)
    first = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), None)
    claim(f"{what}: {len(a)} ids of {len(text.encode())} bytes", a == b)
    if a != b:
        print("    first difference at id", first, repr(tokenizer.decode(b[:first])[-30:]) if first else "", a[first or 0:][:5], b[first or 0:][:5])


def build(pattern):
    """A tokenizer of theirs without merges yet."""
    tokenizer = Tokenizer(models.BPE())
    if pattern == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(GPT4), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


files = sorted(file for path in paths for file in pathlib.Path(path).rglob("*") if file.suffix in (".rs", ".cpp", ".h", ".td"))
# Their library finds special tokens in text, ours takes all text for ordinary.
SPECIAL = "<|endoftext|>"
rust = "".join(file.read_text() for file in files).replace(SPECIAL, "")[:2_000_000]
random.seed(1)
bytes_as_text = random.randbytes(300_000).decode("latin-1")
# Characters that were given their meaning after Unicode 14 are classified by age, and U+180E was a blank before 6.3.
newer = re.compile("[\u180e]")
known = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cs", "Cn")]
unicode = newer.sub("", "".join(random.choices(known, k=200_000)) + "".join(random.choices(known[:3000] + list(" \t\r\n\u00a0\u2003") * 200, k=200_000)))

for pattern in ("gpt4", "gpt2"):
    text = write("text.rs", rust)
    file = f"{folder}/{pattern}.json"
    subprocess.run([program, "tokenizer", "train", text, "--vocab", "1500", "--pattern", pattern, "-o", file], check=True, capture_output=True)
    loaded = Tokenizer.from_file(file)
    for what, sample in [("source", rust), ("random bytes", bytes_as_text), ("Unicode", unicode)]:
        compare(f"{pattern}, ours in their library, {what}", file, loaded, sample)
    # A single file is two texts to ours, cut behind a line: the last twentieth would be for validation.
    size = len(rust.encode())
    place = rust.encode().find(b"\n", size - size // 20) + 1
    peer = build(pattern)
    peer.train_from_iterator([rust.encode()[:place].decode(), rust.encode()[place:].decode()], trainers.BpeTrainer(vocab_size=1499, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    claim(f"{pattern}: the same vocabulary learned from the same text", peer.get_vocab() == {k: v for k, v in loaded.get_vocab().items() if v != 1499})
    peer.add_special_tokens([AddedToken(SPECIAL, special=True)])
    peer.save(f"{folder}/peer.json")
    for what, sample in [("source", rust), ("random bytes", bytes_as_text), ("Unicode", unicode)]:
        compare(f"{pattern}, theirs in ours, {what}", f"{folder}/peer.json", peer, sample)
sys.exit(failures > 0)
