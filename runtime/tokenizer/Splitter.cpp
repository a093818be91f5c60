// SPDX-License-Identifier: Apache-2.0
#include "runtime/tokenizer/Splitter.h"

#include "runtime/Errors.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace nc {

const char *const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const char *const kGpt4Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

void Splitter::Release::operator()(pcre2_real_code_8 *code) const { pcre2_code_free(code); }
void Splitter::Release::operator()(pcre2_real_match_data_8 *match) const {
  pcre2_match_data_free(match);
}

Splitter::Splitter(const std::string &pattern, const std::string &name) {
  int error = 0;
  PCRE2_SIZE place = 0;
  code.reset(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C,
                    &error, &place, nullptr));
  if (!code) {
    PCRE2_UCHAR words[256];
    pcre2_get_error_message(error, words, sizeof(words));
    failInput(format("'%s': the expression that splits texts is wrong at offset %zu: %s",
                     name.c_str(), size_t(place), reinterpret_cast<const char *>(words)));
  }
  // Without it matching is slower, not wrong.
  pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);
  match.reset(pcre2_match_data_create_from_pattern(code.get(), nullptr));
}

size_t Splitter::endOfPiece(std::string_view text, size_t begin) const {
  int found = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), begin,
                          PCRE2_NOTEMPTY, match.get(), nullptr);
  if (found == PCRE2_ERROR_NOMATCH)
    return text.size();
  if (found < 0)
    failInput(format("the expression that splits texts needs too much to match: error %d of PCRE2",
                     found),
              "use a tokenizer with a simpler one");
  const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(match.get());
  // \K in an expression can move the beginning of a match anywhere.
  size_t end = ends[0] > begin ? ends[0] : ends[1];
  return end > begin ? end : text.size();
}

} // namespace nc
