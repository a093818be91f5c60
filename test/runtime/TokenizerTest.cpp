#include "TestTools.h"
#include "runtime/tokenizer/BpeTrainer.h"
#include "runtime/tokenizer/ByteLevel.h"

#include <nlohmann/json.hpp>
#include <random>

using namespace nc;
using namespace nc::test;
using Json = nlohmann::ordered_json;

namespace {

std::vector<std::string> piecesOf(const char *pattern, const std::string &text) {
  Splitter splitter(pattern, "test");
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = splitter.endOfPiece(text, begin);
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

std::string decode(const Tokenizer &tokenizer, const std::vector<int32_t> &ids) {
  std::string text;
  for (int32_t id : ids)
    text += tokenizer.bytesOf(id);
  return text;
}

std::string roundTrip(Tokenizer &tokenizer, const std::string &text) {
  std::vector<int32_t> ids;
  tokenizer.encode(text, ids);
  return decode(tokenizer, ids);
}

Tokenizer trainTokenizer(const std::vector<std::string> &texts, int32_t vocab, const std::string &pattern) {
  BpeTrainer trainer(pattern);
  for (const std::string &text : texts)
    trainer.add(text);
  return trainer.train(vocab);
}

/// Three letters of a toy text, merged by hand in the test below.
Tokenizer toy() { return trainTokenizer({"aab aab aab", "ab"}, 260, "gpt2"); }

using Pieces = std::vector<std::string>;

} // namespace

TEST(Splitter, cuts_as_the_published_expressions_do) {
  EXPECT_EQ(piecesOf(kGpt2Pattern, "Hello world's  end 123!\n\n x"),
            (Pieces{"Hello", " world", "'s", " ", " end", " 123", "!", "\n\n", " x"}));
  EXPECT_EQ(piecesOf(kGpt4Pattern, "Hello world'S  end 12345!\n\n x"),
            (Pieces{"Hello", " world", "'S", " ", " end", " ", "123", "45", "!\n\n", " x"}));
  EXPECT_EQ(piecesOf(kGpt4Pattern, "f(x_1)\u00e9t\u00e9"), (Pieces{"f", "(x", "_", "1", ")\u00e9t\u00e9"}));
}

TEST(Splitter, bytes_that_are_no_text_are_pieces) {
  EXPECT_EQ(piecesOf(kGpt2Pattern, "ab\xff\xfe"
                                   "cd\xc3"),
            (Pieces{"ab", "\xff\xfe", "cd", "\xc3"}));
}

TEST(Splitter, long_texts_without_a_separator_are_pieces) {
  std::string text(1 << 20, 'a');
  EXPECT_EQ(piecesOf("(?:a|ab|b)+", text), Pieces{text});
  EXPECT_EQ(piecesOf(kGpt4Pattern, text), Pieces{text});
}

TEST(Splitter, an_expression_that_takes_too_long_is_an_error) {
  expectContains(errorOf([] { piecesOf("(a+)+[bc]", std::string(40, 'a')); }),
                 "needs too much time or memory to match at byte 0");
}

TEST(Splitter, a_wrong_expression_is_refused_with_its_place) {
  expectContains(errorOf([] { Splitter("a(b", "t.json"); }),
                 "'t.json': the expression that splits texts is wrong at offset 3");
}

TEST(ByteLevel, writes_bytes_as_gpt2_does) {
  EXPECT_EQ(bytesToText(" a\n"), "\u0120a\u010a");
  EXPECT_EQ(bytesToText(std::string("\0\x7f\xad\xff", 4)), "\u0100\u0121\u0143\u00ff");
  std::string all;
  for (int byte = 0; byte < 256; ++byte)
    all += char(byte);
  EXPECT_EQ(textToBytes(bytesToText(all)), all);
  EXPECT_EQ(textToBytes("a b"), std::nullopt);
  EXPECT_EQ(textToBytes("\u20ac"), std::nullopt);
}

TEST(BpeTrainer, merges_the_most_frequent_pair_and_of_equals_the_lower) {
  // Pieces: aab, " aab" twice, ab. (a,b) occurs 4 times, (a,a) 3, (space,a) 2. Then a+ab 3 times,
  // space+a twice; then of space+aab twice.
  Tokenizer tokenizer = toy();
  ASSERT_EQ(tokenizer.size(), 260);
  EXPECT_EQ(tokenizer.bytesOf(256), "ab");
  EXPECT_EQ(tokenizer.bytesOf(257), "aab");
  EXPECT_EQ(tokenizer.bytesOf(258), " aab");
  EXPECT_EQ(tokenizer.bytesOf(259), "");
  EXPECT_EQ(tokenizer.beginToken(), 259);
  std::vector<int32_t> ids;
  tokenizer.encode("aaab aab", ids);
  // Ids of bytes are in the order of GPT-2's characters: 'a' is the 65th from '!'.
  EXPECT_EQ(ids, (std::vector<int32_t>{64, 257, 258}));
}

TEST(BpeTrainer, never_learns_the_name_of_its_special_token) {
  std::string text;
  for (int i = 0; i < 50; ++i)
    text += format("a%d <|endoftext|> <|endoftext|>b <|endoftext|>b\n", i);
  Tokenizer tokenizer = trainTokenizer({text}, 400, "\\s|\\S+");
  TemporaryFolder folder;
  tokenizer.write(folder.path("t.json"));
  Tokenizer read = Tokenizer::read(folder.path("t.json"));
  EXPECT_EQ(read.hash(), tokenizer.hash());
  EXPECT_EQ(roundTrip(read, text), text);
  for (int32_t id = 0; id < read.size(); ++id)
    EXPECT_NE(read.bytesOf(id), kEndOfText);
}

TEST(Tokenizer, a_special_tokens_name_in_a_text_is_ordinary_text) {
  Tokenizer tokenizer = toy();
  std::vector<int32_t> ids;
  tokenizer.encode(kEndOfText, ids);
  EXPECT_EQ(ids.size(), std::string(kEndOfText).size());
  EXPECT_EQ(std::count(ids.begin(), ids.end(), tokenizer.beginToken()), 0);
}

TEST(BpeTrainer, stops_where_no_pair_occurs_twice) {
  EXPECT_EQ(trainTokenizer({"abcd"}, 300, "gpt2").size(), 257);
  EXPECT_EQ(trainTokenizer({}, 257, "gpt4").size(), 257);
}

TEST(Tokenizer, round_trips_any_bytes) {
  Tokenizer tokenizer =
      trainTokenizer({"fn main() { println!(\"h\u00e9llo\"); }\n    let x = 1;\n    let y = 2;\n"}, 300, "gpt4");
  std::mt19937 random(1);
  std::string noise, all;
  for (int i = 0; i < 100000; ++i)
    noise += char(random());
  for (int byte = 0; byte < 256; ++byte)
    all += char(byte);
  for (const std::string &text : {noise, all, std::string(), std::string("fn \xff\xc3 main\xe2\x82"),
                                  std::string(100000, 'a'), std::string(1000, ' ') + "x"})
    EXPECT_EQ(roundTrip(tokenizer, text), text);
}

TEST(Tokenizer, is_the_same_read_from_its_file) {
  Tokenizer tokenizer = toy(), read = Tokenizer::parse(tokenizer.text(), "t");
  EXPECT_EQ(read.hash(), tokenizer.hash());
  EXPECT_EQ(read.text(), tokenizer.text());
  EXPECT_NE(trainTokenizer({"aab aab aab", "ab"}, 259, "gpt2").hash(), tokenizer.hash());
  EXPECT_NE(trainTokenizer({"aab aab aab", "ab"}, 260, "gpt4").hash(), tokenizer.hash());
}

TEST(Tokenizer, reads_pairs_and_gpt2s_own_form) {
  Json json = Json::parse(toy().text());
  json["pre_tokenizer"] = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  json["model"]["merges"] =
      Json::array({Json::array({"a", "b"}), Json::array({"a", "ab"}), Json::array({"\u0120", "aab"})});
  json["model"]["vocab"]["<|endoftext|>"] = 259;
  EXPECT_EQ(Tokenizer::parse(json.dump(), "t").hash(), toy().hash());
}

TEST(Tokenizer, what_is_wrong_with_a_file_is_said) {
  const std::string good = toy().text();
  auto errorAfter = [&](auto change) {
    Json json = Json::parse(good);
    change(json);
    return errorOf([&] { Tokenizer::parse(json.dump(), "t.json"); });
  };
  EXPECT_EQ(errorAfter([](Json &) {}), "");
  for (size_t size = 0; size < good.size() - 1; size += 97)
    expectContains(errorOf([&] { Tokenizer::parse(good.substr(0, size), "t.json"); }),
                   "'t.json' is not a tokenizer.json");
  expectContains(errorAfter([](Json &j) { j.erase("model"); }), "it has no 'model'");
  expectContains(errorAfter([](Json &j) { j["model"]["type"] = 7; }), "another type than expected");
  expectContains(errorOf([] { Tokenizer::parse("{}}", "t.json"); }), "not JSON from byte 3 on");
  std::string nested = "{\"model\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  expectContains(errorOf([&] { Tokenizer::parse(nested, "t.json"); }), "nest deeper than 64");
  expectContains(errorAfter([](Json &j) { j["normalizer"] = {{"type", "NFC"}}; }), "'normalizer' is");
  expectContains(errorAfter([](Json &j) { j["model"]["dropout"] = 0.1; }), "'dropout' is 0.1");
  expectContains(errorAfter([](Json &j) { j["model"]["byte_fallback"] = true; }), "'byte_fallback' is true");
  expectContains(errorAfter([](Json &j) { j["model"]["type"] = "Unigram"; }), "its model is not BPE");
  expectContains(errorAfter([](Json &j) { j["pre_tokenizer"]["pretokenizers"][1]["add_prefix_space"] = true; }),
                 "'add_prefix_space' is true");
  expectContains(errorAfter([](Json &j) { j["pre_tokenizer"] = {{"type", "Metaspace"}}; }),
                 "does not end in ByteLevel");
  expectContains(errorAfter([](Json &j) { j["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {{"String", " "}}; }),
                 "it has no 'Regex'");
  expectContains(errorAfter([](Json &j) { j["added_tokens"] = Json::array(); }), "no special token to begin texts");
  expectContains(errorAfter([](Json &j) { j["added_tokens"][0]["special"] = false; }), "is not special");
  expectContains(errorAfter([](Json &j) { j["added_tokens"][0]["id"] = 400; }), "id 400, expected 0 … 259");
  expectContains(errorAfter([](Json &j) { j["added_tokens"][0]["id"] = 7; }), "id 7 is given twice");
  expectContains(errorAfter([](Json &j) { j["model"]["vocab"]["a"] = "x"; }), "token 'a' has no id");
  expectContains(errorAfter([](Json &j) { j["model"]["vocab"].erase("a"); }), "expected 0 … 258");
  expectContains(errorAfter([](Json &j) { j["model"]["vocab"]["\u20ac"] = 260; }),
                 "not written in byte-level characters");
  expectContains(errorAfter([](Json &j) { j["model"]["merges"][0] = "a c"; }),
                 "merge 0 makes a token that is not in the vocabulary");
  expectContains(errorAfter([](Json &j) { j["model"]["merges"][0] = "a zz"; }),
                 "a merge of 'zz', which is not in the vocabulary");
  expectContains(errorAfter([](Json &j) { j["model"]["merges"][0] = 3; }), "merge 3 is not a pair");
}
