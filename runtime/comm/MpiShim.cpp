#include "runtime/comm/MpiTransport.h"

namespace nc {

const char *const kMpiShim =
    R"c(/* Between nanochat programs and an MPI: mpicc -shared -fPIC -O2 -o libnanochat_mpi.so nanochat_mpi.c
 * Collectives of bytes as messages between any two ranks, cut into parts that an int can count. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 32 };
const int nanochat_mpi_lanes = LANES;
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

int nanochat_mpi_send(const void *from, long long bytes, int other, int lane) {
  int error = 0;
  for (long long at = 0; !error && at < bytes; at += part) {
    MPI_Request *request = next(lane);
    error = request ? MPI_Isend((const char *)from + at, (int)(bytes - at < part ? bytes - at : part), MPI_BYTE, other, lane, MPI_COMM_WORLD, request)
                    : MPI_ERR_NO_MEM;
  }
  return error;
}

int nanochat_mpi_receive(void *to, long long bytes, int other, int lane) {
  int error = 0;
  for (long long at = 0; !error && at < bytes; at += part) {
    MPI_Request *request = next(lane);
    error = request ? MPI_Irecv((char *)to + at, (int)(bytes - at < part ? bytes - at : part), MPI_BYTE, other, lane, MPI_COMM_WORLD, request)
                    : MPI_ERR_NO_MEM;
  }
  return error;
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
