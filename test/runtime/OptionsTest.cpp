// What options take, asked of all of them, so that a new one is covered by itself.
//
#include "TestTools.h"
#include "runtime/app/CommandLine.h"
#include "runtime/app/ToolCommandLine.h"
#include "runtime/device/ProgramChoice.h"
#include "runtime/files/Numbers.h"
#include "runtime/program/Program.h"

#include <CLI/CLI.hpp>
#include <cmath>

using namespace nc;
using namespace nc::test;

namespace {

/// What the help calls values that are no numbers.
bool isText(const std::string &type) {
  for (const char *text : {"TEXT", "FILE", "PATH", "DIR", "NAME", "DEVICE", "LOG", "EXT", "ACTION", "KEY", "PARAM"})
    if (type.find(text) != std::string::npos)
      return true;
  return false;
}

/// Is the value refused in our words?
bool isRefused(CLI::Option &option, const std::string &value) {
  option.clear();
  option.add_result(value);
  try {
    option.run_callback();
  } catch (const CLI::ValidationError &problem) {
    std::string message = problem.what();
    expectContains(message, "found '" + value + "', expected ");
    return true;
  } catch (const CLI::Error &problem) {
    ADD_FAILURE() << option.get_name() << ": " << problem.what();
  }
  return false;
}

int checkNumbers(CLI::App &app) {
  int numbers = 0;
  for (CLI::Option *option : app.get_options()) {
    if (option->get_items_expected_max() == 0 || isText(option->get_type_name()))
      continue;
    ++numbers;
    for (const char *value : {"-99999999999999999999", "99999999999999999999999999", "nan", "inf", "1e999", "0x10",
                              " 1", "1 ", "1x", "-", ""}) {
      bool isLarge = std::string(value).size() > 20 && option->get_type_name() == "FLOAT";
      EXPECT_TRUE(isLarge || isRefused(*option, value))
          << app.get_name() << " " << option->get_name() << "='" << value << "'";
    }
  }
  for (CLI::App *command : app.get_subcommands(nullptr))
    numbers += checkNumbers(*command);
  return numbers;
}

} // namespace

TEST(Options, refuse_what_is_no_number_in_their_range) {
  CLI::App app;
  addProgramCommands(app, *nc_programs[0]);
  addToolCommands(app, "");
  EXPECT_GE(checkNumbers(app), 20);
}

TEST(Commands, of_programs_run_kernels_but_for_info_and_comm) {
  CLI::App app;
  addProgramCommands(app, *nc_programs[0]);
  for (CLI::App *command : app.get_subcommands(nullptr)) {
    std::string name = command->get_name();
    const char *argv[] = {"program", name.c_str()};
    EXPECT_EQ(runsKernels(2, argv), name != "info" && name != "comm") << name;
  }
}

TEST(Numbers, are_decimal_whole_and_in_range) {
  EXPECT_EQ(parseInteger<uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parseInteger<int64_t>("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(parseInteger<int64_t>("010"), 10);
  EXPECT_EQ(parseNumber("-1.5e-3"), -1.5e-3);
  EXPECT_EQ(parseNumber("5e-324"), 5e-324);
  for (const char *text : {"", " ", "1 ", " 1", "+1", "0x10", "1e3", "1.0", "1x", "--1", "18446744073709551616", "-1"})
    EXPECT_FALSE(parseInteger<uint64_t>(text)) << text;
  for (const char *text : {"", " 1", "1 ", "nan", "-inf", "1e999", "0x1p3", "1,5", "1e", "."})
    EXPECT_FALSE(parseNumber(text)) << text;
}

TEST(Scalars, that_are_rates_are_not_negative) {
  EXPECT_EQ(leastOfScalar("lr"), 0);
  EXPECT_EQ(leastOfScalar("muon_lr"), 0);
  EXPECT_EQ(leastOfScalar("weight_decay"), 0);
  EXPECT_EQ(leastOfScalar("beta"), -INFINITY);
  const nc_program &program = *nc_programs[0];
  expectContains(errorOf([&] { checkScalar(program, "lr", -0.1); }),
                 "scalar 'lr' is -0.1, expected a number of at least 0");
}
