#include "runtime/config/Config.h"
#include "TestTools.h"
#include "runtime/config/Rules.h"
#include "runtime/config/Schema.h"
#include "runtime/program/Program.h"

#include <nlohmann/json.hpp>
#include <set>

using namespace nc;
using namespace nc::test;

namespace {

const Machine kPlain{16, 1, true, true};

class ConfigFile : public testing::Test {
protected:
  std::string write(const std::string &text) { return folder.write("run.toml", text); }
  Config read(const std::string &text, const std::vector<std::string> &overrides = {}) {
    return Config(write(text), overrides);
  }
  /// All errors and warnings of a text, one per line, without the folder.
  std::string remarksOf(const std::string &text, const Machine &machine = kPlain) {
    Config config = read(text);
    std::vector<Remark> remarks = config.remarks, more = checkConfig(config, machine);
    remarks.insert(remarks.end(), more.begin(), more.end());
    std::string lines;
    for (const Remark &remark : remarks) {
      std::string place = remark.place;
      if (size_t at = place.find("run.toml"); at != place.npos)
        place = place.substr(at);
      lines += (remark.isError ? "error " : "warning ") + place + ": " + remark.message + "\n";
    }
    return lines;
  }
  TemporaryFolder folder;
};

/// The settings of a file as a few lines of our own see them: "table.key".
std::vector<std::string> keysIn(const std::string &path) {
  std::ifstream file(path);
  std::vector<std::string> keys;
  std::string table;
  for (std::string line; std::getline(file, line);) {
    if (line[0] == '[')
      table = line.substr(1, line.find(']') - 1) + ".";
    else if (size_t equals = line.find(" = "); equals != line.npos && line[0] != '#')
      keys.push_back(table + line.substr(0, equals));
  }
  return keys;
}

const char *const kUserFiles[] = {"config_a_threadripper_blackwell.toml", "config_b_9800x3d_dual4090.toml",
                                  "config_c_dual_epyc_4090.toml"};

} // namespace

TEST_F(ConfigFile, later_values_win_and_know_where_they_come_from) {
  Config config = read("[training]\ntotal_steps = 5\npeak_lr = 1\n",
                       {"training.total_steps=6", "training.total_steps=7", "training.phase=gate"});
  EXPECT_EQ(config.find("training.total_steps")->text, "7");
  EXPECT_EQ(config.find("training.total_steps")->place, "--set training.total_steps=7");
  EXPECT_EQ(config.find("training.peak_lr")->place, write("") + ":3:11");
  EXPECT_EQ(config.find("training.peak_lr")->number, 1);
  EXPECT_EQ(config.find("training.phase")->text, "gate");
  EXPECT_TRUE(config.remarks.empty());
}

TEST_F(ConfigFile, numbers_are_written_with_the_fewest_digits) {
  for (const char *text : {"0.1", "3e-05", "0.30000000000000004", "1e+22"})
    EXPECT_EQ(read(std::string("training.peak_lr = ") + text).find("training.peak_lr")->text, text);
}

TEST_F(ConfigFile, mistakes_are_all_named_with_line_and_column) {
  EXPECT_EQ(remarksOf("[training]\n  total_step = 5\nseed = -1\npeak_lr = \"high\"\nphase = "
                      "3\n[trainig]\nseed = 1\n"
                      "[data.mix]\na.b = 1\n[logging]\nuse_tensorboard = 1\n[evaluation]\nmetrics = "
                      "[1]\n[zzz]\nqqqqqqqq = 1\n"),
            "error run.toml:9:1: 'data.mix.a' is a table, expected a finite number from 0 to 1\n"
            "error run.toml:13:11: 'evaluation.metrics' is a list, expected a list of texts\n"
            "error run.toml:11:19: 'logging.use_tensorboard' is an integer, expected true or false\n"
            "error run.toml:7:1: unknown key 'trainig.seed', did you mean 'training.seed'?\n"
            "error run.toml:4:11: 'training.peak_lr' is a text, expected a finite number of at least 0\n"
            "error run.toml:5:9: 'training.phase' is an integer, expected a text\n"
            "error run.toml:3:8: 'training.seed' is -1, expected an integer from 0 to "
            "9223372036854775807\n"
            "error run.toml:2:3: unknown key 'training.total_step', did you mean "
            "'training.total_steps'?\n"
            "error run.toml:15:1: unknown key 'zzz.qqqqqqqq'\n");
  EXPECT_EQ(Config("", {"seed"}).remarks.at(0).message, "expected KEY=VALUE, as in --set training.seed=1");
  EXPECT_EQ(Config("", {"seed=1"}).remarks.at(0).message, "unknown key 'seed', did you mean 'training.seed'?");
}

TEST_F(ConfigFile, what_is_no_toml_is_refused_with_its_place) {
  expectContains(errorOf([&] { read("[training]\nseed = \n"); }), "run.toml:2:");
  expectContains(errorOf([&] { read("[training]\nseed = 1\nseed = 2\n"); }), "run.toml:3:");
  expectContains(errorOf([&] { read("a = \"\xff\""); }), "run.toml:1:");
  expectContains(errorOf([&] { Config(folder.path("none.toml"), {}); }), "none.toml");
  expectContains(errorOf([&] { Config(folder.path(""), {}); }), "Is a directory");
  EXPECT_TRUE(read("").settings().empty());
  EXPECT_TRUE(Config("/dev/null", {}).settings().empty());
}

TEST_F(ConfigFile, that_nests_deeply_is_refused) {
  auto repeat = [](const char *part) {
    std::string text;
    for (int i = 0; i < 100000; ++i)
      text += part;
    return text;
  };
  expectContains(errorOf([&] { read("\n[" + repeat("a.") + "a]\nb = 1\n"); }),
                 "run.toml:2: found more than 256 dots in a line");
  expectContains(errorOf([&] { read(repeat("'='.") + "a = 1\n"); }), "dots");
  expectContains(errorOf([&] { read("a = " + repeat("[")); }), "run.toml:1:");
  expectContains(errorOf([&] { read("a = " + repeat("{a=")); }), "run.toml:1:");
  EXPECT_FALSE(Config("", {"data.path={" + repeat("a.") + "a=1}"}).remarks.size() > 1);
}

TEST_F(ConfigFile, contradictions_are_explained) {
  auto expectRemark = [&](const std::string &text, const std::string &remark, const Machine &machine = kPlain) {
    expectContains(remarksOf(text, machine), remark);
  };
  EXPECT_EQ(remarksOf("[training]\ntotal_steps = 6\nwarmup_steps = 1\nstable_steps = "
                      "2\ndecay_steps = 3\npeak_lr = 2\nmin_lr = 1\n"),
            "");
  expectRemark("[training]\ntotal_steps = 7\nwarmup_steps = 1\nstable_steps = 2\ndecay_steps = 3\n",
               "warning run.toml:2:15: total_steps is 7, but warmup, stable and decay steps sum to 6");
  expectRemark("[training]\npeak_lr = 1\nmin_lr = 2\n", "min_lr 2 is above peak_lr 1");
  EXPECT_EQ(remarksOf("[data.mix]\na = 0.1\nb = 0.2\nc = 0.7\n[data.sources]\na = \"x\"\nb = "
                      "\"y\"\nc = \"z\"\n"),
            "");
  expectRemark("[data.mix]\na = 0.5\nb = 0.4\n", "error run.toml:2:5: the shares of data.mix sum to 0.9, expected 1");
  expectRemark("[data.mix]\na = 1\n", "data.mix.a has no data.sources.a");
  expectRemark("[data.sources]\na = \"x\"\nb = \"y\"\n[data.mix]\na = 1\n",
               "error run.toml:3:5: data.sources.b has no share");
  expectRemark("[data]\npath = \"x\"\n[data.sources]\na = \"x\"\n",
               "error run.toml:2:8: data.path and data.sources exclude each other");
  expectRemark("[model]\nn_loops = 4\n[training]\nmax_loop_depth = 3\n", "max_loop_depth is 3, model.n_loops 4");
  expectRemark("[model]\nmax_seq_len = 8\n[training]\nseq_len = 9\n", "error run.toml:4:11: seq_len 9 is above");
  expectRemark("[model]\nname = \"x-7b\"\ndim = 2048\nn_layers = 24\n",
               "called 7 G, but dim, n_layers and vocab_size make about 1.21 G");
  EXPECT_EQ(remarksOf("[model]\nname = \"x-1b\"\ndim = 2048\nn_layers = 24\n"), "");
  expectRemark("[hardware]\nnuma_nodes = 8\n[hardware.numa]\nnode_0 = \"0-1\"\nnode_1 = \"2-3\"\n",
               "numa_nodes is 8, hardware.numa lists 2");
  expectRemark("[hardware]\nnuma_nodes = 8\n", "numa_nodes is 8, this machine has 1");
  expectRemark("[hardware]\ncpu_threads = 17\n", "cpu_threads is 17, this process may use 16");
  expectRemark("[hardware]\npreferred_kernel = \"AVX512\"\n", "this processor has no AVX-512", {16, 1, true, false});
  expectRemark("[hardware]\npreferred_kernel = \"AVX2\"\n", "this processor has no AVX2", {16, 1, false, false});
  expectRemark("[hardware]\npreferred_kernel = \"AVX2\"\n", "has AVX-512 as well");
  expectRemark("[hardware]\npreferred_kernel = \"CUDA\"\n", "run on CPUs so far");
  expectRemark("[hardware]\ntensor_parallel_size = 2\n", "but distributed.tensor_parallel is not on");
  expectRemark("[hardware]\ntensor_parallel_size = 2\n[distributed]\ntensor_parallel = "
               "true\nworld_size = 3\n",
               "error run.toml:2:24: tensor_parallel_size 2 does not divide world_size 3");
  expectRemark("[checkpointing]\nsave_optimizer_state = false\n", "checkpoints always have the optimizer's state");
  expectRemark("[checkpointing]\ninterval = 5\n", "there is no checkpointing.dir");
  expectRemark("[logging]\nuse_tensorboard = true\n", "there is no logging.tensorboard_dir");
  expectRemark("[evaluation]\nmetrics = [\"loss\", \"beauty\"]\n", "'beauty' is not measured yet");
}

TEST(Config, of_the_user_has_every_key_used_or_explained) {
  for (const char *name : kUserFiles) {
    std::string path = std::string(CONFIGS) + "/" + name;
    Config config(path, {});
    EXPECT_TRUE(config.remarks.empty()) << config.remarks.at(0).message;
    std::vector<std::string> keys = keysIn(path);
    EXPECT_GT(keys.size(), 60u);
    EXPECT_EQ(keys.size(), config.settings().size());
    std::vector<Remark> remarks = checkConfig(config, Machine::here()),
                        more = compareWithProgram(config, *nc_programs[0]);
    remarks.insert(remarks.end(), more.begin(), more.end());
    for (const std::string &key : keys) {
      const Setting *setting = config.find(key);
      ASSERT_TRUE(setting) << key;
      const Key &row = *setting->key;
      bool isUsed = row.use == KeyUse::Flag || row.use == KeyUse::Told ||
                    (row.use == KeyUse::Scalar && userScalars(*nc_programs[0]).count(row.target)) ||
                    (row.use == KeyUse::Size && sizeOr(*nc_programs[0], row.target, 0) == setting->number);
      bool isExplained = std::any_of(remarks.begin(), remarks.end(),
                                     [&](const Remark &remark) { return remark.place == setting->place; });
      EXPECT_TRUE(isUsed || isExplained) << key;
    }
  }
}

TEST(Config, of_the_user_meets_the_rules_that_are_known_to_hold_and_to_fail) {
  std::map<std::string, std::string> remarks;
  for (const char *name : kUserFiles)
    for (const Remark &remark : checkConfig(Config(std::string(CONFIGS) + "/" + name, {}), kPlain)) {
      EXPECT_FALSE(remark.isError) << remark.message;
      remarks[name] += remark.message + "\n";
    }
  for (const auto &[name, text] : remarks) {
    EXPECT_EQ(text.find("sum to"), text.npos) << text;
    expectContains(text, " stored parameters");
  }
  expectContains(remarks[kUserFiles[0]], "numa_nodes is 8, hardware.numa lists 4");
  expectContains(remarks[kUserFiles[1]], "fp16 is not used");
  EXPECT_EQ(remarks[kUserFiles[2]].find("hardware.numa lists"), std::string::npos);
}

TEST(Config, schema_describes_every_key_and_forbids_others) {
  auto schema = nlohmann::json::parse(configSchema());
  EXPECT_EQ(schema["additionalProperties"], false);
  for (const Key &key : knownKeys()) {
    const nlohmann::json *at = &schema;
    std::istringstream names(key.path);
    for (std::string name; std::getline(names, name, '.');) {
      bool isList = name.back() == ']';
      if (name == "*")
        at = &(*at)["additionalProperties"];
      else if (isList)
        at = &(*at)["properties"][name.substr(0, name.size() - 2)]["items"];
      else
        at = &(*at)["properties"][name];
    }
    EXPECT_EQ((*at)["description"], key.help) << key.path;
  }
  EXPECT_EQ(schema["properties"]["training"]["properties"]["optimizer"]["additionalProperties"], false);
}

TEST(Config, keys_that_stand_for_options_name_options_of_train) {
  std::string help = runProcess(std::string(TINY_PROGRAM) + " train --help").output;
  for (const Key &key : knownKeys())
    if (key.use == KeyUse::Flag)
      expectContains(help, std::string("--") + key.target + " ");
}

TEST_F(ConfigFile, trains_as_the_same_options_do) {
  std::string text = folder.write("text.rs", std::string(3000, 'a') + std::string(3000, 'b'));
  write("[training]\ntotal_steps = 4\npeak_lr = 2\nseed = 3\n[data.sources]\none = \"" + text + "\"\ntwo = \"" + text +
        "\"\n[data.mix]\none = 0.25\ntwo = 0.75\n[logging]\njsonl = \"" + folder.path("a") +
        "\"\n[evaluation]\neval_every = 0\n");
  auto rows = [&](const char *name) {
    std::string content = readFile(folder.path(name)), kept;
    std::istringstream lines(content);
    for (std::string line; std::getline(lines, line);)
      kept += line.substr(0, line.find(", \"tok_s")) + "\n";
    return kept;
  };
  std::string train = std::string(TINY_PROGRAM) + " train ";
  ASSERT_EQ(runProcess(train + "--config " + folder.path("run.toml")).code, 0);
  ASSERT_EQ(runProcess(train + "--steps 4 --lr 2 --seed 3 --eval-every 0 --data one=" + text + " --data two=" + text +
                       " --mix one=1 --mix two=3 --log " + folder.path("b"))
                .code,
            0);
  EXPECT_EQ(rows("a"), rows("b"));
  // The command line wins over --set, and that over the file.
  ASSERT_EQ(runProcess(train + "--config " + folder.path("run.toml") +
                       " --set training.total_steps=2 --set training.seed=9 --seed 3")
                .code,
            0);
  std::string shorter = rows("a");
  EXPECT_EQ(shorter, rows("b").substr(0, shorter.size()));
  EXPECT_EQ(std::count(shorter.begin(), shorter.end(), '\n'), 2);
  ProcessResult bad = runProcess(train + "--config " + folder.path("run.toml") + " --set training.sed=2");
  EXPECT_EQ(bad.code, 2);
  expectContains(bad.output, "unknown key 'training.sed', did you mean 'training.seed'?");
}
