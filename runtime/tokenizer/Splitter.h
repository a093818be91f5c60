// Cuts texts into the pieces that merges of a tokenizer stay within, by a regular expression.
//
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace nc {

/// The expressions of GPT-2 and of GPT-4 (cl100k_base).
extern const char *const kGpt2Pattern, *const kGpt4Pattern;

class Splitter {
public:
  /// Fails (exit 2), with `name`, if the expression is none.
  Splitter(const std::string &pattern, const std::string &name);

  /// The end of the piece that begins at `begin` < text.size(). What the expression does not match,
  /// such as bytes that are no UTF-8, is a piece as well; no piece is longer than 1 GiB. Fails
  /// (exit 2) if matching needs more than the library's limits.
  size_t endOfPiece(std::string_view text, size_t begin) const;

private:
  struct Release {
    void operator()(pcre2_real_code_8 *code) const;
    void operator()(pcre2_real_match_data_8 *match) const;
    void operator()(pcre2_real_match_context_8 *context) const;
    void operator()(pcre2_real_jit_stack_8 *stack) const;
  };
  std::unique_ptr<pcre2_real_code_8, Release> code;
  std::unique_ptr<pcre2_real_match_data_8, Release> match;
  std::unique_ptr<pcre2_real_match_context_8, Release> context;
  std::unique_ptr<pcre2_real_jit_stack_8, Release> stack;
};

} // namespace nc
