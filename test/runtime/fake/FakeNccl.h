// What the parts of the stand-in for NCCL share.
//
#pragma once

#include <stdatomic.h>

typedef struct Comm {
  int rank, ranks, listener;
  int *sockets; // by rank, -1 before there is one
  char name[64];
  int groups; // that it has begun to carry out
  int error;
  atomic_int isAborted, graphs; // the latter: nodes of graphs that hold its work
} Comm;

/// Whether the last call would have had to wait.
int isLater(void);
/// Goes on to connect a rank to all others; whether all is done. Waits for nobody.
int connectAll(Comm *comm);
