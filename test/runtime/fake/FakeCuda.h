// What the parts of the driver that stands in for NVIDIA's share, and what it offers to others that stand in for
// libraries on top of it (FakeNccl.c).
//
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/// Work of the host in its turn on a stream: 1 once it is done, 0 where it is to be called again. Its argument is a
/// copy of `bytes` for every time that it is done, as a node of a graph is with each launch.
typedef int (*Work)(void *argument);
typedef struct Task {
  Work work;
  void *argument;
  size_t bytes;
} Task;

/// A stream of numbered ones. A late one does nothing before somebody waits for it.
typedef struct Stream Stream;
typedef struct Event Event;

/// Puts work on a stream, or into the graph that it is captured to; what a call of the driver returns. `isKernel`
/// counts in sizes of graphs.
int fakeCudaEnqueue(Stream *stream, Work work, const void *argument, size_t bytes, int isKernel);
/// Where a stream is captured, `count` is one more from now on until the graph goes.
void fakeCudaHold(Stream *stream, atomic_int *count);
/// Where an address of a device is.
void *fakeCudaHost(const void *address);

// Between the parts.

/// A node of a graph, which runs after others. A mark says that it has, or that it leads to where a capture ends.
typedef struct Node {
  Task task;
  int isKernel, isLate, isMarked;
  size_t count; // of `after`
  struct Node **after, *next, *twin;
  atomic_int *held; // while the node is there; may be null
} Node;
typedef struct Graph {
  Node *first, **end, *current;
  int instances;
} Graph;

struct Event {
  uint64_t recorded, reached; // how often it was put on a stream, and the last of these that was reached there
  Stream *stream;             // of the last
  struct Capture *capture;    // where that was in a capture, with what was in front
  Node **after;
  size_t count;
};

typedef struct Entry {
  Task task;
  struct Entry *next;
} Entry;
struct Stream {
  int isLate, isBusy;
  Entry *first, **end;
  struct Capture *capture; // null outside of one
  Node **after;            // in it, what the next node follows
  size_t count;
  Stream *next;
};

/// Does what is on a stream, until it has nothing more or must wait: then returns 0. A forced one has others go on
/// that it waits for, also late ones.
int advance(Stream *stream, int isForced);
/// Has all that are not late go on.
void pump(void);
/// Waits for all.
void finishAll(void);
/// Whether a stream is in a capture, which it then adds to: 0, or an error.
int captureNode(Stream *stream, Task task, int isKernel);
int captureRecord(Event *event, Stream *stream);
int captureWait(Stream *stream, Event *event);
/// Takes all streams out of one.
void leaveCapture(const struct Capture *capture);
/// Whether anything is captured now.
int isAnyCaptured(void);
Task copyOfTask(Work work, const void *argument, size_t bytes);

/// Of kernels, as graphs change them.
typedef void (*Kernel)(void *const *buffers, int64_t task, void *scratch);
typedef struct Module {
  Kernel run;
  int64_t operands, isPtx;
} Module;
enum { kMostParameters = 64 };
typedef struct Launch {
  const Module *module;
  unsigned tasks;
  void *parameters[kMostParameters];
} Launch;

int cuStreamSynchronize(Stream *stream);
