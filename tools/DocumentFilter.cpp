#include "tools/DocumentFilter.h"
#include "dialect/Nesting.h"
#include "llvm/Support/JSON.h"

#include <cstdio>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace mlir::nanochat;
namespace json = llvm::json;

/// The text as the server may see it: of one that nests too deep nothing but the place.
static std::string shallow(llvm::StringRef text) {
  size_t at = findDeepNesting(text);
  if (at == llvm::StringRef::npos)
    return text.str();
  llvm::StringRef before = text.take_front(at);
  return std::string(before.count('\n'), '\n') + std::string(at - (before.rfind('\n') + 1), ' ') +
         "nests_deeper_than_" + std::to_string(kDeepestNesting) + "_levels\n";
}

static void makeShallow(json::Object *document) {
  if (auto text = document ? document->getString("text") : std::nullopt)
    (*document)["text"] = shallow(*text);
}

/// The message with its documents made shallow; none if it nests too deep itself.
static std::string filterMessage(std::string message) {
  if (findDeepNesting(message) != llvm::StringRef::npos)
    return "null";
  if (message.find("\"text\"") == std::string::npos)
    return message;
  auto value = json::parse(message);
  if (!value) {
    llvm::consumeError(value.takeError());
    return message; // the server's to complain of
  }
  json::Object *body = value->getAsObject(), *params = body ? body->getObject("params") : nullptr;
  if (!params)
    return message;
  makeShallow(params->getObject("textDocument"));
  if (json::Array *changes = params->getArray("contentChanges"))
    for (json::Value &change : *changes)
      makeShallow(change.getAsObject());
  std::string filtered;
  llvm::raw_string_ostream(filtered) << *value;
  return filtered;
}

/// Reads the headers of a message; its length, none at the end or where there are no such headers,
/// as in tests. What was read is appended to `head`.
static size_t readHeaders(FILE *from, std::string &head) {
  char line[1024];
  size_t length = 0;
  while (fgets(line, sizeof line, from)) {
    head += line;
    llvm::StringRef text(line);
    if (text.consume_front("Content-Length:"))
      (void)text.trim().getAsInteger(10, length);
    else if (text.trim().empty() || !text.starts_with("Content-"))
      break;
  }
  return length;
}

static void relay(FILE *from, FILE *to) {
  std::string head;
  while (size_t length = readHeaders(from, head)) {
    std::string message(length, '\0');
    message.resize(fread(message.data(), 1, length, from));
    message = filterMessage(std::move(message));
    fprintf(to, "Content-Length: %zu\r\n\r\n", message.size());
    fwrite(message.data(), 1, message.size(), to);
    fflush(to);
    head.clear();
  }
  for (char rest[4096]; !head.empty(); head.assign(rest, fread(rest, 1, sizeof rest, from)))
    fwrite(head.data(), 1, head.size(), to);
  fclose(to);
}

void mlir::nanochat::filterDocuments() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return; // without descriptors left the server does not come far either
  FILE *from = fdopen(dup(STDIN_FILENO), "r"), *to = fdopen(ends[1], "w");
  dup2(ends[0], STDIN_FILENO);
  close(ends[0]);
  std::thread(relay, from, to).detach();
}
