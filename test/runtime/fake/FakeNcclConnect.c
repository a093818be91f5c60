// How ranks of the stand-in for NCCL find each other: those with higher numbers connect to lower ones.
//
#include "FakeNccl.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct Id {
  char bytes[128];
} Id;
typedef struct Config { // the parts that all versions have
  size_t size;
  unsigned magic, version;
  int blocking;
} Config;

int isLater(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int ncclGetUniqueId(Id *id) {
  static int count;
  memset(id, 0, sizeof(*id));
  snprintf(id->bytes, sizeof(id->bytes), "fake-nccl-%d-%d", (int)getpid(), count++);
  return 0;
}

/// A name that is no file and goes with its socket.
static socklen_t addressOf(struct sockaddr_un *address, const Comm *comm, int rank) {
  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  int length = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s-%d", comm->name, rank);
  return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

// Returns at once, as what is not to block does.
int ncclCommInitRankConfig(Comm **made, int ranks, Id id, int rank, const Config *config) {
  if (config->magic != 0xcafebeef || config->blocking != 0 || config->version < 21800)
    return 4;
  Comm *comm = *made = calloc(1, sizeof(Comm));
  comm->rank = rank, comm->ranks = ranks;
  memcpy(comm->name, id.bytes, sizeof(comm->name) - 1);
  comm->sockets = malloc((size_t)ranks * sizeof(int));
  for (int other = 0; other < ranks; ++other)
    comm->sockets[other] = -1;
  struct sockaddr_un address;
  socklen_t length = addressOf(&address, comm, rank);
  comm->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(comm->listener, (struct sockaddr *)&address, length) || listen(comm->listener, ranks))
    return 2;
  return 7;
}

static void connectTo(Comm *comm, int other) {
  struct sockaddr_un address;
  socklen_t length = addressOf(&address, comm, other);
  int handle = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(handle, (struct sockaddr *)&address, length) ||
      write(handle, &comm->rank, sizeof(int)) != sizeof(int)) {
    close(handle); // it is not there yet
    return;
  }
  comm->sockets[other] = handle;
}

int connectAll(Comm *comm) {
  int isDone = 1, rank, handle;
  for (int other = 0; other < comm->rank; ++other)
    if (comm->sockets[other] < 0)
      connectTo(comm, other);
  while ((handle = accept(comm->listener, NULL, NULL)) >= 0) {
    if (read(handle, &rank, sizeof(rank)) != sizeof(rank) || rank <= comm->rank || rank >= comm->ranks)
      return close(handle), 0;
    comm->sockets[rank] = handle;
  }
  for (int other = 0; other < comm->ranks; ++other)
    isDone &= other == comm->rank || comm->sockets[other] >= 0;
  return isDone;
}
