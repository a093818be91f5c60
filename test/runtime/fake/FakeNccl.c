// A stand-in for NCCL: ranks of one host send each other bytes through sockets, in their turn on streams of the driver
// that stands in for NVIDIA's. Variables say what goes wrong, "RANK:N" being the N-th group that this rank carries out,
// from 1 on: FAKE_NCCL_HANGS never ends it, FAKE_NCCL_FAILS has it fail, FAKE_NCCL_CORRUPTS changes a byte that comes.
// FAKE_NCCL_ABORT_HANGS: an end takes for ever; FAKE_NCCL_VERSION: another one.
//
#include "FakeNccl.h"
#include "FakeCuda.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { kSuccess = 0, kSystemError = 2, kInvalidArgument = 4, kRemoteError = 6, kInProgress = 7, kBytes = 1 };

/// Bytes to one other rank, or from it; their number goes ahead.
typedef struct Transfer {
  char *data;
  uint64_t bytes, said;
  size_t done; // with the number
  int rank, isSend;
} Transfer;
typedef struct Group {
  Comm *comm;
  int number; // 0 before it begins
  int count;
  Transfer transfers[];
} Group;

static _Thread_local Group *group;
static _Thread_local Stream *stream;
static _Thread_local int depth;

/// Whether a variable is this rank's and of this group.
static int isChosen(const char *variable, const Comm *comm, int number) {
  const char *text = getenv(variable);
  int rank, at;
  return text && sscanf(text, "%d:%d", &rank, &at) == 2 && rank == comm->rank && at == number;
}

/// How many bytes went on; negative where the other rank has ended.
static ssize_t move(Comm *comm, Transfer *transfer) {
  const size_t ahead = sizeof(transfer->said);
  int isAhead = transfer->done < ahead;
  char *from = isAhead ? (char *)&transfer->said + transfer->done : transfer->data + (transfer->done - ahead);
  size_t left = isAhead ? ahead - transfer->done : transfer->bytes + ahead - transfer->done;
  int socket = comm->sockets[transfer->rank];
  ssize_t count = transfer->isSend ? send(socket, from, left, MSG_DONTWAIT | MSG_NOSIGNAL)
                                   : recv(socket, from, left, MSG_DONTWAIT);
  if (count > 0)
    transfer->done += (size_t)count;
  if (transfer->done >= ahead && transfer->said != transfer->bytes)
    comm->error = kInvalidArgument; // as no two ranks that exchange the same
  return count < 0 && isLater() ? 0 : count == 0 ? -1 : count;
}

static int isDone(const Transfer *transfer) { return transfer->done == transfer->bytes + sizeof(transfer->said); }

/// Whether another one to the same rank, or from it, comes first.
static int mustWait(const Group *group, int at) {
  const Transfer *own = &group->transfers[at];
  for (int i = 0; i < at; ++i)
    if (group->transfers[i].rank == own->rank && group->transfers[i].isSend == own->isSend &&
        !isDone(&group->transfers[i]))
      return 1;
  return 0;
}

static int runGroup(void *argument) {
  Group *group = argument;
  Comm *comm = group->comm;
  if (!group->number)
    group->number = ++comm->groups;
  if (isChosen("FAKE_NCCL_FAILS", comm, group->number))
    comm->error = kSystemError;
  if (comm->isAborted)
    return 1;
  if (comm->error || isChosen("FAKE_NCCL_HANGS", comm, group->number))
    return 0;
  int moved, left;
  do {
    moved = left = 0;
    for (int i = 0; i < group->count && !comm->error; ++i) {
      Transfer *transfer = &group->transfers[i];
      if (isDone(transfer) || mustWait(group, i))
        continue;
      ssize_t count = move(comm, transfer);
      if (count < 0)
        comm->error = kRemoteError;
      moved |= count > 0;
      left |= !isDone(transfer);
    }
  } while (moved && left);
  for (int i = 0; !left && i < group->count && isChosen("FAKE_NCCL_CORRUPTS", comm, group->number); ++i)
    if (!group->transfers[i].isSend)
      ++group->transfers[i].data[group->transfers[i].bytes / 2];
  return !left && !comm->error;
}

int ncclGetVersion(int *version) {
  *version = getenv("FAKE_NCCL_VERSION") ? atoi(getenv("FAKE_NCCL_VERSION")) : 22304;
  return kSuccess;
}

const char *ncclGetErrorString(int error) {
  return error == kSystemError ? "unhandled system error" : error == kRemoteError ? "remote process exited" : "invalid";
}
const char *ncclGetLastError(Comm *comm) {
  (void)comm;
  return "said by a stand-in";
}

int ncclGroupStart(void) {
  if (depth++ == 0)
    group = calloc(1, sizeof(Group));
  return kSuccess;
}

static int add(char *data, size_t count, int type, int rank, Comm *comm, Stream *on, int isSend) {
  if (type != kBytes || !depth || rank < 0 || rank >= comm->ranks || rank == comm->rank || (stream && stream != on))
    return kInvalidArgument;
  stream = on;
  group = realloc(group, sizeof(Group) + (size_t)(group->count + 1) * sizeof(Transfer));
  group->comm = comm;
  group->transfers[group->count++] = (Transfer){fakeCudaHost(data), count, isSend ? count : 0, 0, rank, isSend};
  return kSuccess;
}
int ncclSend(char *data, size_t count, int type, int rank, Comm *comm, Stream *on) {
  return add(data, count, type, rank, comm, on, 1);
}
int ncclRecv(char *data, size_t count, int type, int rank, Comm *comm, Stream *on) {
  return add(data, count, type, rank, comm, on, 0);
}

int ncclGroupEnd(void) {
  if (--depth)
    return depth < 0 ? kInvalidArgument : kSuccess;
  size_t bytes = sizeof(Group) + (size_t)group->count * sizeof(Transfer);
  int error = group->count ? fakeCudaEnqueue(stream, runGroup, group, bytes, 0) : 0;
  if (group->count && !error)
    fakeCudaHold(stream, &group->comm->graphs);
  free(group);
  group = NULL, stream = NULL;
  return error ? 1 : kSuccess;
}

int ncclCommGetAsyncError(Comm *comm, int *error) {
  *error = comm->error ? comm->error : connectAll(comm) ? kSuccess : kInProgress;
  return kSuccess;
}

// Waits until no graph holds its work, as NCCL does from 2.26 on.
int ncclCommAbort(Comm *comm) {
  int isHanging = getenv("FAKE_NCCL_ABORT_HANGS") != NULL;
  comm->isAborted = !isHanging;
  while (comm->graphs || isHanging)
    usleep(100);
  return kSuccess; // what is on streams may still name it
}
