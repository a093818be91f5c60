"""bad_inputs.py MODEL SCRATCH: mistakes in a model file or on the command line of the compiler.

Each must end with exit code 2 and an error with the expected words, at FILE:LINE:COLUMN where it is in the file, with a
way out where it is on the command line; never with a crash, and without a file written. Prints how many were checked.
"""
import os
import re
import subprocess
import sys

model, scratch = sys.argv[1:]
text = open(model).read()
failures = 0
count = 0


def check(words, found, args=(), located=True, path=None):
    """`found` is the text of the file, or None where `path` or the arguments are the mistake."""
    global failures, count
    count += 1
    path = path or scratch + ".mlir"
    if found is not None:
        with open(path, "w") as file:
            file.write(found)
    out = scratch + ".o"
    command = ["nanochat-opt", path, "--target=native", "--emit=obj", "-o", out, *args]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace")
    place = re.escape(path) + r":\d+:\d+: " if located else "(^|nanochat-opt: )"
    wrote = os.path.exists(out)
    helps = located or re.search("note: |Did you mean", run.stderr)
    if run.returncode != 2 or wrote or not helps or not re.search(place + ".*" + re.escape(words), run.stderr, re.M):
        failures += 1
        print(f"'{words}': exit code {run.returncode}, {'a' if wrote else 'no'} file written\n{run.stderr}")
        if wrote:
            os.remove(out)


def edit(old, new):
    assert old in text, old
    return text.replace(old, new)


if not os.path.islink(scratch + ".link"):
    os.symlink(os.path.basename(scratch) + ".mlir", scratch + ".link")
objective = 'nanochat.objective "train" %loss : tensor<f32>'
roles = '["embedding", "matrix", "norm"]'
check("expected '{' to begin a region", text.replace("update {", "update"))
check("custom op 'nanochat.liner' is unknown", edit("nanochat.linear ", "nanochat.liner "))
check("expects different type than prior uses", edit('"embed" normal(0.02) role "embedding" : tensor<257x12xf32>',
                                                     '"embed" normal(0.02) role "embedding" : tensor<257x13xf32>'))
check("must be 2D tensor", text.replace("xf32", "xf16"))
check("must be 2D tensor", edit("nanochat.rms_norm %x, %gain : tensor<16x12xf32>, tensor<12xf32>",
                                "nanochat.rms_norm %gain, %gain : tensor<12xf32>, tensor<12xf32>"))
check("must be 2D tensor", edit("tensor<257x12xf32>", "tensor<257x12x1xf32>"))
check("leading dimension must be 2", edit("tensor<2x12xf32>", "tensor<3x12xf32>"))
check("without elements", text.replace("257x12", "0x12"))
check("the unknown recompute policy 'all'", edit("%gain = %g : tensor<2x12xf32>) {", "%gain = %g : tensor<2x12xf32>) recompute(all) {"))
check("has role 'misc', which no optimizer updates", edit('role "norm"', 'role "misc"'))
check("parameter names are unique", edit('"layers.g"', '"layers.w"'))
check("expected a standard deviation from zero", edit("normal(0.02)", "normal(-1.0)"))
check("finite in f32", edit("normal(0.02)", "normal(0x7FF8000000000000)"))
check("above zero and finite in f32", edit("%gain : tensor<16x12xf32>", "%gain eps 0.0 : tensor<16x12xf32>"))
check("a name that files can hold", edit('"layers.g"', '"__metadata__"'))
check("names the unknown update rule 'adamax'", edit('"sgd"', '"adamax"'))
check("has the unknown option \"beta3\" of 'sgd'", edit("weight_decay(%wd)", "weight_decay(%wd) {config = {beta3 = 0.9 : f64}}"))
check("'muon' updates parameters of 2", edit('"sgd"', '"muon"'))
check('updates the role "norm", which is updated already', edit(roles, '["norm", "embedding", "matrix", "norm"]'))
check("expected 'lr'", edit("lr(%lr) ", ""))
check("has no objective", edit(objective, ""))
check("is the second one of phase 'train'", edit(objective, objective + "\n" + objective))
check('trains the role "gates", which no parameter has', edit('"train" %loss', '"train" %loss trains ["gates"]'))
check("trains no parameter", edit('"train" %loss', '"train" %loss trains []'))
check("must be 0D tensor", edit(objective, 'nanochat.objective "train" %nll : tensor<16xf32>'))
check("has the name 'loss', which is taken", edit('metric "nll"', 'metric "loss"'))
check("has the name 'tokens'", edit('scalar "lr"', 'scalar "tokens"'))
check("has 2 batches, expected one", edit("%table =", "%a, %b = nanochat.tokens batch = 2 seq = 8\n%table ="))
check("has no gradient", edit("%z = arith.addf %x, %y", "%q = math.atan %y : tensor<16x12xf32>\n%z = arith.addf %x, %q"))
check("has no gradient", edit("%z = arith.addf %x, %y", "%q = nanochat.newton_schulz %y : tensor<16x12xf32>\n%z = arith.addf %x, %q"))
check("expected one nanochat.model to compile, found 0", "")
check("expected one nanochat.model to compile, found 2", text + text.replace("@dense", "@again"))
check("unexpected character", "\1\2\3")
check("no machine holds that many", text, ["--set", "layers=2000000000,batch=2000000000"])
check("from 1 to 2147483647", text, ["--set", "batch=0"], located=False)
check("from 1 to 2147483647", text, ["--set", "batch=99999999999999999999"], located=False)
check("expected name=value", text, ["--set", "batch"], located=False)
check("from zero and below one", text, ["--optimizer", "matrix=lion:beta1=1.5"])
for _ in range(25):  # several threads verify: none takes the others' errors for its own
    check('expected "sgd", "adam", "adam8" or "muon"', text, ["--optimizer", "matrix=galore:base=none"])
check("above zero", text, ["--optimizer", "matrix=muon:eps=-1e-7"])
check("finite in f32", text, ["--optimizer", "matrix=sgd:lr=nan"])
check("negative learning rate", text, ["--optimizer", "matrix=sgd:lr=-0.1"])
check("whose value is positive", text, ["--optimizer", "matrix=muon:ns_steps=0"])
check("whose maximum value is 2147483647", text, ["--optimizer", "matrix=muon:ns_steps=99999999999"])
check("no version from 0.0 to 99.9", text, ["--target=sm_90", "--emit=ptx", "--ptx=922337203685477580.7"], located=False)
check("is no tile of matrix products", text, ["--target=sm_90", "--emit=ptx", "--gemm-tile=0x0x0"])
check("is no tile of matrix products", text, ["--target=sm_90", "--emit=ptx", "--gemm-tile=64x9223372036854775744x3"])
check("is no tile of matrix products", text, ["--target=sm_90", "--emit=ptx", "--gemm-tile=64x64x3:multiprocessors=1"], located=False)
check("with --emulate its kernels are for this processor", text, ["--target=sm_90", "--emit=ptx", "--emulate"], located=False)
check("a record is checked for one target, and excludes --plan", text, ["--plan", "--check-dispatches=x"], located=False)
check("no machine holds that many", text, ["--set", "layers=1,batch=1000000,seq=1000000"])
check("--gemm-tile goes with NVIDIA targets only", text, ["--gemm-tile=64x64x4"], located=False)
check("the model has no size 'depth'", text, ["--set", "depth=2"])
check("the model has no size 'layer', did you mean 'layers'?", text, ["--set", "layer=2"])
check("the model has no size 'warmup'", text, ["--set", "warmup=3"])
check("--preset=large: the model has no presets", text, ["--preset=large"])
check("No such file", None, located=False, path=scratch + ".absent")
check("Is a directory", None, located=False, path=os.path.dirname(scratch))
check("No such file or directory", text, ["-o", scratch + ".absent/out"], located=False)
check("No such file or directory", text, ["--emit=exe", "-o", scratch + ".absent/out"], located=False)
check("is a folder", text, ["--emit=exe", "-o", os.path.dirname(scratch)], located=False)
check("is also what the compiler reads", None, ["-o", scratch + ".mlir"], located=False, path=scratch + ".mlir")
check("is also what the compiler reads", None, ["--emit=exe", "-o", scratch + ".link"], located=False, path=scratch + ".mlir")
check("unknown target 'sm_5'", text, ["--target=sm_5"], located=False)
check("--emit=elf is not known", text, ["--emit=elf"], located=False)
check("--stop-after=never names no stage", text, ["--stop-after=never", "--emit=mlir"], located=False)
check("--emit=exe needs a file to write", text, ["--emit=exe", "-o", "-"], located=False)
check("Unknown command line argument '--targt=x'", text, ["--targt=x"], located=False)
check("--as goes with --target=reference only", text, ["--as=native"], located=False)
check("--as= is not a target", text, ["--as="], located=False)

text = open(os.path.join(os.path.dirname(model), "sized.mlir")).read()
check("the model has no size 'haeds', did you mean 'heads'?", edit("heads = heads\n", "heads = haeds\n"))
check("the model has no size 'haeds', did you mean 'heads'?", edit("d / heads", "d / haeds"))
check("'d' = d * 2 follows from itself", edit("d = 12,", "d = d * 2,"))
check("at most 64 factors", edit("warmup = 5", "warmup = 5" + 64 * " * 1"))
check("more than 256", edit("batch = 2,", "batch = 2, " + "".join(f"x{i} = 1, " for i in range(250))))
check("unknown function 'down'", edit("up(d", "down(d"))
check("'sqrt' takes 1 operands", edit("sqrt(d)", "sqrt(d, d)"))
check("expected a number or the name of a size", edit("lr = 0.1", 'lr = "fast"'))
check("warmup = warmup is 2.5, expected a whole number", edit("warmup = 5", "warmup = 2.5"))
check("expects different type than prior uses", edit("nanochat.number scale", "arith.constant dense<1.0> : tensor<f32>"))
check("must be 2D tensor", edit("[layers, ffn, d]", "[layers, ffn]"))
check("size 'head' = d / heads is 2.4, expected a whole number", text, ["--set", "heads=5"])
check("--set haeds=4: the model has no size 'haeds', did you mean 'heads'?", text, ["--set", "haeds=4"])
check("--set d=1.5: expected name=value with a whole number", text, ["--set", "d=1.5"])
check("--set d: expected name=value with a whole number", text, ["--set", "d"])
check("--set lr=: expected name=value with a number", text, ["--set", "lr="])
check("the model has no size 'fast'", text, ["--set", "lr=fast"])
check("unknown recompute policy 'all'", text, ["--set", "policy=all"])
check("without elements", text, ["--set", "d=0"])
check("whose value is positive", text, ["--set", "heads=0,head=4"])
check("--preset=lrage: the model has no such preset, did you mean 'large'?", text, ["--preset=lrage"])
print(f"{count} mistakes, {failures} not handled as they should")
sys.exit(failures > 0)
