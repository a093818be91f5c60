#include "dialect/StepIR.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::nanochat;

DictionaryAttr Binding::toAttr(Builder &b) const {
  SmallVector<NamedAttribute> attrs{b.getNamedAttr("kind", b.getStringAttr(kind)),
                                    b.getNamedAttr("name", b.getStringAttr(name))};
  if (!role.empty())
    attrs.push_back(b.getNamedAttr("role", b.getStringAttr(role)));
  if (init != Init::constant)
    attrs.push_back(b.getNamedAttr("init", b.getStringAttr(stringifyInit(init))));
  if (scale != 0.0)
    attrs.push_back(b.getNamedAttr("scale", b.getF64FloatAttr(scale)));
  return b.getDictionaryAttr(attrs);
}

Binding Binding::of(DictionaryAttr attr) {
  auto text = [&](StringRef key) {
    auto value = attr.getAs<StringAttr>(key);
    return value ? value.getValue() : StringRef();
  };
  Binding binding{text("kind"), text("name"), text("role")};
  if (auto init = symbolizeInit(text("init")))
    binding.init = *init;
  if (auto scale = attr.getAs<FloatAttr>("scale"))
    binding.scale = scale.getValueAsDouble();
  return binding;
}

Value mlir::nanochat::createUpdateStream(OpBuilder &b, Location loc, Value seed, StringRef param) {
  auto words = [&](int64_t count) { return RankedTensorType::get({count}, b.getI32Type()); };
  return RandomStreamOp::create(b, loc, words(3), seed, ("update." + param).str());
}

EntryBuilder::EntryBuilder(ModuleOp module, StringRef name, Location loc) : builder(module.getContext()) {
  builder.setInsertionPointToEnd(module.getBody());
  func = func::FuncOp::create(builder, loc, name, builder.getFunctionType({}, {}));
  func->setAttr(kEntryAttr, builder.getUnitAttr());
  builder.setInsertionPointToEnd(func.addEntryBlock());
}

Value EntryBuilder::argument(Type type, const Binding &binding) {
  argAttrs.push_back(builder.getDictionaryAttr(builder.getNamedAttr(kBindAttr, binding.toAttr(builder))));
  return func.getBody().addArgument(type, func.getLoc());
}

void EntryBuilder::result(Value value, const Binding &binding) {
  results.push_back(value);
  resultAttrs.push_back(builder.getDictionaryAttr(builder.getNamedAttr(kBindAttr, binding.toAttr(builder))));
}

void EntryBuilder::finish() {
  func::ReturnOp::create(builder, func.getLoc(), results);
  func.setFunctionType(builder.getFunctionType(func.getBody().getArgumentTypes(), ValueRange(results).getTypes()));
  func.setAllArgAttrs(argAttrs);
  func.setAllResultAttrs(resultAttrs);
}

SmallVector<func::FuncOp> mlir::nanochat::getEntries(ModuleOp module) {
  SmallVector<func::FuncOp> entries;
  for (auto func : module.getOps<func::FuncOp>())
    if (func->hasAttr(kEntryAttr))
      entries.push_back(func);
  return entries;
}

bool mlir::nanochat::isView(Operation *op) { return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op); }
