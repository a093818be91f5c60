#include "runtime/comm/Mesh.h"
#include "runtime/files/Errors.h"
#include <filesystem>
#include <fstream>
#include <random>
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
  Deadline deadline = after(timeout);
  Socket listener = Socket::listen(0);
  own == 0 ? gather(place, facts, listener.port(), deadline) : report(place, facts, listener.port(), deadline);
  connectOthers(listener, deadline);
}

/// Tells all who are there why nothing comes of it.
void Mesh::refuse(const std::string &message, const std::string &note) {
  for (const Member &member : members)
    if (member.control.isOpen())
      member.control.send({{"error", message}, {"note", note}});
  failInput(message, note);
}

/// The first fact in which two ranks differ, as a sentence; "" if there is none.
static std::string difference(const Facts &facts, const json &others, const std::string &here,
                              const std::string &there) {
  for (auto &[name, value] : facts)
    if (std::string other = others.value(name, "none"); other != value)
      return there + " has " + name + " " + other + ", " + here + " has " + value;
  return "";
}

void Mesh::gather(const RankPlace &place, const Facts &facts, int ownPort, Deadline deadline) {
  Socket listener = Socket::listen(place.port);
  for (int missing = place.ranks - 1; missing > 0;) {
    Socket socket = listener.accept(deadline);
    if (!socket.isOpen()) {
      for (int rank = 1; rank < place.ranks; ++rank)
        if (!members[size_t(rank)].control.isOpen())
          refuse(format("rank %d of %d was not heard from in time", rank, place.ranks),
                 "all ranks must be started, and reach rank 0 at " + place.address + "; --comm-timeout waits longer");
    }
    json hello = socket.receive(std::min(deadline, after(5)));
    if (!hello.is_object() || hello.value("program", "") != "nanochat")
      continue; // somebody else
    int rank = hello.value("rank", -1), ranks = hello.value("ranks", -1);
    std::string who = describeRank(rank, hello.value("host", "?"));
    if (ranks != place.ranks || rank < 1 || rank >= place.ranks || members[size_t(rank)].control.isOpen()) {
      std::string message = ranks != place.ranks ? format("%s is of %d ranks, %s of %d", who.c_str(), ranks,
                                                          describe(0).c_str(), place.ranks)
                                                 : who + " is there twice";
      const char *note = "every process needs a rank of its own, and the same number of them";
      socket.send({{"error", message}, {"note", note}});
      refuse(message, note);
    }
    Member &member = members[size_t(rank)];
    member.host = hello.value("host", "?"), member.machine = hello.value("machine", "");
    member.address = socket.peerAddress(), member.port = hello.value("port", 0);
    member.control = std::move(socket);
    if (std::string why = difference(facts, hello["facts"], describe(0), who); !why.empty())
      refuse(why, "all ranks run one program with the same options on the same data");
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
  master = Socket::connect(place.address, place.port, deadline);
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
  if (!answer.is_object())
    failInput(format("rank 0 at %s:%d does not answer", place.address.c_str(), place.port),
              "its own message says more; something else may listen there");
  if (answer.contains("error"))
    failInput(answer.value("error", ""), answer.value("note", ""));
  word = answer.value("token", "");
  for (int rank = 0; rank < place.ranks; ++rank) {
    const json &row = answer["members"][size_t(rank)];
    Member &member = members[size_t(rank)];
    member.host = row.value("host", "?"), member.machine = row.value("machine", "");
    member.address = rank == 0 ? master.peerAddress() : row.value("address", "");
    member.port = row.value("port", 0);
  }
}

/// Ranks connect to those below them.
void Mesh::connectOthers(const Socket &listener, Deadline deadline) {
  for (int rank = 0; rank < own; ++rank) {
    Member &member = members[size_t(rank)];
    member.socket = Socket::connect(member.address, member.port, deadline);
    member.socket.send({{"rank", own}, {"token", word}});
  }
  for (int missing = ranks() - 1 - own; missing > 0;) {
    Socket socket = listener.accept(deadline);
    if (!socket.isOpen())
      failRun("ranks above " + std::to_string(own) + " did not connect in time",
              "every host must reach every other on any port");
    json hello = socket.receive(std::min(deadline, after(5)));
    if (!hello.is_object() || hello.value("token", "") != word)
      continue;
    int rank = hello.value("rank", -1);
    if (rank <= own || rank >= ranks() || members[size_t(rank)].socket.isOpen())
      continue;
    members[size_t(rank)].socket = std::move(socket);
    --missing;
  }
}

bool Mesh::isOfOneHost() const {
  for (const Member &member : members)
    if (member.machine != members[0].machine)
      return false;
  return true;
}

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
