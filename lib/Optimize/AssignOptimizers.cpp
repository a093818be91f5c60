// Other update rules than a model file says, chosen when it is compiled.
#include "dialect/StepIR.h"
#include "lib/Optimize/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"

namespace mlir::nanochat {
#define GEN_PASS_DEF_ASSIGNOPTIMIZERSPASS
#include "lib/Optimize/Passes.h.inc"

namespace {
/// Stands for the roles that no assignment names.
constexpr StringLiteral kRest = "rest";

/// One assignment "role[+role…]=rule[:option=value…]".
struct Assignment {
  StringRef text;
  SmallVector<StringRef> roles;
  StringRef rule;
  SmallVector<std::pair<StringRef, StringRef>> options;
};

Assignment parse(StringRef text) {
  Assignment result{text, {}, {}, {}};
  auto [roles, rest] = text.split('=');
  roles.split(result.roles, '+');
  SmallVector<StringRef> parts;
  rest.split(parts, ':');
  result.rule = parts.front();
  for (StringRef part : ArrayRef(parts).drop_front())
    result.options.push_back(part.split('='));
  return result;
}

/// Whole numbers, other numbers and booleans as such, all else as text.
Attribute parseValue(Builder b, StringRef text) {
  int64_t whole;
  double number;
  if (!text.getAsInteger(10, whole))
    return b.getI64IntegerAttr(whole);
  if (!text.getAsDouble(number))
    return b.getF64FloatAttr(number);
  if (text == "true" || text == "false")
    return b.getBoolAttr(text == "true");
  return b.getStringAttr(text);
}

struct AssignOptimizersPass : impl::AssignOptimizersPassBase<AssignOptimizersPass> {
  using AssignOptimizersPassBase::AssignOptimizersPassBase;

  void runOnOperation() override {
    for (auto model : getOperation().getOps<ModelOp>()) {
      SmallVector<Assignment> all = llvm::map_to_vector(assign, [](const std::string &text) { return parse(text); });
      nameRest(model, all);
      for (const Assignment &assignment : all)
        if (failed(apply(model, assignment)))
          return signalPassFailure();
    }
  }

  /// /// Puts the roles of the model that no assignment names in the place of `rest`; where there are none, it is of
  /// nothing.
  static void nameRest(ModelOp model, SmallVectorImpl<Assignment> &all) {
    SmallVector<StringRef> others;
    for (auto optimizer : model.getUpdate().getOps<OptimizerOp>())
      for (auto role : optimizer.getRoles().getAsRange<StringAttr>())
        if (llvm::none_of(all, [&](const Assignment &each) { return llvm::is_contained(each.roles, role); }))
          others.push_back(role);
    for (Assignment &assignment : all)
      if (auto *rest = llvm::find(assignment.roles, kRest); rest != assignment.roles.end() && !others.empty()) {
        assignment.roles.erase(rest);
        llvm::append_range(assignment.roles, others);
      }
    llvm::erase_if(all, [&](const Assignment &each) {
      return each.roles.size() == 1 && each.roles[0] == kRest && others.empty();
    });
  }

  InFlightDiagnostic error(ModelOp model, const Assignment &assignment) {
    return emitError(model.getLoc()) << "--optimizer " << assignment.text << ": ";
  }

  LogicalResult apply(ModelOp model, const Assignment &assignment) {
    OptimizerOp old = take(model, assignment);
    if (!old)
      return failure();
    OpBuilder b(old);
    Value lr = old.getLr(), weightDecay = old.getWeightDecay();
    NamedAttrList config;
    for (auto [name, value] : assignment.options) {
      Attribute attr = parseValue(b, value);
      if (name != "lr" && name != "weight_decay") {
        config.set(name, attr);
        continue;
      }
      double number;
      Value &own = name == "lr" ? lr : weightDecay;
      own = !value.getAsDouble(number) ? withOwnScalar(b, own, name, assignment.roles.front(), number) : Value();
      if (!own)
        return error(model, assignment) << "the scalar '" << name << "' cannot be replaced by " << value
                                        << "; the model must have it, and it takes a number such as 1e-3";
    }
    auto roles = b.getStrArrayAttr(assignment.roles);
    auto created = OptimizerOp::create(b, old.getLoc(), assignment.rule, roles, lr, weightDecay, old.getGradScale(),
                                       config.getDictionary(&getContext()));
    for (auto optimizer : llvm::make_early_inc_range(model.getUpdate().getOps<OptimizerOp>()))
      if (optimizer.getRoles().empty())
        optimizer.erase();
    return verify(created); // with the place of the assignment it replaces
  }

  /// Takes the roles away from the optimizers that have them; returns the first, null after an error.
  OptimizerOp take(ModelOp model, const Assignment &assignment) {
    OptimizerOp first;
    for (StringRef role : assignment.roles) {
      OptimizerOp owner;
      std::set<std::string> known;
      for (auto optimizer : model.getUpdate().getOps<OptimizerOp>())
        for (auto other : optimizer.getRoles().getAsRange<StringAttr>()) {
          known.insert(other.str());
          if (other == role)
            owner = optimizer;
        }
      if (!owner) {
        error(model, assignment) << "no parameters have the role '" << role << "'; the model assigns optimizers to "
                                 << llvm::join(known, ", ");
        return OptimizerOp();
      }
      SmallVector<Attribute> left;
      llvm::copy_if(owner.getRoles(), std::back_inserter(left),
                    [&](Attribute a) { return cast<StringAttr>(a) != role; });
      owner.setRolesAttr(ArrayAttr::get(&getContext(), left));
      first = first ? first : owner;
    }
    return first;
  }

  /// What makes `value`, again, with a scalar "<role>.<name>" in the place of "<name>": a schedule of its own.
  Value withOwnScalar(OpBuilder &b, Value value, StringRef name, StringRef role, double number) {
    SetVector<Operation *> slice;
    BackwardSliceOptions options;
    options.inclusive = true;
    (void)getBackwardSlice(value, &slice, options);
    IRMapping map;
    for (Operation *op : slice)
      if (auto scalar = dyn_cast<ScalarOp>(op); scalar && scalar.getScalarName() == name)
        map.map(scalar.getResult(),
                ScalarOp::create(b, scalar.getLoc(), scalar.getType(), (role + "." + name).str(), llvm::APFloat(number))
                    .getResult());
    if (map.getValueMap().empty())
      return Value();
    for (Operation *op : slice)
      if (!isa<ScalarOp>(op))
        b.clone(*op, map);
    return map.lookupOrDefault(value);
  }

  static LogicalResult verify(OptimizerOp op) { return op.verify(); }
};
} // namespace
} // namespace mlir::nanochat
