#include "runtime/comm/MpiTransport.h"

namespace nc {

const char *const kMpiShim =
    R"c(/* Between nanochat programs and an MPI: mpicc -shared -fPIC -O2 -o libnanochat_mpi.so nanochat_mpi.c
 * Collectives of bytes as messages between any two ranks, cut into parts that an int can count. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8, ALL_TO_ALL = 0, ALL_GATHER = 1, BROADCAST = 2 };
static const long long part = 1 << 30;
static int rank, ranks, is_ours;
static struct {
  MPI_Request *requests;
  int count, room;
} lanes[LANES];

int nanochat_mpi_begin(int *own, int *all) {
  int error = MPI_Initialized(&is_ours), provided;
  is_ours = !is_ours;
  if (!error && is_ours)
    error = MPI_Init_thread(0, 0, MPI_THREAD_SERIALIZED, &provided);
  if (!error)
    error = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (!error)
    error = MPI_Comm_rank(MPI_COMM_WORLD, own);
  if (!error)
    error = MPI_Comm_size(MPI_COMM_WORLD, all);
  rank = *own, ranks = *all;
  return error;
}

static MPI_Request *next(int lane) {
  if (lanes[lane].count == lanes[lane].room) { /* the first times alone */
    int room = lanes[lane].room ? 2 * lanes[lane].room : 4 * ranks;
    MPI_Request *more = realloc(lanes[lane].requests, (size_t)room * sizeof(MPI_Request));
    if (!more)
      return 0;
    lanes[lane].requests = more, lanes[lane].room = room;
  }
  return &lanes[lane].requests[lanes[lane].count++];
}

int nanochat_mpi_start(int kind, const void *from, void *to, long long bytes, int lane) {
  const char *source = from;
  char *target = to;
  for (int other = 0; other < ranks; ++other) {
    const char *piece = source + (kind == ALL_TO_ALL ? other * bytes : 0);
    char *place = target + (kind == BROADCAST ? 0 : other * bytes);
    int sends = kind != BROADCAST || (rank == 0 && other != 0), receives = kind != BROADCAST || (rank != 0 && other == 0);
    if (other == rank)
      continue;
    for (long long at = 0; at < bytes; at += part) {
      int count = (int)(bytes - at < part ? bytes - at : part), error = 0;
      MPI_Request *request;
      if (receives)
        error = (request = next(lane)) ? MPI_Irecv(place + at, count, MPI_BYTE, other, lane, MPI_COMM_WORLD, request) : MPI_ERR_NO_MEM;
      if (!error && sends)
        error = (request = next(lane)) ? MPI_Isend(piece + at, count, MPI_BYTE, other, lane, MPI_COMM_WORLD, request) : MPI_ERR_NO_MEM;
      if (error)
        return error;
    }
  }
  return 0;
}

int nanochat_mpi_finish(int lane) {
  int count = lanes[lane].count;
  lanes[lane].count = 0;
  return MPI_Waitall(count, lanes[lane].requests, MPI_STATUSES_IGNORE);
}

int nanochat_mpi_end(void) { return is_ours ? MPI_Finalize() : 0; }

void nanochat_mpi_describe(int error, char *text, int size) {
  char all[MPI_MAX_ERROR_STRING] = "";
  int length;
  MPI_Error_string(error, all, &length);
  strncpy(text, all, (size_t)size - 1);
  text[size - 1] = 0;
}
)c";

} // namespace nc
