// The stand-in for NVIDIA's driver keeps the rules of streams, events and captures that programs rely on: each error
// here is one that the driver gives.
//
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>

extern "C" {
struct Stream;
struct Event;
struct Graph;
int cuStreamCreate(Stream **, unsigned);
int cuStreamQuery(Stream *);
int cuStreamSynchronize(Stream *);
int cuStreamWaitEvent(Stream *, Event *, unsigned);
int cuStreamBeginCapture_v2(Stream *, int);
int cuStreamEndCapture(Stream *, Graph **);
int cuEventCreate(Event **, unsigned);
int cuEventRecord(Event *, Stream *);
int cuEventQuery(Event *);
int cuEventSynchronize(Event *);
int cuGraphInstantiateWithFlags(Graph **, Graph *, unsigned long long);
int cuGraphLaunch(Graph *, Stream *);
int cuGraphExecDestroy(Graph *);
int cuGraphDestroy(Graph *);
int cuMemAlloc_v2(uint64_t *, size_t);
int cuMemHostAlloc(void **, size_t, unsigned);
int cuMemsetD8Async(uint64_t, unsigned char, size_t, Stream *);
int cuMemcpyDtoDAsync_v2(uint64_t, uint64_t, size_t, Stream *);
int cuMemcpyHtoDAsync_v2(uint64_t, const void *, size_t, Stream *);
int cuMemcpyDtoHAsync_v2(void *, uint64_t, size_t, Stream *);
int cuMemcpyDtoH_v2(void *, uint64_t, size_t);
}

namespace {

/// A late stream and one that is not, two bytes of the device and an event.
class FakeCuda : public testing::Test {
protected:
  void SetUp() override {
    static int made = 0;
    setenv("FAKE_CUDA_LATE", std::string(1, char('0' + made)).c_str(), 1);
    made += 2;
    ASSERT_EQ(cuStreamCreate(&late, 1) + cuStreamCreate(&soon, 1) + cuEventCreate(&event, 2), 0);
    for (uint64_t *byte : {&first, &second}) {
      ASSERT_EQ(cuMemAlloc_v2(byte, 1) + cuMemsetD8Async(*byte, 0, 1, soon), 0);
    }
  }
  /// As copies see it that wait for no stream.
  int at(uint64_t byte) {
    unsigned char value = 0;
    EXPECT_EQ(cuMemcpyDtoH_v2(&value, byte, 1), 0);
    return value;
  }
  void begin() { ASSERT_EQ(cuStreamBeginCapture_v2(late, 1), 0); }
  int end() { return cuStreamEndCapture(late, &graph); }

  Stream *late = nullptr, *soon = nullptr;
  Event *event = nullptr;
  Graph *graph = nullptr;
  uint64_t first = 0, second = 0;
};

} // namespace

TEST_F(FakeCuda, has_streams_that_do_nothing_before_they_are_waited_for) {
  cuMemsetD8Async(first, 1, 1, soon);
  EXPECT_EQ(at(first), 1);
  cuMemsetD8Async(first, 2, 1, late);
  EXPECT_EQ(at(first), 1);
  EXPECT_EQ(cuStreamQuery(late), 0);
  EXPECT_EQ(at(first), 2);
}

TEST_F(FakeCuda, shows_a_wait_that_is_missing) {
  cuMemsetD8Async(first, 1, 1, late);
  cuMemcpyDtoDAsync_v2(second, first, 1, soon);
  EXPECT_EQ(at(second), 0);
  EXPECT_EQ(cuEventRecord(event, late), 0);
  EXPECT_EQ(cuStreamWaitEvent(soon, event, 0), 0);
  cuMemcpyDtoDAsync_v2(second, first, 1, soon);
  EXPECT_EQ(at(second), 0);
  EXPECT_EQ(cuStreamSynchronize(soon), 0);
  EXPECT_EQ(at(second), 1);
  EXPECT_EQ(cuEventQuery(event), 0);
}

TEST_F(FakeCuda, goes_no_further_than_the_event_that_is_waited_for) {
  cuMemsetD8Async(first, 1, 1, late);
  cuEventRecord(event, late);
  cuMemsetD8Async(first, 2, 1, late);
  EXPECT_EQ(cuEventSynchronize(event), 0);
  EXPECT_EQ(at(first), 1);
  // What is recorded later is of later waits.
  cuStreamWaitEvent(soon, event, 0);
  cuEventRecord(event, late);
  cuMemsetD8Async(second, 3, 1, soon);
  EXPECT_EQ(at(second), 3);
  EXPECT_EQ(at(first), 1);
}

TEST_F(FakeCuda, reads_pinned_memory_when_it_copies_and_other_memory_at_once) {
  void *pinned = nullptr;
  unsigned char own = 1;
  ASSERT_EQ(cuMemHostAlloc(&pinned, 1, 0), 0);
  memset(pinned, 1, 1);
  cuMemcpyHtoDAsync_v2(first, pinned, 1, late);
  cuMemcpyHtoDAsync_v2(second, &own, 1, late);
  memset(pinned, 2, 1);
  own = 2;
  EXPECT_EQ(cuStreamSynchronize(late), 0);
  EXPECT_EQ(at(first), 2);
  EXPECT_EQ(at(second), 1);
  cuMemcpyDtoHAsync_v2(pinned, second, 1, late);
  EXPECT_EQ(*static_cast<unsigned char *>(pinned), 2);
  cuMemcpyDtoHAsync_v2(&own, second, 1, late); // returns when it has
  EXPECT_EQ(own, 1);
  EXPECT_EQ(*static_cast<unsigned char *>(pinned), 1);
}

TEST_F(FakeCuda, captures_what_forks_and_joins) {
  begin();
  cuMemsetD8Async(first, 7, 1, late);
  EXPECT_EQ(cuEventRecord(event, late) + cuStreamWaitEvent(soon, event, 0), 0);
  cuMemcpyDtoDAsync_v2(second, first, 1, soon);
  EXPECT_EQ(cuEventRecord(event, soon) + cuStreamWaitEvent(late, event, 0), 0);
  cuMemsetD8Async(first, 8, 1, late);
  ASSERT_EQ(end(), 0);
  EXPECT_EQ(at(first) + at(second), 0);
  Graph *instance = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&instance, graph, 0), 0);
  for (int time : {1, 2}) {
    cuMemsetD8Async(second, 0, 1, late);
    EXPECT_EQ(cuGraphLaunch(instance, late) + cuStreamSynchronize(late), 0) << time;
    EXPECT_EQ(at(first), 8);
    EXPECT_EQ(at(second), 7);
  }
  EXPECT_EQ(cuGraphExecDestroy(instance) + cuGraphDestroy(graph), 0);
}

TEST_F(FakeCuda, refuses_what_no_graph_can_hold) {
  Event *other = nullptr;
  cuEventCreate(&other, 2);
  cuEventRecord(other, soon);
  begin();
  cuMemsetD8Async(first, 1, 1, late);
  EXPECT_EQ(cuStreamSynchronize(late), 900);         // nothing is done
  EXPECT_EQ(cuStreamWaitEvent(late, other, 0), 905); // of what is not captured
  EXPECT_EQ(cuStreamEndCapture(soon, &graph), 903);
  cuEventRecord(event, late);
  EXPECT_EQ(cuEventQuery(event), 907);
  cuStreamWaitEvent(soon, event, 0);
  cuMemsetD8Async(second, 1, 1, soon);
  EXPECT_EQ(end(), 904); // the other stream went on
  EXPECT_EQ(cuStreamWaitEvent(soon, event, 0), 907);
  EXPECT_EQ(cuStreamSynchronize(late) + cuStreamSynchronize(soon), 0);
  EXPECT_EQ(at(first) + at(second), 0);
}
