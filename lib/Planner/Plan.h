// What a compiled model will need, before it runs: --plan.
#pragma once

#include "lib/Planner/Communication.h"
#include "lib/Planner/Rates.h"
#include "llvm/Support/JSON.h"
#include <map>

namespace mlir::nanochat {

/// What a plan tells beside what the module does.
struct PlanFacts {
  int64_t threads = 1;    // that kernels of a processor run on
  int64_t unfiltered = 0; // work of a token without the filter of its objective, where it has one
  Rates rates;            // of the row
  std::string choice;     // of --budget: all options that it chose; "" where it did not
  std::optional<Network> network; // between ranks, where it is known
};

/// The plan of a module after stage `emit`: sizes, parameters, work per token, predicted time, bytes by class and
/// arena, every buffer of the workspace and the floor of every dispatch.
llvm::json::Object describePlan(ModuleOp emitted, const Target &row, const PlanFacts &facts);

/// As a table, and as a page of HTML with a timeline of the workspace.
void printPlanTable(const llvm::json::Object &plan, llvm::raw_ostream &os);
void printPlanPage(const llvm::json::Object &plan, llvm::raw_ostream &os);

/// 1234567 as "1,234,567".
std::string grouped(int64_t number);
/// 13480000000 as "13.48 GB": sizes of plans are decimal.
std::string gigabytes(int64_t bytes);
/// Numbers of a plan, by name.
std::map<std::string, int64_t> sorted(const llvm::json::Object &numbers);

} // namespace mlir::nanochat
