#include "lib/Driver/Link.h"
#include "lib/Driver/TemporaryFile.h"
#include "runtime/files/Errors.h"
#include "runtime/files/Files.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"

using namespace mlir;
using namespace mlir::nanochat;

/// Objects as an archive, which the linker takes whole.
static std::unique_ptr<llvm::MemoryBuffer> archive(const ObjectSet &objects) {
  std::vector<llvm::NewArchiveMember> members;
  for (auto &[name, object] : objects) {
    members.emplace_back(object->getMemBufferRef());
    members.back().MemberName = name;
  }
  return llvm::cantFail(llvm::writeArchiveToBuffer(members, llvm::SymtabWritingMode::NormalSymtab,
                                                   llvm::object::Archive::K_GNU,
                                                   /*Deterministic=*/true, /*Thin=*/false));
}

/// Runs the linker, whose words go to standard error, to write `program`.
static bool runLinker(StringRef linker, StringRef objects, StringRef runtime, StringRef program) {
  llvm::SmallString<128> emulator(llvm::sys::path::parent_path(runtime));
  llvm::sys::path::append(emulator, "libnanochat_emulator.a"); // of which only emulated kernels need anything
  SmallVector<StringRef> args{
      linker, "-Wl,--whole-archive", objects, "-Wl,--no-whole-archive", runtime, emulator, "-o", program, "-pthread",
      "-lm",  "-Wl,--gc-sections"};
  // The C++ library goes along, so that the program runs where another version of it is installed, or none.
  args.append({"-static-libstdc++", "-static-libgcc"});
#ifdef NANOCHAT_LINK_OPTION
  args.push_back(NANOCHAT_LINK_OPTION);
#endif
  return llvm::sys::ExecuteAndWait(linker, args) == 0;
}

void mlir::nanochat::linkProgram(const ObjectSet &objects, const CompileOptions &options) {
  if (!llvm::sys::fs::exists(options.runtime))
    nc::failRun("the runtime library " + options.runtime + " is missing",
                "build all targets, or use --emit=obj and link by hand");
  auto linker = llvm::sys::findProgramByName("c++");
  if (!linker)
    nc::failRun("no C++ compiler driver (c++) to link with", "apt-get install g++, or use --emit=obj");
  TemporaryFile all("a", archive(objects)->getBuffer());
  nc::AtomicFile output(options.output);
  // The linker replaces a file that is there, so that the program has the permissions of a new one.
  std::optional<TemporaryFile> copied;
  StringRef program = output.isDirect() ? copied.emplace("out").path() : StringRef(output.aside());
  llvm::sys::RemoveFileOnSignal(program);
  if (!runLinker(*linker, all.path(), options.runtime, program))
    nc::failRun("linking " + options.output + " failed",
                "the linker says why above; it writes where -o does and to TMPDIR");
  if (copied)
    output.write(nc::FileContent(program.str()).bytes());
  output.commit();
  llvm::sys::DontRemoveFileOnSignal(program);
}
