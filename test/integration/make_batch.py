"""make_batch.py COUNT VOCAB FILE: COUNT random token ids below VOCAB, int32 little-endian."""
import random
import struct
import sys

count, vocab, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
random.seed(7)
with open(path, "wb") as out:
    out.write(struct.pack(f"<{count}i", *(random.randrange(vocab) for _ in range(count))))
