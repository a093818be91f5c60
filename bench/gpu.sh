#!/usr/bin/env bash
# All that is checked and measured on an NVIDIA GPU (sm_89, sm_90, sm_100, sm_120), in a few minutes: kernels against the emulator,
# gradients against the reference, a training run against the CPU's, speed against cuBLAS, PyTorch and copies. Prints a page of
# markdown; what programs printed goes to $OUT (default: ./results), with rates.json for `nanochat-opt --rates`. Nothing else should
# run meanwhile.
#   bench/gpu.sh [--device cuda|cpu]    compiles and runs here; in an unpacked bundle, bash gpu.sh runs what is there
#   bench/gpu.sh bundle [FILE.tar.gz]   compiles here what a machine with a driver, bash and python3 (better: with torch) runs
# --device cpu tries this script without a GPU: the reference stands in for the kernels, the CPU part of programs for the rest.
# NANOCHAT_OPT: the compiler, which also checks each call where there is one. TORCH_PYTHON: a Python with torch. KEEP_DUMPS=1 keeps the
# GPU's records in $OUT for `nanochat-opt --check-dispatches`. GPT2_SIZES, LOOPLM_SIZES: of the timed models when they are compiled;
# none leaves one out: a trial has LOOPLM_SIZES=none GPT2_SIZES=batch=1,seq=64,layers=2.
set -aeuo pipefail # a: steps are shells of their own, under time limits
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
compiler=$(realpath -m "${NANOCHAT_OPT:-$here/../build/bin/nanochat-opt}")
rows=sm_89,sm_90,sm_100,sm_120
micro=(copy odd muon8 dense gpt fp4)
unset NANOCHAT_TARGET
die() { echo "gpu.sh: $*" >&2 && exit 2; }

options_of() { # MODEL: what it is compiled with
  case $1 in
    copy) echo --set batch=4 ;;
    odd) echo --set batch=3,seq=33,n_loops=3,layers=1 ;;
    muon8) echo --set batch=2,seq=33,n_loops=2,layers=1 --optimizer matrix=muon8 --optimizer embedding+norm=adamw8 ;;
    dense) echo --set batch=3,seq=8 ;;
    gpt) echo --set batch=2,seq=64,layers=2 ;;
    fp4) echo --set batch=1,seq=64,n_loops=2,layers=1 ;;
    gpt2) echo --set "${GPT2_SIZES:-batch=8,seq=1024}" ;;
    looplm) echo --set "${LOOPLM_SIZES:-batch=1,seq=1024,accum=4}" ;;
  esac
}

make_models() { # in this folder: odd has sizes that fit nothing, gpt no bias of keys, whose gradient is nothing but rounding
  local odd='s/x128x/x36x/g; s/x128xf/x36xf/g; s/<128x/<36x/g; s/x352x/x53x/g; s/<352x/<53x/g; s/dim = 64/dim = 18/; s/<64x32xf32>/<64x9xf32>/'
  local small='s/3072/384/g; s/768/96/g; s/50257/257/g; s/heads = 12/heads = 3/g'
  local no_bias='/%Bk = /d; s/, %bk = %Bk : tensor<12x96xf32>//; /%k = /s/ bias [%!][a-z]*//g'
  cp "$here/../models/copy-tiny.mlir" copy.mlir
  sed "$odd" copy.mlir | tee odd.mlir >muon8.mlir
  cp "$here/../test/Inputs/dense.mlir" dense.mlir
  sed "$small; $no_bias" "$here/../models/gpt2-124m.mlir" >gpt.mlir
  cp "$here/../models/gpt2-124m.mlir" gpt2.mlir
  sed 's/%w[qg] group = group/& backward <dx = nvfp4, dw = nvfp4>/' "$here/../models/looplm-fp4.mlir" >fp4.mlir # both formats
  "$compiler" "$here/../models/looplm.mlir" --preset=a --target=x86-64-v3 --stop-after=model >looplm.mlir
}

build() { # FOLDER: all that runs without a compiler
  [[ -x $compiler ]] || die "nanochat-opt is missing: build it with ./nanochat build"
  mkdir -p "$1/programs"
  cp "$here"/gpu.sh "$here"/gpu_*.py "$1/"
  cd "$1/programs"
  make_models
  compile() { "$compiler" "$model.mlir" $(options_of "$model") "$@"; }
  for model in "${micro[@]}"; do
    echo "compiling $model" >&2
    compile --target=$rows --emit=exe -o "$model"
    compile --target=$rows --emulate --emit=exe -o "$model.emulated"
    compile --target=reference --as=sm_90 --emit=exe -o "$model.reference"
  done
  for model in gpt2 looplm; do
    [[ $(options_of $model) != *none ]] || continue
    echo "compiling $model" >&2
    compile --target=$rows --emit=exe -o $model
    for row in ${rows//,/ } x86-64-v3; do compile --target="$row" --plan=json >"$model.$row.json"; done
  done
}

bundle() { # FILE
  local file most=60 mib
  file=$(realpath -m "$1")
  (build "$work/bundle")
  tar -C "$work/bundle" -czf "$file" .
  mib=$((($(stat -c %s "$file") + (1 << 20) - 1) >> 20))
  echo "$file: $mib MiB"
  ((mib <= most)) || die "a bundle has at most $most MiB"
}

record() { # FOLDER PROGRAM: the kernel calls of one step
  rm -rf "$1" && "$2" train --copy-task --steps 1 --seed 1 --eval-every 0 --dump-dispatches "$1" >&2
}
dispatches() { # MODEL
  local failed=0
  record "$work/found" "programs/$1$([[ $device == cuda ]] || echo .reference)"
  NANOCHAT_TARGET=$emulated record "$work/expected" "programs/$1.emulated"
  [[ -z ${KEEP_DUMPS:-} ]] || tar -C "$work" -czf "$out/$1.dispatches.tar.gz" found
  python3 gpu_compare.py dispatches "$work/found" "$work/expected" || failed=1
  if [[ $device == cuda && -x $compiler ]]; then
    "$compiler" "programs/$1.mlir" --target="$row" $(options_of "$1") --check-dispatches="$work/found" || failed=1
  fi
  return $failed
}
gradients() { # MODEL
  programs/"$1".reference train --copy-task --steps 0 --seed 1 --save-init "$work/init" >&2
  programs/"$1".reference info --json | python3 gpu_compare.py batch "$work/batch"
  gradient() { "$2" grad --init "$work/init" --batch "$work/batch" --out "$work/$1" "${@:3}" >&2; }
  gradient reference programs/"$1".reference
  gradient "$device" programs/"$1" --device="$device"
  NANOCHAT_TARGET=$emulated gradient emulator programs/"$1".emulated
  python3 gpu_compare.py gradients "$work"/{reference,"$device",emulator}
  python3 gpu_compare.py gradients "$work"/{emulator,"$device"}
}
losses() { # with a rate at which 200 steps learn
  for to in "$device" cpu; do
    programs/copy train --copy-task --steps 200 --seed 1 --lr 0.01 --eval-every 0 --device="$to" --log "$work/$to.jsonl" >&2
  done
  python3 gpu_compare.py losses "$work/$device.jsonl" "$work/cpu.jsonl"
}
train() { # MODEL OPTIONS...
  seq 200000 | tr -dc '0-9\n' >"$work/text.rs"
  programs/"$1" train --data "$work/text.rs" --eval-every 0 --device="$device" "${@:2}"
}
profile() { train "$1" --steps "$2" --profile --profile-file "$out/$1.profile.json" >"$out/$1.profile.txt"; }
speed() { train "$1" --steps "$2" --log "$out/$1.jsonl"; }
peers() { "${TORCH_PYTHON:-python3}" gpu_peers.py "$out/$1.profile.txt" "programs/$1.$row.json" "programs/$1.mlir" >"$out/$1.peers.json"; }

step() { # SECONDS COMMAND...: keeps what it prints, says if it failed; killed when time is up, for a program asked to end finishes a step
  local name="${*:2}" begin=$SECONDS end="done" code=0
  local file=$out/${name// /-}
  echo "$name" >&2
  timeout --signal=KILL "$1" bash -euo pipefail -c '"$@"' step "${@:2}" >"$file.txt" 2>"$file.log" || code=$?
  ((code == 0)) || end="FAILED: $(tail -n 2 "$file.log" | tr '\n' ' ')"
  ((code != 137)) || end="FAILED: not done after $1 s"
  ((code == 0)) || echo "FAILED, see below" >>"$file.txt"
  echo "- $name: $end, $((SECONDS - begin)) s" >>"$out/steps"
}
section() { # TITLE STEP...: what steps printed
  echo && echo "## $1" && echo
  for name in "${@:2}"; do sed "s/^/- ${name#* }: /" "$out/${name// /-}.txt"; done
}

run() {
  local timed=()
  for model in gpt2 looplm; do [[ ! -x programs/$model ]] || timed+=("$model"); done
  : >"$out/steps"
  for model in "${micro[@]}"; do step 90 dispatches "$model"; done
  for model in "${micro[@]}"; do step 30 gradients "$model"; done
  step 90 losses
  for model in "${timed[@]}"; do
    steps=$([[ $model == gpt2 ]] && echo 8 || echo 4)
    step 100 profile "$model" "$steps"
    step 100 speed "$model" $((3 * steps))
    step 60 peers "$model"
  done
  python3 gpu_rates.py "$out" programs "$row" "$machine" "${timed[@]}" >"$out/rates.json" || rm -f "$out/rates.json"
  echo "# $machine" && echo && echo "Code for $row, $(date -u +%F)" && echo
  python3 gpu_report.py "$out" programs "$row" "${timed[@]}"
  section "Against the emulator, call by call" "${micro[@]/#/dispatches }"
  section "Gradients against the reference" "${micro[@]/#/gradients }"
  section "200 steps of copy-tiny, loss here / on the CPU" losses
  echo && echo "## Steps of this script, $SECONDS s" && echo && cat "$out/steps"
}

device=cuda
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case ${1:-} in
  bundle)
    bundle "${2:-nanochat-gpu.tar.gz}"
    exit
    ;;
  --device) device=${2:-} ;;
  ?*) device=${1#--device=} ;;
esac
case $device in
  cpu) machine="no GPU: a trial of this script on a CPU, whose speed means nothing" ;;
  cuda) machine=$(python3 "$here/gpu_peers.py" --device) || die "--device cpu tries this script without one" ;;
  *) die "usage: gpu.sh [--device cuda|cpu] | bundle [FILE.tar.gz]" ;;
esac
mkdir -p "${OUT:=results}"
out=$(realpath "$OUT")
if [[ ! -d $here/programs ]]; then
  (build "$work/bundle")
  here=$work/bundle
fi
cd "$here"
timeout 60 programs/dense train --device="$device" --copy-task --steps 0 >"$out/device.txt" || die "programs do not run here: $machine"
row=$(sed -n 's/^model [^ ]* (\([^)]*\)).*/\1/p' "$out/device.txt")
[[ $device == cpu ]] && emulated=sm_90 || emulated=$row
run | tee "$out/report.md"
