// Text of formulas, of attributes that hold them, and of types that follow from them.
#include "dialect/ops/model/Sizes.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace mlir::nanochat;

//===--- Formulas ----------------------------------------------------------------------------===//

/// Formulas and what follows from them are walked by recursion.
static constexpr unsigned kMostFactors = 64;

static ParseResult parseFormula(AsmParser &parser, Type literal, Attribute &formula);

/// A number, a name, or name(formula, …).
static ParseResult parseOperand(AsmParser &parser, Type literal, Attribute &formula) {
  Builder &b = parser.getBuilder();
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (succeeded(parser.parseOptionalKeyword(&word))) {
    formula = b.getStringAttr(word);
    if (failed(parser.parseOptionalLParen()))
      return success();
    SmallVector<Attribute> parts{formula};
    size_t operands = StringSwitch<size_t>(word).Case("sqrt", 1).Cases({"max", "min", "up"}, 2).Default(0);
    if (!operands)
      return parser.emitError(loc, "unknown function '")
             << word << "'; there are sqrt(x), max(x, y), min(x, y) and up(x, multiple)";
    auto parsePart = [&] { return parseFormula(parser, Type(), parts.emplace_back()); };
    if (parser.parseCommaSeparatedList(parsePart) || parser.parseRParen())
      return failure();
    formula = b.getArrayAttr(parts);
    return parts.size() == operands + 1
               ? success()
               : ParseResult(parser.emitError(loc, "'") << word << "' takes " << operands << " operands");
  }
  if (parser.parseAttribute(formula, literal))
    return failure();
  bool isNumber =
      isa<FloatAttr>(formula) || (isa<IntegerAttr>(formula) && cast<IntegerAttr>(formula).getType().isInteger(64));
  return isNumber ? success() : ParseResult(parser.emitError(loc, "expected a number or the name of a size"));
}

/// Products and quotients, from the left. A first number is of type `literal`, if that is given.
static ParseResult parseFormula(AsmParser &parser, Type literal, Attribute &formula) {
  if (parseOperand(parser, literal, formula))
    return failure();
  for (unsigned factors = 1;; ++factors) {
    bool isProduct = succeeded(parser.parseOptionalStar());
    if (!isProduct && failed(parser.parseOptionalSlash()))
      return success();
    if (factors == kMostFactors)
      return parser.emitError(parser.getCurrentLocation(), "a formula has at most ") << kMostFactors << " factors";
    Attribute right;
    if (parseOperand(parser, Type(), right))
      return failure();
    Builder &b = parser.getBuilder();
    formula = b.getArrayAttr({b.getStringAttr(isProduct ? "*" : "/"), formula, right});
  }
}

/// Numbers as MLIR reads them, or as `isMessage` prints them.
static void printFormula(llvm::raw_ostream &os, Attribute formula, bool isMessage) {
  auto parts = dyn_cast<ArrayAttr>(formula);
  auto number = dyn_cast<FloatAttr>(formula);
  if (auto name = dyn_cast<StringAttr>(formula)) {
    os << name.getValue();
  } else if (number && isMessage) {
    os << llvm::format("%.9g", number.getValueAsDouble());
  } else if (!parts) {
    formula.print(os, /*elideType=*/true);
  } else if (StringRef operation = cast<StringAttr>(parts[0]).getValue(); operation == "*" || operation == "/") {
    printFormula(os, parts[1], isMessage);
    os << ' ' << operation << ' ';
    printFormula(os, parts[2], isMessage);
  } else {
    os << operation << '(';
    llvm::interleaveComma(parts.getValue().drop_front(), os,
                          [&](Attribute part) { printFormula(os, part, isMessage); });
    os << ')';
  }
}

static void printFormula(AsmPrinter &printer, Attribute formula) { printFormula(printer.getStream(), formula, false); }

//===--- Attributes --------------------------------------------------------------------------===//

Attribute mlir::nanochat::plain(Attribute attr) {
  auto sized = dyn_cast_if_present<SizedAttr>(attr);
  return sized ? sized.getValue() : attr;
}

Attribute mlir::nanochat::parseSized(AsmParser &parser, TypedAttr unknown) {
  Attribute formula;
  if (parseFormula(parser, unknown.getType(), formula))
    return {};
  bool isNumber = isa<IntegerAttr, FloatAttr>(formula);
  return isNumber ? formula : SizedAttr::get(parser.getContext(), formula, unknown);
}

void mlir::nanochat::printSized(AsmPrinter &printer, Attribute attr) {
  auto sized = dyn_cast<SizedAttr>(attr);
  printFormula(printer, sized ? sized.getFormula() : attr);
}

Attribute SizedAttr::parse(AsmParser &parser, Type) {
  Attribute formula, value;
  if (parser.parseLess() || parseFormula(parser, Type(), formula) || parser.parseComma() ||
      parser.parseAttribute(value) || parser.parseGreater())
    return {};
  return get(parser.getContext(), formula, value);
}

void SizedAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printFormula(printer, getFormula());
  printer << ", " << getValue() << '>';
}

/// "name = formula" or "name {settings}".
SettingAttr mlir::nanochat::parseSetting(AsmParser &parser) {
  StringRef name;
  Location place = parser.getEncodedSourceLoc(parser.getCurrentLocation());
  if (parser.parseKeyword(&name))
    return {};
  Attribute value;
  SmallVector<Attribute> settings;
  if (succeeded(parser.parseOptionalEqual())) {
    if (parseFormula(parser, Type(), value))
      return {};
  } else {
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Braces,
                                       [&] { return success(bool(settings.emplace_back(parseSetting(parser)))); }))
      return {};
    value = parser.getBuilder().getArrayAttr(settings);
  }
  return SettingAttr::get(parser.getContext(), parser.getBuilder().getStringAttr(name), value, place);
}

void mlir::nanochat::printSetting(AsmPrinter &printer, SettingAttr setting) {
  printer << setting.getName().getValue();
  auto settings = dyn_cast<ArrayAttr>(setting.getValue());
  bool isPreset = settings && (settings.empty() || isa<SettingAttr>(settings[0]));
  printer << (isPreset ? " {" : " = ");
  if (!isPreset)
    return printFormula(printer, setting.getValue());
  llvm::interleaveComma(settings.getAsRange<SettingAttr>(), printer,
                        [&](SettingAttr inner) { printSetting(printer, inner); });
  printer << '}';
}

Attribute SettingAttr::parse(AsmParser &parser, Type) {
  SettingAttr setting;
  if (parser.parseLess() || !(setting = parseSetting(parser)) || parser.parseGreater())
    return {};
  return setting;
}

void SettingAttr::print(AsmPrinter &printer) const {
  printer << '<';
  printSetting(printer, *this);
  printer << '>';
}

std::string mlir::nanochat::formulaText(Attribute formula) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printFormula(os, formula, true);
  return text;
}
