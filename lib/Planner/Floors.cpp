#include "lib/Planner/Floors.h"
#include "dialect/StepIR.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace mlir::nanochat;

/// How often an entry comes to `op` on average: counts of loops are constants, or they run in one of `kPeriodAttr`
/// steps.
static double timesRun(Operation *op) {
  double times = 1;
  for (auto loop = op->getParentOfType<scf::ForOp>(); loop; loop = loop->getParentOfType<scf::ForOp>())
    if (std::optional<APInt> count = loop.getStaticTripCount())
      times *= double(count->getSExtValue());
    else if (auto period = loop->getAttrOfType<IntegerAttr>(kPeriodAttr))
      times /= double(period.getInt());
  return times;
}

SmallVector<DispatchFloor> nanochat::collectFloors(ModuleOp planned) {
  SymbolTable symbols(planned);
  SmallVector<DispatchFloor> floors;
  for (func::FuncOp entry : getEntries(planned)) {
    llvm::MapVector<StringRef, DispatchFloor> ofEntry;
    entry.walk([&](LaunchOp launch) {
      DispatchFloor &floor = ofEntry[launch.getKernel()];
      if (floor.calls == 0) {
        auto kernel = symbols.lookup<func::FuncOp>(launch.getKernel());
        KernelAttr facts = getKernel(kernel);
        floor = {entry.getName(), launch.getKernel(), stringifyDispatchClass(facts.getKind()),
                 stringifyFormat(facts.getArithmetic())};
        floor.operations = facts.getFlops();
        for (Type type : launch.getBuffers().getTypes())
          floor.bytes += denseBytes(type);
      }
      floor.calls += timesRun(launch);
    });
    for (auto &[name, floor] : ofEntry)
      floors.push_back(floor);
  }
  return floors;
}
