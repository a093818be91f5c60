// What the names of a model stand for. What follows from them is in Infer.cpp.
#include "dialect/ops/model/Sizes.h"
#include "runtime/files/Names.h"

using namespace mlir;
using namespace mlir::nanochat;

/// One may follow from all others, by recursion.
static constexpr size_t kMostNames = 256;
static constexpr double kLargest = std::numeric_limits<int32_t>::max();
static bool isWhole(double number) { return number >= 0 && number <= kLargest && number == std::floor(number); }

std::string mlir::nanochat::suggest(StringRef name, ArrayRef<StringRef> names) {
  size_t most = std::clamp<size_t>(name.size(), 1, 3) - 1;
  auto nearest = nc::findNearest(name, {names.begin(), names.end()}, most);
  return nearest ? (", did you mean '" + names[*nearest] + "'?").str() : "";
}

//===--- What is said of names ---------------------------------------------------------------===//

static SmallVector<SettingAttr> elementsOf(ArrayAttr settings) {
  return settings ? llvm::to_vector(settings.getAsRange<SettingAttr>()) : SmallVector<SettingAttr>();
}

Sizes::Sizes(ArrayAttr sizes, ArrayAttr settings, ArrayAttr presets, Location model)
    : sizes(sizes), settings(settings), presets(presets), model(model) {
  for (ArrayAttr all : {sizes, settings})
    for (SettingAttr setting : elementsOf(all))
      entries.insert({setting.getName(), Entry{setting.getValue(), setting.getPlace(), all == sizes, "", {}}});
}

/// Not a list of settings.
static bool isFormula(Attribute value) {
  auto parts = dyn_cast<ArrayAttr>(value);
  return !parts || (!parts.empty() && isa<StringAttr>(parts[0]));
}

LogicalResult Sizes::check() {
  if (entries.size() > kMostNames) // model-c17
    return emitError(model) << "the model has " << entries.size() << " sizes and settings, more than " << kMostNames;
  DenseSet<Attribute> seen;
  for (ArrayAttr all : {sizes, settings, presets})
    for (SettingAttr setting : elementsOf(all)) {
      if (!seen.insert(setting.getName()).second) // model-c13
        return emitError(setting.getPlace()) << "the model has two things called " << setting.getName();
      if (isFormula(setting.getValue()) == (all == presets)) // model-c14
        return emitError(setting.getPlace())
               << setting.getName()
               << (all == presets ? " is a preset: write name {d = 512}" : " is no preset: write name = 512");
    }
  for (SettingAttr one : elementsOf(presets))
    for (SettingAttr change : elementsOf(cast<ArrayAttr>(one.getValue()))) {
      if (!entries.contains(change.getName())) // model-c15
        return unknown(change.getPlace(), "", change.getName());
      if (!isFormula(change.getValue())) // model-c16
        return emitError(change.getPlace()) << change.getName() << " is no preset: write name = 512";
    }
  return success();
}

InFlightDiagnostic Sizes::unknown(Location loc, StringRef prefix, StringRef name) {
  SmallVector<StringRef> names;
  for (auto &[known, entry] : entries)
    names.push_back(known);
  InFlightDiagnostic diag = emitError(loc)
                            << prefix << "the model has no size '" << name << "'" << suggest(name, names);
  diag.attachNote(model) << "sizes and settings are " << llvm::join(names, ", ");
  return diag;
}

LogicalResult Sizes::choose(StringRef name) {
  SmallVector<StringRef> names;
  for (SettingAttr one : elementsOf(presets)) {
    names.push_back(one.getName());
    if (!name.empty() && one.getName() != name)
      continue;
    preset = one.getName();
    for (SettingAttr change : elementsOf(cast<ArrayAttr>(one.getValue()))) {
      Entry &entry = entries.find(change.getName())->second;
      entry.formula = change.getValue();
      entry.place = change.getPlace();
    }
    return success();
  }
  if (name.empty())
    return success();
  InFlightDiagnostic diag = emitError(model)
                            << "--preset=" << name << ": the model has no such preset" << suggest(name, names);
  diag.attachNote() << (names.empty() ? "it has none" : "presets are " + llvm::join(names, ", "));
  return diag;
}

LogicalResult Sizes::set(const SizeChoice &choice) {
  auto *found = entries.find(StringAttr::get(model.getContext(), choice.name));
  if (found == entries.end())
    return unknown(model, choice.place + ": ", choice.name);
  Entry &entry = found->second;
  Builder b(model.getContext());
  double value;
  bool isNumber = !StringRef(choice.value).getAsDouble(value) && std::isfinite(value);
  if (choice.value.empty() || (entry.isSize && (!isNumber || !isWhole(value)))) {
    InFlightDiagnostic diag = emitError(entry.place)
                              << choice.place << ": expected name=value with "
                              << (entry.isSize ? "a whole number from 0 to 2147483647" : "a number or a word");
    diag.attachNote() << "'" << choice.name << "' is a " << (entry.isSize ? "size" : "setting")
                      << " of the model, such as " << (entry.isSize ? "d=512" : "beta=0.1");
    return diag;
  }
  entry.formula = isNumber ? Attribute(b.getF64FloatAttr(value)) : b.getStringAttr(choice.value);
  entry.why = choice.place;
  return success();
}

//===--- Formulas ----------------------------------------------------------------------------===//

FailureOr<Attribute> Sizes::valueOf(StringRef name) {
  Entry &entry = entries.find(StringAttr::get(model.getContext(), name))->second;
  if (entry.value)
    return entry.value;
  if (std::exchange(entry.isAsked, true))
    return emitError(entry.place) << "'" << name << "' = " << formulaText(entry.formula) << " follows from itself";
  auto value = evaluate(entry.formula, entry.place);
  if (failed(value))
    return failure();
  auto number = dyn_cast<FloatAttr>(*value);
  if (entry.isSize && (!number || !isWhole(number.getValueAsDouble()))) {
    InFlightDiagnostic diag = emitError(entry.place) << "size '" << name << "' = " << formulaText(entry.formula);
    if (!number || isa<ArrayAttr>(entry.formula))
      diag << " is " << formulaText(*value);
    diag << ", expected a whole number from 0 to 2147483647";
    explain(diag, entry.formula);
    return diag;
  }
  return entry.value = *value;
}

void Sizes::explain(InFlightDiagnostic &diag, Attribute formula) {
  if (auto parts = dyn_cast<ArrayAttr>(formula))
    for (Attribute part : parts.getValue().drop_front())
      explain(diag, part);
  auto name = dyn_cast<StringAttr>(formula);
  auto *found = name ? entries.find(name) : entries.end();
  if (found == entries.end() || !found->second.value)
    return;
  Entry &entry = found->second;
  Diagnostic &note = diag.attachNote(entry.place) << "'" << name.getValue() << "' is " << formulaText(entry.value);
  if (!entry.why.empty())
    note << ", as " << entry.why << " says";
}

FailureOr<Attribute> Sizes::evaluate(Attribute formula, Location loc) {
  if (auto name = dyn_cast<StringAttr>(formula))
    return entries.contains(name) ? valueOf(name) : FailureOr<Attribute>(formula);
  auto value = number(formula, loc);
  if (failed(value))
    return failure();
  return Attribute(Builder(model.getContext()).getF64FloatAttr(*value));
}

FailureOr<double> Sizes::number(Attribute formula, Location loc) {
  if (auto whole = dyn_cast<IntegerAttr>(formula))
    return double(whole.getInt());
  if (auto literal = dyn_cast<FloatAttr>(formula))
    return literal.getValueAsDouble();
  if (auto parts = dyn_cast<ArrayAttr>(formula))
    return combine(parts, loc);
  auto value = evaluate(formula, loc);
  if (failed(value))
    return failure();
  if (auto literal = dyn_cast<FloatAttr>(*value))
    return literal.getValueAsDouble();
  return unknown(loc, "", cast<StringAttr>(*value));
}

FailureOr<double> Sizes::combine(ArrayAttr parts, Location loc) {
  StringRef operation = cast<StringAttr>(parts[0]).getValue();
  auto left = number(parts[1], loc);
  auto right = parts.size() > 2 ? number(parts[2], loc) : left;
  if (failed(left) || failed(right))
    return failure();
  return StringSwitch<double>(operation)
      .Case("*", *left * *right)
      .Case("/", *left / *right)
      .Case("max", std::max(*left, *right))
      .Case("min", std::min(*left, *right))
      .Case("up", std::ceil(*left / *right) * *right)
      .Default(std::sqrt(*left));
}

FailureOr<Attribute> Sizes::update(SizedAttr sized, StringRef name, Location loc) {
  auto value = evaluate(sized.getFormula(), loc);
  if (failed(value))
    return failure();
  auto word = dyn_cast<StringAttr>(*value);
  MLIRContext *ctx = model.getContext();
  Attribute known;
  if (isa<RecomputeAttr>(sized.getValue())) {
    auto policy = symbolizeRecompute(word ? word.getValue() : "");
    if (!policy) {
      InFlightDiagnostic diag = emitError(loc) << "unknown recompute policy '" << formulaText(*value)
                                               << "'; expected nothing, cheap or body";
      explain(diag, sized.getFormula());
      return diag;
    }
    known = RecomputeAttr::get(ctx, *policy);
  } else if (word) {
    return unknown(loc, "", word);
  } else if (double number = cast<FloatAttr>(*value).getValueAsDouble(); isa<FloatAttr>(sized.getValue())) {
    known = *value;
  } else if (isWhole(number)) {
    known = Builder(ctx).getI64IntegerAttr(int64_t(number));
  } else {
    InFlightDiagnostic diag = emitError(loc) << name << " = " << formulaText(sized.getFormula()) << " is "
                                             << formulaText(*value) << ", expected a whole number from 0 to 2147483647";
    explain(diag, sized.getFormula());
    return diag;
  }
  return Attribute(SizedAttr::get(ctx, sized.getFormula(), known));
}

LogicalResult Sizes::apply(ArrayRef<Region *> regions) {
  for (auto &[name, entry] : entries)
    if (failed(valueOf(name)))
      return failure();
  for (Region *region : regions) {
    auto result = region->walk([&](Operation *op) {
      return WalkResult(
          replaceSized(op, [&](SizedAttr sized, StringRef name) { return update(sized, name, op->getLoc()); }));
    });
    if (result.wasInterrupted() || (!region->empty() && failed(reinfer(region->front()))))
      return failure();
  }
  return success();
}
