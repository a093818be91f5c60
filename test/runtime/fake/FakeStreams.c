// Streams and events of the driver that stands in for NVIDIA's. Each is a list of tasks. FAKE_CUDA_LATE holds the
// numbers of streams, "0" or "01", that do nothing before somebody waits for them: then a wait that is missing shows,
// as others read what was there before.
//
#include "FakeCuda.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kNotReady = 600, kUnsupported = 900, kCapturedEvent = 907 };

static Stream *streams;
static int count, waits;

typedef struct Mark { // of an event, by the stream that it was put on
  Event *event;
  uint64_t number;
  Stream *stream;
} Mark;

Task copyOfTask(Work work, const void *argument, size_t bytes) {
  Task task = {work, malloc(bytes), bytes};
  memcpy(task.argument, argument, bytes);
  return task;
}

static int reach(void *argument) {
  Mark *mark = argument;
  mark->event->reached = mark->number;
  return 1;
}

static int isReached(void *argument) { return ((Mark *)argument)->event->reached >= ((Mark *)argument)->number; }

static int advanceTo(Stream *stream, int isForced, Mark *target);

/// Does the first task of a stream, if it can be done now.
static int advanceOnce(Stream *stream, int isForced) {
  Entry *entry = stream->first;
  Mark *mark = entry->task.argument;
  if (isForced && entry->task.work == isReached && !isReached(mark))
    advanceTo(mark->stream, 1, mark);
  if (!entry->task.work(entry->task.argument))
    return 0;
  stream->first = entry->next;
  if (!stream->first)
    stream->end = &stream->first;
  free(entry->task.argument);
  free(entry);
  return 1;
}

/// Whether streams that are not late have something to do that waits for no event: they are always ahead of late ones.
static int isAnyGoing(void) {
  pump();
  for (const Stream *stream = streams; stream; stream = stream->next)
    if (!stream->isLate && !stream->isBusy && stream->first && stream->first->task.work != isReached)
      return 1;
  return 0;
}

/// Does a stream's tasks until it has passed a mark, or has none left where there is none.
static int advanceTo(Stream *stream, int isForced, Mark *target) {
  if (stream->isBusy) // in a call of this one further out
    return 0;
  int isGoing = 1;
  while (isGoing && stream->first && !(target && isReached(target))) {
    if (stream->isLate && isAnyGoing())
      return 0;
    stream->isBusy = 1;
    isGoing = advanceOnce(stream, isForced);
    stream->isBusy = 0;
  }
  return isGoing;
}

int advance(Stream *stream, int isForced) { return advanceTo(stream, isForced, NULL); }

void pump(void) {
  for (Stream *stream = streams; stream; stream = stream->next)
    if (!stream->isLate)
      advance(stream, 0);
}

void finishAll(void) {
  for (Stream *stream = streams; stream; stream = stream->next)
    while (pump(), !advance(stream, 1))
      usleep(20);
}

void leaveCapture(const struct Capture *capture) {
  for (Stream *stream = streams; stream; stream = stream->next)
    if (stream->capture == capture)
      stream->capture = NULL, stream->count = 0;
}

int isAnyCaptured(void) {
  for (Stream *stream = streams; stream; stream = stream->next)
    if (stream->capture)
      return 1;
  return 0;
}

int fakeCudaEnqueue(Stream *stream, Work work, const void *argument, size_t bytes, int isKernel) {
  if (!stream)
    return 400;
  if (stream->capture)
    return captureNode(stream, copyOfTask(work, argument, bytes), isKernel);
  Entry *entry = malloc(sizeof(Entry));
  *entry = (Entry){copyOfTask(work, argument, bytes), NULL};
  *stream->end = entry;
  stream->end = &entry->next;
  pump();
  return 0;
}

int cuStreamCreate(Stream **stream, unsigned flags) {
  const char *late = getenv("FAKE_CUDA_LATE");
  *stream = calloc(1, sizeof(Stream));
  (*stream)->isLate = late && strchr(late, '0' + count);
  (*stream)->end = &(*stream)->first;
  ++count;
  (*stream)->next = streams;
  streams = *stream;
  return flags != 1; // blocking ones wait for copies of no stream
}

int cuStreamCreateWithPriority(Stream **stream, unsigned flags, int priority) {
  (void)priority;
  return cuStreamCreate(stream, flags);
}
// Events may still name it.
int cuStreamDestroy_v2(Stream *stream) { return !stream; }

int cuStreamQuery(Stream *stream) {
  if (!stream || stream->capture)
    return kUnsupported;
  pump();
  return advance(stream, 1) ? 0 : kNotReady;
}

int cuStreamSynchronize(Stream *stream) {
  int error;
  while ((error = cuStreamQuery(stream)) == kNotReady)
    usleep(20);
  return error;
}

int cuEventCreate(Event **event, unsigned flags) {
  *event = calloc(1, sizeof(Event));
  return flags & ~2u ? 1 : 0; // with or without a time
}

// Graphs and tasks may still name it.
int cuEventDestroy_v2(Event *event) { return !event; }

int cuEventRecord(Event *event, Stream *stream) {
  if (!event || !stream)
    return 400;
  event->stream = stream;
  event->capture = NULL;
  if (stream->capture)
    return captureRecord(event, stream);
  Mark mark = {event, ++event->recorded, stream};
  return fakeCudaEnqueue(stream, reach, &mark, sizeof(mark), 0);
}

// FAKE_CUDA_IGNORES_WAIT: the number of a wait that is none. FAKE_CUDA_SAYS: how many there were so far.
int cuStreamWaitEvent(Stream *stream, Event *event, unsigned flags) {
  const char *ignored = getenv("FAKE_CUDA_IGNORES_WAIT");
  if (!stream || !event || flags)
    return 400;
  ++waits;
  if (getenv("FAKE_CUDA_SAYS"))
    fprintf(stderr, "wait %d\n", waits);
  if (ignored && atoi(ignored) == waits)
    return 0;
  if (event->capture || stream->capture)
    return captureWait(stream, event);
  Mark mark = {event, event->recorded, event->stream};
  return event->recorded ? fakeCudaEnqueue(stream, isReached, &mark, sizeof(mark), 0) : 0;
}

int cuEventQuery(Event *event) {
  if (event->capture)
    return kCapturedEvent;
  Mark mark = {event, event->recorded, event->stream};
  pump();
  if (!isReached(&mark))
    advanceTo(event->stream, 1, &mark);
  return isReached(&mark) ? 0 : kNotReady;
}

int cuEventSynchronize(Event *event) {
  int error;
  while ((error = cuEventQuery(event)) == kNotReady)
    usleep(20);
  return error;
}

int cuEventElapsedTime(float *milliseconds, Event *begin, Event *end) {
  *milliseconds = 2.5f; // the same in all runs
  return !begin->reached || !end->reached || begin == end;
}
