// What a person or a batch system asks of a running program by signals.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NANOCHAT_RUNTIME_SIGNALS_H
#define NANOCHAT_RUNTIME_SIGNALS_H

namespace nc {

/// From now on SIGINT and SIGTERM ask for a stop, and a second one ends the process as usual;
/// SIGUSR1 asks for a checkpoint.
void listenForSignals();

bool isStopRequested();
/// Whether a checkpoint was asked for since the last call.
bool takeSaveRequest();

} // namespace nc
#endif // NANOCHAT_RUNTIME_SIGNALS_H
