// Ranks on GPUs, a compiled program: kernels of an NVIDIA row that are emulated, on the driver and the NCCL that stand in for NVIDIA's. Bits,
// log and bytes are those of the same program on processors, whichever stream is late.
// REQUIRES: unsanitized
// DEFINE: %{train} = train --copy-task --seed 1 --steps 3 --eval-every 0 --ranks=2 --count-bytes
// DEFINE: %{gpus} = env LD_LIBRARY_PATH=%build/test/runtime/fake-cuda NANOCHAT_NCCL=%build/test/runtime/fake-nccl/libnccl.so.2 FAKE_CUDA_DEVICES=2
// RUN: nanochat-opt %models/copy-tiny.mlir --target=sm_90 --emulate --ranks=2 --shard=states --set batch=2,seq=33,layers=1,n_loops=2 --emit=obj -o %t.o
// RUN: objcopy --redefine-sym nc_programs=nc_emulated_programs --redefine-sym nc_dispatch=nc_emulated_dispatch %t.o %t.gpu.o
// RUN: cc -O2 -Wall -Wextra -Werror -I%source -c %source/test/runtime/fake/DeviceTwin.c -o %t.twin.o
// RUN: c++ %t.o %build/runtime/libnanochat_runtime.a %build/runtime/libnanochat_emulator.a -o %t.exe
// RUN: c++ %t.gpu.o %t.twin.o %build/runtime/libnanochat_runtime.a %build/runtime/libnanochat_emulator.a -o %t.gpu
// RUN: %t.exe %{train} --save %t.saved > %t.log
// RUN: grep '^bytes sent per step: [1-9]' %t.log > %t.bytes
// RUN: %{gpus} FAKE_CUDA_SAYS=1 %t.gpu %{train} --save %t.early > %t.early.log 2>&1
// RUN: FileCheck %s < %t.early.log && grep '^bytes sent' %t.early.log | diff - %t.bytes && cmp %t.saved %t.early
// RUN: %{gpus} FAKE_CUDA_LATE=0 %t.gpu %{train} --save %t.late && cmp %t.saved %t.late
// RUN: %{gpus} FAKE_CUDA_LATE=1 %t.gpu %{train} --save %t.late && cmp %t.saved %t.late
// CHECK: Fake GPU on each of 2 ranks over NCCL 2.23.4,
// CHECK: graph of {{[0-9]+}} kernels and others
