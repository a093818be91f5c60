#include "tools/nanochat-opt/Configuration.h"
#include "runtime/config/Config.h"
#include "runtime/files/Errors.h"

using namespace mlir;
using namespace mlir::nanochat;

static std::string lower(StringRef text) { return text.lower(); }

namespace {
class Reader {
public:
  Reader(const std::string &path, const Target &row) : config(path, {}), row(row) { nc::reportRemarks(config.remarks); }

  Configuration read() {
    for (auto &[path, setting] : config.settings())
      if (const char *size = nc::sizeOf(*setting.key); size && isHonoured(path, setting))
        result.sizes.push_back({size, setting.text, setting.place + ": " + path});
    if (const nc::Setting *streams = config.find("model.mhc_n_streams"); streams && streams->number > 1)
      say(*streams, "residual streams are the model file's; models/looplm-mhc.mlir has four");
    readOptimizer();
    readMemory();
    return result;
  }

private:
  static void say(const nc::Setting &setting, const Twine &what) {
    llvm::errs() << "note: " << setting.place << ": " << setting.key->path << " = " << setting.text << ": " << what
                 << "\n";
  }

  /// Kernels of weights that are scaled in groups are a CPU's.
  bool isHonoured(StringRef path, const nc::Setting &setting) {
    if (path != "model.group_size" || !row.gpu)
      return true;
    say(setting, row.name + " has fast kernels for one scale per matrix, which is used instead; --set group=" +
                     setting.text + " has groups, slowly");
    return false;
  }

  /// ":lr=0.02" of a key; "" where the file has none.
  std::string rate(const char *key) {
    const nc::Setting *setting = config.find(key);
    return setting ? ":lr=" + setting->text : "";
  }

  void readOptimizer() {
    const nc::Setting *type = config.find("training.optimizer.type");
    if (!type)
      return;
    const nc::Setting *rank = config.find("training.optimizer.galore_rank");
    std::string name = lower(type->text), muon = rate("training.muon_lr"), lion = rate("training.lion_lr");
    if (name == "hybrid")
      result.optimizers = {"matrix=muon8" + muon, "rest=lion" + lion};
    else if (name == "galore")
      result.optimizers = {"matrix=galore:rank=" + (rank ? rank->text : "256") + ":base=adam8:clip=projected",
                           "rest=lion" + lion};
    else if (name == "muon" || name == "muon8")
      result.optimizers = {"matrix=" + name + muon, "rest=adamw"};
    else if (name == "adamw" || name == "adamw8" || name == "lion")
      result.optimizers = {"rest=" + name};
    else
      nc::failInput(
          type->place + ": training.optimizer.type = '" + type->text + "' is not known",
          "it is hybrid (8-bit Muon and Lion), galore, muon, muon8, adamw, adamw8 or lion; --optimizer has more");
  }

  void readMemory() {
    auto text = [&](const char *key) {
      const nc::Setting *setting = config.find(key);
      return setting ? setting->text : "";
    };
    auto list = [&](const char *key) {
      const nc::Setting *setting = config.find(key);
      return setting ? setting->list : std::vector<std::string>();
    };
    result.memory.recompute = list("memory.recompute");
    result.memory.masters = list("memory.masters");
    result.allow = list("memory.allow");
    result.codes = text("memory.codes");
    result.update = text("memory.update");
    result.budget = row.gpu ? text("memory.budget") : "";
    result.memory.chunk = int64_t(config.number("memory.chunk").value_or(0));
  }

  nc::Config config;
  const Target &row;
  Configuration result;
};
} // namespace

Configuration mlir::nanochat::readConfiguration(const std::string &path, const Target &row) {
  return Reader(path, row).read();
}
