// Kernels for NVIDIA GPUs, run on the CPU: the instructions that the compiler's pass
// nanochat-emulate leaves as calls. A block is a group of fibers, one per thread, on the calling
// thread.
//
// What an instruction promises to do later is done as late as it may be: a copy to shared memory
// happens when its thread waits for it, so that a missing wait is seen in the result. Shared memory
// starts as NaN. A block in which no thread can go on is an error that says what each waits for.
// Not modelled: time, and threads that see each other's writes late in spite of a barrier.
//
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One thread of a block.
typedef void (*nc_emulated_thread)(void *const *buffers, int64_t task, void *scratch, void *shared);

/// Runs all `threads` of the block of `task`, with `shared_bytes` of shared memory.
void nc_emulate(nc_emulated_thread body, void *const *buffers, int64_t task, void *scratch, int64_t threads,
                int64_t shared_bytes);

/// In which order threads that can go on do so: rising where 0, else falling. A warp goes on until
/// all its threads wait for others, so that what lacks a barrier between warps depends on it. In
/// rising order copies to shared memory are made as late as may be, in falling order at once.
extern int nc_emulate_falling;
/// Blocks that could not go on. Where `nc_emulate_keeps_going` is set, such a block is given up and
/// counted; else the program ends with a message (exit 1).
extern int nc_emulate_failures, nc_emulate_keeps_going;

// Special registers (PTX ISA 10): %tid.x.
int32_t nc_emu_tid(void);

/// bar.sync 0 (PTX ISA 9.7.13.1): all threads of the block.
void nc_emu_barrier(void);
/// bar.warp.sync (9.7.13.2): the threads of `mask`.
void nc_emu_warp_sync(uint32_t mask);
/// shfl.sync.bfly (9.7.9.6): the value of the thread whose lane differs by `lanes` (exclusive or).
void nc_emu_shfl_bfly(const uint32_t *in, uint32_t *out, uint32_t mask, uint32_t lanes);
/// shfl.sync.idx: the value of lane `lane`.
void nc_emu_shfl_idx(const uint32_t *in, uint32_t *out, uint32_t mask, uint32_t lane);

/// cp.async.cg.shared.global (9.7.9.25.3.1): `size` bytes, of which those from `from_global` on are
/// zeros.
void nc_emu_cp_async(void *shared, const void *global, int32_t size, int32_t from_global);
/// cp.async.commit_group and cp.async.wait_group: until at most `groups` are under way.
void nc_emu_cp_async_commit(void);
void nc_emu_cp_async_wait(int32_t groups);

/// ldmatrix.sync.aligned.m8n8.x1, x2, x4 [.trans] (9.7.14.5.15): lanes 8·i.. hold the rows of the
/// i-th matrix.
void nc_emu_ldmatrix(const void *row, uint32_t *out, int32_t matrices, int32_t transposed);

/// mma.sync.aligned.m16n8.row.col (9.7.14.5) of factors of `dtype` (nc_dtype), 32 bytes of k each; `in`: fragments of
/// a (4 words), b (2), c (4); `out`: of d (4). f32 are tf32: 13 low bits are ignored. Sums of floats are f32, rounded
/// once, which the ISA leaves open; those of integers s32 that wrap around.
void nc_emu_mma(const uint32_t *in, uint32_t *out, int32_t dtype);

/// mma.sync.aligned.m16n8k64.row.col with block_scale (9.7.14.3) of factors e2m1, 32 bytes of k each: kind mxf4 with
/// scales e8m0 of blocks of 32, or mxf4nvf4 with e4m3 of 16. `in`: fragments of a (4 words), b (2), c (4), then scales
/// of a, the number of their first byte and of the threads that have them, and the same of b; `out`: of d (4). Sums as
/// above.
void nc_emu_mma_block_scale(const uint32_t *in, uint32_t *out, int32_t block);

/// ex2.approx.ftz.f32 (9.7.3.21), as the exact function rounded once.
float nc_emu_exp2(float x);

#ifdef __cplusplus
}
namespace nc {
/// The functions above by name, for code that is linked at run time.
struct EmulatorSymbol {
  const char *name;
  void *address;
};
extern const EmulatorSymbol kEmulatorSymbols[];
extern const int kEmulatorSymbolCount;
} // namespace nc
#endif
