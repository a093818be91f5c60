#ifndef NANOCHAT_OPS_RANDOM_TD
#define NANOCHAT_OPS_RANDOM_TD
include "dialect/Nanochat.td"

// Random numbers are addressed, not streamed: drawn again rather than stored, the same ones on every target.

def IntScalar : TensorRankOf<[I32], [0]>, BuildableType<"::mlir::RankedTensorType::get({}, $_builder.getI32Type())">;

/// `count` words of 32 bits.
class WordsOf<int count> : Type<
    CPred<"$_self == ::mlir::RankedTensorType::get({" # count # "}, ::mlir::IntegerType::get($_self.getContext(), 32))">,
    "tensor<" # count # "xi32>", "::mlir::RankedTensorType">,
    BuildableType<"::mlir::RankedTensorType::get({" # count # "}, $_builder.getI32Type())">;

/// The seed of a run, low word first; the program's input "seed".
def SeedWords : WordsOf<2>;
/// What `random_stream` makes.
def StreamWords : WordsOf<3>;

def Nanochat_RandomStreamOp : Nanochat_ComputeOp<"random_stream", [WholeTensors, VerifiedByOds]> {
  let summary = "The random numbers of one site under a seed";
  let description = [{
    (seed low, seed high, site): the words that all addresses of a stream share. `site` names who draws; its number is
    that of `streamId` in runtime/program/Philox.h, FNV-1a of the name folded to 32 bits, so it stays what it is whatever else
    a model draws. An update rule's site is "update.<parameter>". Element e of matrix l at step t is Philox4x32-10 of the
    counter (e, l, site, t) under the key (seed low, seed high). Salmon et al., SC 2011.
  }];
  let arguments = (ins SeedWords:$seed, StrAttr:$site);
  let results = (outs StreamWords:$stream);
  let assemblyFormat = "$seed `site` $site attr-dict";
}

def Nanochat_RandomSignsOp : Nanochat_ComputeOp<"random_signs", [WholeTensors, VerifiedByOds]> {
  let summary = "Addressed random numbers −1 and 1";
  let description = [{
    1 or −1 by the lowest bit of word 0 of elements `first`, `first` + 1, … (row-major) of `stream`, in matrix `matrix`
    at step `step`; see `random_stream`.
  }];
  let arguments = (ins StreamWords:$stream, IntScalar:$matrix, IntScalar:$step,
      DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative]>, "0">:$first);
  let results = (outs FloatMatrix:$x);
  let assemblyFormat = "$stream `,` $matrix `,` $step attr-dict `:` type($x)";
}

#endif // NANOCHAT_OPS_RANDOM_TD
