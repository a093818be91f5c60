#include "runtime/report/EventFile.h"
#include "runtime/files/Errors.h"
#include <array>
#include <ctime>
#include <filesystem>
#include <unistd.h>

namespace nc {

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> table;
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
      table[i] = value;
    }
    return table;
  }();
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes)
    crc = table[(crc ^ byte) & 0xff] ^ crc >> 8;
  return ~crc;
}

/// TFRecord rotates and shifts checksums, lest a checksum of checksums be trivial.
static uint32_t masked(std::string_view bytes) {
  uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

namespace {
/// Writes fields of a protocol buffer.
class Message {
public:
  void fixed64(int field, double value) { tag(field, 1), raw(&value, 8); }
  void fixed32(int field, float value) { tag(field, 5), raw(&value, 4); }
  void integer(int field, uint64_t value) { tag(field, 0), varint(value); }
  void text(int field, const std::string &value) {
    tag(field, 2);
    varint(value.size());
    bytes += value;
  }
  std::string bytes;

private:
  void tag(int field, int type) { varint(field << 3 | type); }
  void raw(const void *value, size_t size) { bytes.append(static_cast<const char *>(value), size); }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes += char(value | 0x80);
    bytes += char(value);
  }
};

// Numbers of fields, from tensorflow/core/util/event.proto and framework/summary.proto.
enum EventField { kWallTime = 1, kStep = 2, kFileVersion = 3, kSummary = 5, kSessionLog = 7 };
enum SummaryField { kValue = 1, kTag = 1, kSimpleValue = 2 };
constexpr int kStatus = 1, kStart = 1; // of a session log
} // namespace

static Message beginEvent(int64_t step) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  Message event;
  event.fixed64(kWallTime, double(now.tv_sec) + now.tv_nsec * 1e-9);
  event.integer(kStep, step);
  return event;
}

EventFile::EventFile(const std::string &folder, int64_t firstStep) {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  char host[256] = "localhost";
  gethostname(host, sizeof(host) - 1);
  file.emplace(format("%s/events.out.tfevents.%lld.%s.%d", folder.c_str(), wide(time(nullptr)), host, int(getpid())),
               "--tensorboard", /*isContinued=*/false);
  Message version = beginEvent(0), start = beginEvent(firstStep), session;
  version.text(kFileVersion, "brain.Event:2");
  writeRecord(version.bytes);
  session.integer(kStatus, kStart);
  start.text(kSessionLog, session.bytes);
  writeRecord(start.bytes);
}

void EventFile::write(int64_t step, const std::vector<std::pair<std::string, double>> &values) {
  Message summary, event = beginEvent(step);
  for (const auto &[name, number] : values) {
    Message value;
    value.text(kTag, name);
    value.fixed32(kSimpleValue, float(number));
    summary.text(kValue, value.bytes);
  }
  event.text(kSummary, summary.bytes);
  writeRecord(event.bytes);
}

void EventFile::writeRecord(const std::string &event) {
  uint64_t length = event.size();
  std::string record(reinterpret_cast<char *>(&length), 8);
  uint32_t crc = masked(record);
  record.append(reinterpret_cast<char *>(&crc), 4);
  crc = masked(event);
  record += event;
  record.append(reinterpret_cast<char *>(&crc), 4);
  file->append(record);
}

} // namespace nc
