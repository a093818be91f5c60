// The writer of tokenizer.json. See TokenizerFile.cpp for the reader.
//
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "runtime/tokenizer/ByteLevel.h"
#include "runtime/tokenizer/Tokenizer.h"
#include <nlohmann/json.hpp>

namespace nc {

using Json = nlohmann::ordered_json;

std::string Tokenizer::text() const {
  Json added = Json::array(), vocab = Json::object(), list = Json::array();
  for (int32_t id = 0; id < size(); ++id) {
    if (model.isSpecial[id])
      added.push_back({{"id", id},
                       {"content", model.tokens[id]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
    else
      vocab.push_back({bytesToText(model.tokens[id]), id});
  }
  for (auto [left, right] : model.merges)
    list.push_back(bytesToText(model.tokens[left]) + " " + bytesToText(model.tokens[right]));
  Json byteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", model.pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  Json json = {{"version", "1.0"},
               {"truncation", nullptr},
               {"padding", nullptr},
               {"added_tokens", added},
               {"normalizer", nullptr},
               {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byteLevel})}}},
               {"post_processor", nullptr},
               {"decoder", byteLevel},
               {"model",
                {{"type", "BPE"},
                 {"dropout", nullptr},
                 {"unk_token", nullptr},
                 {"continuing_subword_prefix", nullptr},
                 {"end_of_word_suffix", nullptr},
                 {"fuse_unk", false},
                 {"byte_fallback", false},
                 {"ignore_merges", model.takesWholePieces},
                 {"vocab", vocab},
                 {"merges", list}}}};
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Does what was read do what was written?
static bool isSame(Tokenizer &read, const Tokenizer &written) {
  constexpr size_t kEnough = 1 << 16;
  std::string sample, decoded;
  for (int32_t id = 0; id < written.size() && sample.size() < kEnough; ++id)
    sample += written.bytesOf(id);
  std::vector<int32_t> ids;
  read.encode(sample, ids);
  for (int32_t id : ids)
    decoded += read.bytesOf(id);
  return read.hash() == written.hash() && decoded == sample;
}

void Tokenizer::write(const std::string &path) const {
  std::string content = text();
  AtomicFile file(path);
  file.write(content);
  try {
    Tokenizer back = file.isDirect() ? parse(content, path) : read(file.aside());
    if (!isSame(back, *this))
      failRun("it reads as another");
  } catch (const Error &problem) {
    failRun(format("'%s' was not written: the tokenizer cannot be read back: %s", path.c_str(), problem.what()));
  }
  file.commit();
}

} // namespace nc
