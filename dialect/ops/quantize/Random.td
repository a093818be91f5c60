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
/// What `random_address` makes.
def AddressWords : WordsOf<5>;

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

def Nanochat_DrawsOp : Nanochat_Op<"draws", [Pure, Structural]> {
  let summary = "The random numbers of a site of a model";
  let description = [{
    Stands for the `random_address` of `site` in this iteration of the loops around, at this step, under the run's seed.
    Gradients ask for it; --nanochat-address-draws says what it is, once the loops are known.
  }];
  let arguments = (ins StrAttr:$site);
  let results = (outs AddressWords:$address);
  let assemblyFormat = "`site` $site attr-dict";
}

def Nanochat_RandomAddressOp : Nanochat_ComputeOp<"random_address", [WholeTensors, VerifiedByOds]> {
  let summary = "Where the random numbers of one use of a site are";
  let description = [{
    (seed low, seed high, site, iteration, step), site as in `random_stream`: block b of random words is Philox4x32-10 of
    the counter (b, iteration, site, step) under the key (seed low, seed high).
  }];
  let arguments = (ins SeedWords:$seed, IntScalar:$iteration, IntScalar:$step, StrAttr:$site);
  let results = (outs AddressWords:$address);
  let assemblyFormat = "$seed `,` $iteration `,` $step `site` $site attr-dict";
}

#endif // NANOCHAT_OPS_RANDOM_TD
