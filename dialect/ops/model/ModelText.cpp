// The text of models: names in place of numbers, and no types where they follow from sizes.
#include "dialect/ops/model/Sizes.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- Types -------------------------------------------------------------------------------===//

RankedTensorType mlir::nanochat::unsizedType(MLIRContext *ctx) {
  return RankedTensorType::get({ShapedType::kDynamic}, Float32Type::get(ctx));
}

bool mlir::nanochat::isUnsized(Type type) { return type && type == unsizedType(type.getContext()); }

ParseResult mlir::nanochat::parseTypeList(OpAsmParser &parser, ArrayRef<Type *> types) {
  bool isWritten = succeeded(parser.parseOptionalColon());
  for (auto [i, type] : llvm::enumerate(types)) {
    RankedTensorType written = unsizedType(parser.getContext());
    if (isWritten && ((i && parser.parseComma()) || parser.parseType(written)))
      return failure();
    *type = written;
  }
  return success();
}

void mlir::nanochat::printTypeList(OpAsmPrinter &printer, TypeRange types) {
  if (!isUnsized(types.front()))
    printer << " : " << types;
}

ParseResult mlir::nanochat::parseListTypes(OpAsmParser &parser, ArrayRef<OpAsmParser::UnresolvedOperand> operands,
                                           SmallVectorImpl<Type> &types) {
  types.resize(operands.size());
  SmallVector<Type *> each;
  for (Type &type : types)
    each.push_back(&type);
  return parseTypeList(parser, each);
}

void mlir::nanochat::printListTypes(OpAsmPrinter &printer, Operation *, OperandRange, TypeRange types) {
  printTypeList(printer, types);
}

/// The type of an optional operand behind what `parseSeparator` takes.
static ParseResult parseOptionalType(OpAsmParser &parser, Type first, bool isThere, Type &type,
                                     llvm::function_ref<ParseResult()> parseSeparator) {
  if (!isThere)
    return success();
  RankedTensorType written = unsizedType(parser.getContext());
  if (!isUnsized(first) && (parseSeparator() || parser.parseType(written)))
    return failure();
  type = written;
  return success();
}

ParseResult mlir::nanochat::parseBiasType(OpAsmParser &parser, Type first, OptionalOperand bias, Type &type) {
  return parseOptionalType(parser, first, bias.has_value(), type, [&] { return parser.parseKeyword("bias"); });
}

void mlir::nanochat::printBiasType(OpAsmPrinter &printer, Operation *, Type first, Value bias, Type type) {
  if (bias && !isUnsized(first))
    printer << " bias " << type;
}

ParseResult mlir::nanochat::parseLastType(OpAsmParser &parser, Type first, OptionalOperand last, Type &type) {
  return parseOptionalType(parser, first, last.has_value(), type, [&] { return parser.parseComma(); });
}

void mlir::nanochat::printLastType(OpAsmPrinter &printer, Operation *, Type first, Value last, Type type) {
  if (last && !isUnsized(first))
    printer << ", " << type;
}

ParseResult mlir::nanochat::parseShape(OpAsmParser &parser, ArrayAttr &dims, Type &type) {
  SmallVector<Attribute> sizes;
  auto parseSize = [&] {
    sizes.push_back(Sized<IntegerAttr>::parse(parser, Type()));
    return success(bool(sizes.back()));
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::OptionalSquare, parseSize))
    return failure();
  if (sizes.empty())
    return parseTypeList(parser, &type);
  dims = parser.getBuilder().getArrayAttr(sizes);
  type = unsizedType(parser.getContext());
  return success();
}

void mlir::nanochat::printShape(OpAsmPrinter &printer, Operation *, ArrayAttr dims, Type type) {
  if (!dims)
    return printTypeList(printer, type);
  printer << " [";
  llvm::interleaveComma(dims, printer, [&](Attribute dim) { printSized(printer, dim); });
  printer << ']';
}

//===--- Models ------------------------------------------------------------------------------===//

/// `keyword {name = formula, …}`, null if that is absent.
static ParseResult parseSettings(OpAsmParser &parser, StringRef keyword, ArrayAttr &settings) {
  SmallVector<Attribute> all;
  if (failed(parser.parseOptionalKeyword(keyword)))
    return success();
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces,
                                     [&] { return success(bool(all.emplace_back(parseSetting(parser)))); }))
    return failure();
  settings = parser.getBuilder().getArrayAttr(all);
  return success();
}

ParseResult ModelOp::parse(OpAsmParser &parser, OperationState &state) {
  auto &properties = state.getOrAddProperties<Properties>();
  auto *forward = state.addRegion(), *update = state.addRegion();
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseSymbolName(properties.sym_name) || parseSettings(parser, "sizes", properties.sizes) ||
      parseSettings(parser, "settings", properties.settings) || parseSettings(parser, "presets", properties.presets))
    return failure();
  if (!properties.sizes && (properties.settings || properties.presets))
    return parser.emitError(loc, "a model with settings or presets has sizes as well; write sizes {}");
  if (parser.parseOptionalAttrDictWithKeyword(state.attributes) || parser.parseRegion(*forward) ||
      parser.parseKeyword("update") || parser.parseRegion(*update))
    return failure();
  if (!properties.sizes)
    return success();
  Sizes sizes(properties.sizes, properties.settings, properties.presets, state.location);
  return success(succeeded(sizes.check()) && succeeded(sizes.choose("")) && succeeded(sizes.apply({forward, update})));
}

namespace {
/// While it lives, the values in a model have the type that is not printed.
class HiddenTypes {
public:
  explicit HiddenTypes(ModelOp model) {
    if (!model.getSizes())
      return;
    model->walk([&](Operation *op) {
      llvm::append_range(values, op->getResults());
      for (Region &region : op->getRegions())
        for (Block &block : region)
          llvm::append_range(values, block.getArguments());
    });
    for (Value value : values) {
      types.push_back(value.getType());
      value.setType(unsizedType(model.getContext()));
    }
  }
  HiddenTypes(const HiddenTypes &) = delete;
  ~HiddenTypes() {
    for (auto [value, type] : llvm::zip(values, types))
      value.setType(type);
  }

private:
  SmallVector<Value> values;
  SmallVector<Type> types;
};
} // namespace

void ModelOp::print(OpAsmPrinter &p) {
  p << ' ';
  p.printSymbolName(getSymName());
  for (auto [keyword, settings] :
       {std::pair("sizes", getSizesAttr()), {"settings", getSettingsAttr()}, {"presets", getPresetsAttr()}}) {
    if (!settings)
      continue;
    p << ' ' << keyword << " {";
    llvm::interleaveComma(settings.getAsRange<SettingAttr>(), p,
                          [&](SettingAttr setting) { printSetting(p, setting); });
    p << '}';
  }
  p.printOptionalAttrDictWithKeyword((*this)->getAttrs(), {"sym_name", "sizes", "settings", "presets"});
  HiddenTypes hidden(*this);
  p << ' ';
  p.printRegion(getForward());
  p << " update ";
  p.printRegion(getUpdate());
}
