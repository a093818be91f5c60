#include "runtime/commands/Commands.h"
#include "runtime/device/ProgramChoice.h"
#include "runtime/files/Errors.h"
#include "runtime/program/Arenas.h"
#include "runtime/program/Program.h"
#include "runtime/program/Shares.h"
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace nc {

/// Of the whole model, or of a rank.
static int64_t countParameters(const nc_program &program, int64_t (*countOf)(const nc_tensor &)) {
  int64_t count = 0;
  for (const nc_tensor *parameter : tensorsOf(program, NC_PARAM))
    count += countOf(*parameter);
  return count;
}

static nlohmann::ordered_json describeTensors(const nc_program &program, nc_kind kind) {
  auto list = nlohmann::ordered_json::array();
  for (const nc_tensor *tensor : tensorsOf(program, kind)) {
    nlohmann::ordered_json row = {{"name", tensor->name}, {"dtype", dtypeName(tensor->dtype)}};
    if (kind == NC_PARAM)
      row["role"] = tensor->role;
    if (isUserScalar(*tensor))
      row["default"] = tensor->init_scale;
    row["shape"] = wholeShapeOf(*tensor);
    if (isShare(*tensor))
      row["rows_of_rank"] = tensor->shape[0];
    row["count"] = wholeCount(*tensor);
    list.push_back(row);
  }
  return list;
}

static void printJson(const nc_program &program) {
  nlohmann::ordered_json info = {{"model", program.model},
                                 {"target", program.target},
                                 {"runs_here", whyNotHere(program, nc_programs).empty()},
                                 {"compiler", program.compiler},
                                 {"ir_hash", program.ir_hash},
                                 {"vocab", program.vocab},
                                 {"flops_per_token", program.flops_per_token},
                                 {"parameter_count", countParameters(program, wholeCount)}};
  if (hasShares(program))
    info["parameter_count_of_rank"] = countParameters(program, elementCount);
  info["ranks"] = sizeOr(program, "ranks", 1);
  info["ways"] = sizeOr(program, "ways", 1);
  for (int32_t i = 0; i < program.n_sizes; ++i)
    info["sizes"][program.sizes[i].name] = program.sizes[i].value;
  info["parameters"] = describeTensors(program, NC_PARAM);
  info["states"] = describeTensors(program, NC_STATE);
  info["inputs"] = describeTensors(program, NC_INPUT);
  info["outputs"] = describeTensors(program, NC_OUTPUT);
  for (int arena = 0; arena < NC_ARENA_COUNT; ++arena)
    info["arena_bytes"][arenaName(arena)] = program.arena_bytes[arena];
  info["scratch_bytes_per_thread"] = program.scratch_bytes;
  info["reserve_bytes"] = program.reserve_bytes;
  info["choices"] = program.choices;
  for (int32_t i = 0; i < program.n_entries; ++i)
    info["entries"].push_back(program.entries[i].name);
  printf("%s\n", info.dump(2).c_str());
}

static void printTables(const nc_program &program) {
  printf("\n%-32s %-10s %-5s %-20s %14s\n", "parameter", "role", "type", "shape", "count");
  for (const nc_tensor *parameter : tensorsOf(program, NC_PARAM))
    printf("%-32s %-10s %-5s %-20s %14lld\n", parameter->name, parameter->role, dtypeName(parameter->dtype),
           sharedShapeText(*parameter).c_str(), wide(wholeCount(*parameter)));
  printf("%-70s %14lld\n", "total", wide(countParameters(program, wholeCount)));
  if (hasShares(program))
    printf("%-70s %14lld\n", "of a rank", wide(countParameters(program, elementCount)));
  printf("\n%-20s %14s\n", hasShares(program) ? "memory of a rank" : "memory", "bytes");
  for (int arena = 0; arena < NC_ARENA_COUNT; ++arena)
    printf("%-20s %14lld\n", arenaName(arena), wide(program.arena_bytes[arena]));
  printf("%-20s %14lld   %s\n", "total", wide(plannedBytes(program)), bytesText(plannedBytes(program)).c_str());
  printf("%-20s %14lld\n", "scratch per thread", wide(program.scratch_bytes));
  printf("%-20s %14lld\n", "reserve", wide(program.reserve_bytes));
}

static void printText(const nc_program &program) {
  printf("model      %s\ntarget     %s%s\ncompiler   %s\nIR hash    %s\nvocab      %lld\n", program.model,
         program.target, whyNotHere(program, nc_programs).c_str(), program.compiler, program.ir_hash,
         wide(program.vocab));
  printf("flops      %lld per training token\nsizes     ", wide(program.flops_per_token));
  for (int32_t i = 0; i < program.n_sizes; ++i)
    printf(" %s=%lld", program.sizes[i].name, wide(program.sizes[i].value));
  if (int64_t ranks = sizeOr(program, "ranks", 1), ways = sizeOr(program, "ways", 1); ways > 1)
    printf("\nranks      %lld, which share %lld ways", wide(ranks), wide(ways));
  if (program.choices[0])
    printf("\nkept by    %s", program.choices);
  printf("\nentries   ");
  for (int32_t i = 0; i < program.n_entries; ++i)
    printf(" %s", program.entries[i].name);
  printf("\nscalars   ");
  for (const nc_tensor *input : tensorsOf(program, NC_INPUT))
    if (isUserScalar(*input))
      printf(" %s=%g", input->name, input->init_scale);
  printf("\n");
  printTables(program);
}

void addInfoCommand(CLI::App &app, const nc_program &program) {
  auto isJson = std::make_shared<bool>(false);
  CLI::App *command = app.add_subcommand("info", "Describe the model: sizes, parameters, memory");
  command->add_flag("--json", *isJson, "Print one JSON object");
  command->callback([isJson, &program] {
    checkProgram(program);
    *isJson ? printJson(program) : printText(program);
  });
}

} // namespace nc
