// Ranks that know each other: a connection between any two for bytes, and one of each with rank 0 for words.
#pragma once

#include "runtime/comm/RankPlace.h"
#include "runtime/comm/Socket.h"
#include "runtime/files/Errors.h"
#include <vector>

namespace nc {

/// What must be the same in all ranks, by name: sizes, options, the seed, hashes. In the order in which it is compared.
using Facts = std::vector<std::pair<std::string, std::string>>;

class Mesh {
public:
  /// Rank 0 listens at its place and the others tell it of themselves, until all have, or `timeout` seconds are over.
  /// Fails (exit 2) in all ranks, with the same words, where one is missing or there twice, or where facts differ:
  /// "rank 1 (host b) has seed 2, rank 0 (host a) has 1".
  Mesh(const RankPlace &place, const Facts &facts, double timeout);

  int rank() const { return own; }
  int ranks() const { return int(members.size()); }
  /// The connection to another rank.
  const Socket &to(int rank) const { return members[size_t(rank)].socket; }
  /// That for words: to any at rank 0, to rank 0 elsewhere.
  const Socket &control(int rank) const { return members[size_t(rank)].control; }
  /// "rank 1 (host b)".
  std::string describe(int rank) const;
  /// How many ranks are processes of this host, and how many of these have a lower number than this one.
  int ranksHere() const;
  int placeHere() const;
  /// Whether all ranks are processes of one host.
  bool isOfOneHost() const;
  /// A word that no other run has.
  const std::string &token() const { return word; }

  /// Returns once all ranks are here; fails (exit 1) where one has ended.
  void meet(double timeout) const;

private:
  struct Member {
    std::string host, machine; // what people call it, and what no other has
    std::string address;
    int port = 0; // that it listens on for ranks above it
    Socket socket, control;
  };

  void gather(const RankPlace &place, const Facts &facts, int ownPort, Deadline deadline);
  void report(const RankPlace &place, const Facts &facts, int ownPort, Deadline deadline);
  void connectOthers(const Socket &listener, Deadline deadline);
  void checkOthers();
  int countHere(int end) const;
  std::string absent(Socket Member::*connection, int from) const;
  [[noreturn]] void refuse(ExitCode code, const std::string &message, const std::string &note);

  int own;
  std::vector<Member> members; // by rank
  std::string word;
};

} // namespace nc
