// Keeps from MLIR's language server what it cannot parse.
//
#pragma once

namespace mlir::nanochat {

/// From now on standard input gives each message of the language server protocol with documents that
/// nest too deep (see checkNesting) replaced by a word the parser complains of at the place, and says
/// why. All else comes through as it is.
void filterDocuments();

} // namespace mlir::nanochat
