// Graphs of the driver that stands in for NVIDIA's, and the streams that are captured to them: one where it begins,
// and those that wait for events of it. Tasks of a graph run in an order that their edges allow, those of late streams
// last.
//
#include "FakeCuda.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kUnmatched = 903, kUnjoined = 904, kIsolation = 905, kCapturedEvent = 907 };

typedef struct Capture {
  Graph *graph;
  Stream *origin;
  int isOver;
} Capture;

/// Adds to what comes before the next node, each once.
static void follow(Node ***after, size_t *count, Node *const *more, size_t added) {
  *after = realloc(*after, (*count + added) * sizeof(Node *));
  for (size_t i = 0; i < added; ++i) {
    size_t at = 0;
    while (at < *count && (*after)[at] != more[i])
      ++at;
    (*after)[at] = more[i];
    *count += at == *count;
  }
}

int captureNode(Stream *stream, Task task, int isKernel) {
  Node *node = malloc(sizeof(Node));
  *node = (Node){.task = task, .isKernel = isKernel, .isLate = stream->isLate};
  node->after = stream->after, node->count = stream->count;
  stream->after = NULL, stream->count = 0;
  follow(&stream->after, &stream->count, &node, 1);
  Graph *graph = stream->capture->graph;
  *graph->end = node;
  graph->end = &node->next;
  return 0;
}

void fakeCudaHold(Stream *stream, atomic_int *count) {
  if (!stream->capture)
    return;
  ++*count;
  stream->after[stream->count - 1]->held = count;
}

int captureRecord(Event *event, Stream *stream) {
  event->capture = stream->capture;
  event->count = 0;
  follow(&event->after, &event->count, stream->after, stream->count);
  return 0;
}

int captureWait(Stream *stream, Event *event) {
  if (!event->capture || (stream->capture && stream->capture != event->capture))
    return kIsolation; // of what a graph cannot hold
  if (event->capture->isOver)
    return kCapturedEvent;
  stream->capture = event->capture;
  follow(&stream->after, &stream->count, event->after, event->count);
  return 0;
}

int cuStreamBeginCapture_v2(Stream *stream, int mode) {
  if (!stream || mode != 1 || stream->capture)
    return 1;
  stream->capture = calloc(1, sizeof(Capture)); // events may name it as long as they like
  stream->capture->origin = stream;
  stream->capture->graph = calloc(1, sizeof(Graph));
  stream->capture->graph->end = &stream->capture->graph->first;
  stream->count = 0;
  return 0;
}

/// Marks what comes before others, and these.
static void markAll(Node *const *nodes, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!nodes[i]->isMarked) {
      nodes[i]->isMarked = 1;
      markAll(nodes[i]->after, nodes[i]->count);
    }
}

int cuStreamEndCapture(Stream *stream, Graph **graph) {
  Capture *capture = stream->capture;
  if (!capture || capture->origin != stream)
    return kUnmatched;
  int error = 0;
  markAll(stream->after, stream->count);
  for (const Node *node = capture->graph->first; node; node = node->next)
    if (!node->isMarked)
      error = kUnjoined; // some stream has gone on without this one
  capture->isOver = 1;
  leaveCapture(capture);
  *graph = error ? NULL : capture->graph;
  return error;
}

int cuStreamGetCaptureInfo_v2(Stream *stream, int *status, unsigned long long *id, Graph **graph, Node *const **after,
                              size_t *count) {
  *status = stream->capture != NULL;
  *id = 1;
  *graph = stream->capture ? stream->capture->graph : NULL;
  *after = stream->after;
  *count = stream->count;
  return 0;
}

// FAKE_CUDA_SAYS: every graph, with its size.
int cuGraphInstantiateWithFlags(Graph **instance, Graph *graph, unsigned long long flags) {
  int kernels = 0, others = 0;
  for (const Node *node = graph->first; node; node = node->next)
    ++*(node->isKernel ? &kernels : &others);
  if (getenv("FAKE_CUDA_SAYS"))
    fprintf(stderr, "graph of %d kernels%s\n", kernels, others ? " and others" : "");
  ++graph->instances;
  *instance = graph;
  return flags != 0;
}

static int freeGraph(Graph *graph) {
  for (Node *node = graph->first, *next; node; node = next) {
    next = node->next;
    if (node->held)
      --*node->held;
    free(node->task.argument);
    free(node->after);
    free(node);
  }
  int error = graph->instances != 0;
  free(graph);
  return error;
}

// A graph and its instance are one here, which goes with the graph, after the instance.
int cuGraphExecDestroy(Graph *instance) { return !instance || --instance->instances < 0; }
int cuGraphDestroy(Graph *graph) { return freeGraph(graph); }

/// As it is now; what is changed later is of later launches.
static Graph *copyOf(const Graph *graph) {
  Graph *copy = calloc(1, sizeof(Graph));
  copy->end = &copy->first;
  for (Node *node = graph->first; node; node = node->next) {
    Node *twin = node->twin = malloc(sizeof(Node));
    *twin = (Node){.isLate = node->isLate};
    twin->task = copyOfTask(node->task.work, node->task.argument, node->task.bytes);
    for (size_t i = 0; i < node->count; ++i)
      follow(&twin->after, &twin->count, &node->after[i]->twin, 1);
    *copy->end = twin;
    copy->end = &twin->next;
  }
  return copy;
}

/// The next node that may run: the first, of those that are not late where there is one.
static Node *nextNode(const Graph *graph) {
  Node *late = NULL;
  for (Node *node = graph->first; node; node = node->next) {
    int isReady = !node->isMarked;
    for (size_t i = 0; i < node->count; ++i)
      isReady &= node->after[i]->isMarked;
    if (isReady && !node->isLate)
      return node;
    if (isReady && !late)
      late = node;
  }
  return late;
}

/// Of a copy; its nodes that are done are marked.
static int runGraph(void *argument) {
  Graph *graph = *(Graph **)argument;
  for (Node *node; (node = graph->current ? graph->current : nextNode(graph));) {
    graph->current = node;
    if (!node->task.work(node->task.argument))
      return 0;
    node->isMarked = 1;
    graph->current = NULL;
  }
  freeGraph(graph);
  return 1;
}

int cuGraphLaunch(Graph *instance, Stream *stream) {
  Graph *copy = copyOf(instance);
  return fakeCudaEnqueue(stream, runGraph, &copy, sizeof(copy), 0);
}

typedef struct NodeParameters {
  const Module *function;
  unsigned blocks[3], threads[3], shared;
  void **parameters, **extra;
} NodeParameters;
int cuGraphExecKernelNodeSetParams(Graph *instance, Node *changed, const NodeParameters *now) {
  const Node *node = instance->first;
  while (node && node != changed)
    node = node->next;
  Launch *launch = node ? node->task.argument : NULL;
  if (!launch || now->function != launch->module || now->blocks[0] != launch->tasks || now->extra)
    return 1;
  for (int i = 0; i <= launch->module->operands; ++i)
    launch->parameters[i] = *(void **)now->parameters[i];
  return 0;
}
