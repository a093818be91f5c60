// Ranks that mpirun starts exchange bytes over TCP, and over its own MPI by a shim that its mpicc compiles.
// REQUIRES: mpi
// DEFINE: %{mpirun} = env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 timeout 100 mpirun --oversubscribe
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --emit=exe -o %t.exe
// RUN: %t.exe comm --mpi-shim > %t.c && mpicc -Wall -Wextra -Werror -shared -fPIC -O2 -o %t.so %t.c
// RUN: env NANOCHAT_MPI=%t.so %{mpirun} -n 3 %t.exe comm --comm=mpi --bytes=1000003 | FileCheck %s
// CHECK: 3 ranks over MPI; every byte came as it was sent
// CHECK: broadcast 1000003
// RUN: %{mpirun} -n 2 %t.exe comm --comm=tcp --bytes=4096 | FileCheck %s --check-prefix=TCP
// TCP: 2 ranks over TCP; every byte came as it was sent
// RUN: env NANOCHAT_MPI=%t.none not %{mpirun} -n 2 %t.exe comm --comm=mpi 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: --comm=mpi needs the shim for this machine's MPI: {{.*}}.none: cannot open shared object file
// NONE: note: comm --mpi-shim > nanochat_mpi.c; mpicc -shared -fPIC -O2 -o libnanochat_mpi.so nanochat_mpi.c
