// What a person or a batch system asks of a running program by signals.
//
#pragma once

namespace nc {

/// From now on SIGINT, SIGTERM, SIGHUP (unless it is ignored, as nohup has it) and SIGXCPU ask for a
/// stop, and another, half a second later or more, ends the process as usual; SIGUSR1 asks for a checkpoint, and so
/// does the end of whoever reads the standard output (SIGPIPE), which ends nothing.
void listenForSignals();

/// Whether somebody read the standard output and does no more.
bool isReaderLost();

bool isStopRequested();
/// Whether a checkpoint was asked for since the last call.
bool takeSaveRequest();

} // namespace nc
