#include "runtime/tokenizer/Splitter.h"
#include "runtime/files/Errors.h"
#include <algorithm>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace nc {

const char *const kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const char *const kGpt4Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// What long repetitions may take; a megabyte of text that is one piece needs a part of it.
static constexpr size_t kFirstStack = 32 << 10, kLargestStack = 256 << 20;
static constexpr size_t kLongestPiece = 1 << 30;

void Splitter::Release::operator()(pcre2_real_code_8 *code) const { pcre2_code_free(code); }
void Splitter::Release::operator()(pcre2_real_match_data_8 *match) const { pcre2_match_data_free(match); }
void Splitter::Release::operator()(pcre2_real_match_context_8 *context) const { pcre2_match_context_free(context); }
void Splitter::Release::operator()(pcre2_real_jit_stack_8 *stack) const { pcre2_jit_stack_free(stack); }

Splitter::Splitter(const std::string &pattern, const std::string &name) {
  int error = 0;
  PCRE2_SIZE place = 0;
  code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                           PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &place,
                           nullptr));
  if (!code) {
    PCRE2_UCHAR words[256];
    pcre2_get_error_message(error, words, sizeof(words));
    failInput(format("'%s': the expression that splits texts is wrong at offset %zu: %s", name.c_str(), size_t(place),
                     reinterpret_cast<const char *>(words)));
  }
  // Without it matching is slower, not wrong.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  match.reset(pcre2_match_data_create_from_pattern(code.get(), nullptr));
  context.reset(pcre2_match_context_create(nullptr));
  stack.reset(pcre2_jit_stack_create(kFirstStack, kLargestStack, nullptr));
  pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
}

size_t Splitter::endOfPiece(std::string_view text, size_t begin) const {
  int found = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), begin, PCRE2_NOTEMPTY,
                          match.get(), context.get());
  if (found < 0 && found != PCRE2_ERROR_NOMATCH)
    failInput(format("the expression that splits texts needs too much time or memory to match at "
                     "byte %zu of a text",
                     begin),
              "use a tokenizer with a simpler one");
  size_t end = text.size();
  if (found >= 0) {
    // \K in an expression can move the beginning of a match anywhere.
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match.get());
    size_t next = ends[0] > begin ? ends[0] : ends[1];
    end = next > begin ? next : end;
  }
  return std::min(end, begin + kLongestPiece);
}

} // namespace nc
