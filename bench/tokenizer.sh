#!/usr/bin/env bash
# Encoding speed of a tokenizer learned from TEXTS, one core, MB of text per second: ours, and Hugging Face's on the same
# file and text if python3 has `tokenizers`. Best of five.
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=build/bin/nanochat-opt data=${1:-run/rust} vocab=${2:-4096}
[[ -x $compiler && -e $data ]] || { echo "usage: bench/tokenizer.sh [TEXTS [VOCAB]]; run ./nanochat train first" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
find "$data" -name '*.rs' -print0 | sort -z | xargs -0 cat >"$folder/text"
"$compiler" tokenizer train "$data" --vocab "$vocab" -o "$folder/tokenizer.json"
for _ in 1 2 3 4 5; do
  "$compiler" tokenizer encode --tokenizer "$folder/tokenizer.json" "$folder/text" 2>&1 >/dev/null
done | sort -t, -k3 -g | tail -n 1 | sed 's/^/ours: /'
# Theirs takes file by file: one long text slows it down.
/usr/bin/python3 - "$folder" "$data" <<'END' || true
import pathlib, sys, time
try:
    from tokenizers import Tokenizer
except ImportError:
    sys.exit("no tokenizers module: no comparison")
tokenizer = Tokenizer.from_file(sys.argv[1] + "/tokenizer.json")
texts = [path.read_text() for path in sorted(pathlib.Path(sys.argv[2]).rglob("*.rs"))]
size = sum(len(text.encode()) for text in texts) / 1e6
best = 0
for _ in range(5):
    begin = time.perf_counter()
    for text in texts:
        tokenizer.encode(text, add_special_tokens=False)
    best = max(best, size / (time.perf_counter() - begin))
print(f"Hugging Face: {best:.1f} MB/s")
END
