#include "runtime/comm/Mesh.h"
#include "runtime/files/Errors.h"
#include <filesystem>
#include <fstream>
#include <optional>
#include <poll.h>
#include <random>
#include <sys/resource.h>
#include <unistd.h>

using nlohmann::json;

namespace nc {

static std::string hostName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return name;
}

/// The same for processes that can share memory.
static std::string machineId() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code unknown; // processes find each other's files by number
  return hostName() + " " + boot + " " + std::filesystem::read_symlink("/proc/self/ns/pid", unknown).string();
}

static std::string describeRank(int rank, const std::string &host) {
  return format("rank %d (host %s)", rank, host.c_str());
}

std::string Mesh::describe(int rank) const { return describeRank(rank, members[size_t(rank)].host); }

Mesh::Mesh(const RankPlace &place, const Facts &facts, double timeout) : own(place.rank) {
  members.resize(size_t(place.ranks));
  members[size_t(own)].host = hostName();
  members[size_t(own)].machine = machineId();
  if (place.ranks == 1)
    return;
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) { // two for each rank
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  Deadline deadline = after(timeout);
  Socket listener = Socket::listen(0);
  own == 0 ? gather(place, facts, listener.port(), deadline) : report(place, facts, listener.port(), deadline);
  connectOthers(listener, deadline);
  meet(timeout); // so that nobody is here, and fails, while others still wait for him
}

/// Tells all who are there why nothing comes of it.
void Mesh::refuse(ExitCode code, const std::string &message, const std::string &note) {
  for (const Member &member : members)
    if (member.control.isOpen())
      member.control.send({{"error", message}, {"note", note}, {"code", int(code)}});
  throw Error(code, message, note);
}

/// The first fact in which two ranks differ, as a sentence; "" if there is none.
static std::string difference(const Facts &facts, const json &others, const std::string &here,
                              const std::string &there) {
  for (auto &[name, value] : facts)
    if (std::string other = field(others, name.c_str(), std::string("none")); other != value)
      return there + " has " + name + " " + other + ", " + here + " has " + value;
  return "";
}

namespace {
/// Those who connect to a listener and say something. Who is silent holds nobody up.
class Guests {
public:
  explicit Guests(const Socket &listener) : listener(listener) {}

  /// The next of them with what he says; none within a tenth of a second.
  std::optional<std::pair<Socket, json>> next() {
    std::vector<pollfd> waiting = {{listener.fd(), POLLIN, 0}};
    for (const auto &[guest, until] : guests)
      waiting.push_back({guest.fd(), POLLIN, 0});
    poll(waiting.data(), waiting.size(), 100);
    auto now = std::chrono::steady_clock::now();
    for (size_t i = guests.size(); i-- > 0;) {
      if (!waiting[i + 1].revents && now < guests[i].second)
        continue;
      Socket guest = std::move(guests[i].first);
      guests.erase(guests.begin() + int64_t(i));
      if (json message = waiting[i + 1].revents ? guest.receive(after(1)) : json(); message.is_object())
        return std::pair(std::move(guest), message);
    }
    if (waiting[0].revents)
      if (Socket guest = listener.accept(now); guest.isOpen())
        guests.emplace_back(std::move(guest), after(5));
    return std::nullopt;
  }

private:
  const Socket &listener;
  std::vector<std::pair<Socket, Deadline>> guests; // who have not said anything, and until when they may
};
} // namespace

/// "rank 1 of 2 was" or "ranks 1, 2 of 3 were" of those without a connection.
std::string Mesh::absent(Socket Member::*connection, int from) const {
  std::string numbers;
  int count = 0;
  for (int rank = from; rank < ranks(); ++rank)
    if (!(members[size_t(rank)].*connection).isOpen())
      numbers += (count++ ? ", " : "") + std::to_string(rank);
  return format("rank%s %s of %d %s", count > 1 ? "s" : "", numbers.c_str(), ranks(), count > 1 ? "were" : "was");
}

/// Fails where a rank that was there is no more, or says that it fails.
void Mesh::checkOthers() {
  for (int rank = 0; rank < ranks(); ++rank) {
    const Socket &other = control(rank);
    if (!other.isOpen())
      continue;
    if (other.isEnded())
      refuse(ExitCode::RunFailed, describe(rank) + " ended before all ranks were there", "what it printed says why");
    pollfd waiting = {other.fd(), POLLIN, 0};
    if (own == 0 || poll(&waiting, 1, 0) <= 0)
      continue;
    if (json message = other.receive(after(1)); message.is_object() && message.contains("error"))
      throw Error(ExitCode(field(message, "code", 1)), field(message, "error", std::string("rank 0 failed")),
                  field(message, "note", std::string()));
  }
}

void Mesh::gather(const RankPlace &place, const Facts &facts, int ownPort, Deadline deadline) {
  Socket listener = place.listener >= 0 ? Socket(place.listener) : Socket::listen(place.port);
  Guests guests(listener);
  for (int missing = place.ranks - 1; missing > 0;) {
    if (std::chrono::steady_clock::now() > deadline)
      refuse(ExitCode::BadInput, absent(&Member::control, 1) + " not heard from in time",
             "all ranks must be started, and reach rank 0 at " + place.address + "; --comm-timeout waits longer");
    checkOthers();
    auto guest = guests.next();
    if (!guest || field(guest->second, "program", std::string()) != "nanochat")
      continue; // nobody, or somebody else
    auto &[socket, hello] = *guest;
    int rank = field(hello, "rank", -1), ranks = field(hello, "ranks", -1);
    std::string host = field(hello, "host", std::string("?")), who = describeRank(rank, host);
    if (ranks != place.ranks || rank < 1 || rank >= place.ranks || members[size_t(rank)].control.isOpen()) {
      std::string message = ranks != place.ranks ? format("%s is of %d ranks, %s of %d", who.c_str(), ranks,
                                                          describe(0).c_str(), place.ranks)
                                                 : who + " is there twice";
      const char *note = "every process needs a rank of its own, and the same number of them";
      socket.send({{"error", message}, {"note", note}, {"code", int(ExitCode::BadInput)}});
      refuse(ExitCode::BadInput, message, note);
    }
    Member &member = members[size_t(rank)];
    member.host = host, member.machine = field(hello, "machine", std::string());
    member.address = socket.peerAddress(), member.port = field(hello, "port", 0);
    member.control = std::move(socket);
    json theirs = hello.value("facts", json::object());
    if (std::string why = difference(facts, theirs, describe(0), who); !why.empty())
      refuse(ExitCode::BadInput, why, "all ranks run one program with the same options on the same data");
    --missing;
  }
  members[0].port = ownPort;
  word = format("%d.%08x", int(getpid()), std::random_device()());
  json table = json::array();
  for (const Member &member : members)
    table.push_back(
        {{"host", member.host}, {"machine", member.machine}, {"address", member.address}, {"port", member.port}});
  for (int rank = 1; rank < place.ranks; ++rank)
    members[size_t(rank)].control.send({{"token", word}, {"members", table}});
}

void Mesh::report(const RankPlace &place, const Facts &facts, int ownPort, Deadline deadline) {
  Socket &master = members[0].control;
  master = Socket::connect(place.address, place.port, deadline,
                           "rank 0 listens there; MASTER_ADDR and MASTER_PORT say where it is, --comm-timeout how long "
                           "to try");
  json all = json::object();
  for (auto &[name, value] : facts)
    all[name] = value;
  master.send({{"program", "nanochat"},
               {"rank", own},
               {"ranks", place.ranks},
               {"host", members[size_t(own)].host},
               {"machine", members[size_t(own)].machine},
               {"port", ownPort},
               {"facts", all}});
  json answer = master.receive(deadline + std::chrono::seconds(2)); // rank 0 gives up first, and says why
  if (answer.is_object() && answer.contains("error"))
    throw Error(ExitCode(field(answer, "code", 1)), field(answer, "error", std::string("rank 0 failed")),
                field(answer, "note", std::string()));
  json rows = answer.is_object() ? answer.value("members", json()) : json();
  if (!rows.is_array() || rows.size() != size_t(place.ranks))
    failInput(format("rank 0 at %s:%d does not answer", place.address.c_str(), place.port),
              "its own message says more; something else may listen there");
  word = field(answer, "token", std::string());
  for (int rank = 0; rank < place.ranks; ++rank) {
    const json &row = rows[size_t(rank)];
    Member &member = members[size_t(rank)];
    member.host = field(row, "host", std::string("?")), member.machine = field(row, "machine", std::string());
    member.address = field(row, "address", std::string()), member.port = field(row, "port", 0);
    // Whom rank 0 knows by an address of its own host is there.
    if (rank == 0 || member.address.rfind("127.", 0) == 0 || member.address == "::1")
      member.address = master.peerAddress();
  }
}

/// Ranks connect to those below them.
void Mesh::connectOthers(const Socket &listener, Deadline deadline) {
  for (int rank = 0; rank < own; ++rank) {
    Member &member = members[size_t(rank)];
    member.socket = Socket::connect(member.address, member.port, deadline,
                                    describe(rank) + " listens there: every host must reach every other on any port");
    member.socket.send({{"rank", own}, {"token", word}});
  }
  Guests guests(listener);
  for (int missing = ranks() - 1 - own; missing > 0;) {
    if (std::chrono::steady_clock::now() > deadline)
      refuse(ExitCode::RunFailed, absent(&Member::socket, own + 1) + " not heard from in time",
             "every host must reach every other on any port");
    checkOthers();
    auto guest = guests.next();
    if (!guest || field(guest->second, "token", std::string()) != word)
      continue;
    int rank = field(guest->second, "rank", -1);
    if (rank <= own || rank >= ranks() || members[size_t(rank)].socket.isOpen())
      continue;
    members[size_t(rank)].socket = std::move(guest->first);
    --missing;
  }
}

int Mesh::countHere(int end) const {
  int count = 0;
  for (int rank = 0; rank < end; ++rank)
    count += members[size_t(rank)].machine == members[size_t(own)].machine;
  return count;
}
int Mesh::ranksHere() const { return countHere(ranks()); }
int Mesh::placeHere() const { return countHere(own); }
bool Mesh::isOfOneHost() const { return ranksHere() == ranks(); }

void Mesh::meet(double timeout) const {
  Deadline deadline = after(timeout);
  for (int rank = 0; rank < ranks(); ++rank)
    if (rank != own && !to(rank).send("here"))
      failRun(describe(rank) + " has ended");
  for (int rank = 0; rank < ranks(); ++rank)
    if (rank != own && to(rank).receive(deadline) != "here")
      failRun(describe(rank) + (to(rank).isEnded() ? " has ended" : " was not heard from in time"));
}

} // namespace nc
