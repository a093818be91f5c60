# What `cmake --install` copies and `cpack -G DEB` packs. Installed programs find what they need
# relative to themselves, so the prefix may be moved.
set(share ${CMAKE_BINARY_DIR}/share)

# nanochat_generate(FILE SOURCE COMMAND...): FILE under share/ is what the command prints, and
# depends on SOURCE, a file or a target.
function(nanochat_generate file source)
  get_filename_component(folder ${share}/${file} DIRECTORY)
  add_custom_command(OUTPUT ${share}/${file}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND ${ARGN} > ${share}/${file}
    DEPENDS ${source}
    VERBATIM)
  set_property(GLOBAL APPEND PROPERTY NANOCHAT_GENERATED ${share}/${file})
endfunction()

# Completion and manuals come from the programs themselves.
nanochat_generate(bash-completion/completions/nanochat-opt nanochat-opt nanochat-opt completion bash)
nanochat_generate(zsh/vendor-completions/_nanochat-opt nanochat-opt nanochat-opt completion zsh)
nanochat_generate(fish/vendor_completions.d/nanochat-opt.fish nanochat-opt nanochat-opt completion fish)
nanochat_generate(man/man1/nanochat-opt.1.gz nanochat-opt sh -c "$<TARGET_FILE:nanochat-opt> man | gzip -9n")
foreach(tool nanochat-lsp-server nanochat-reduce)
  set(page ${PROJECT_SOURCE_DIR}/tools/${tool}/${tool}.1)
  nanochat_generate(man/man1/${tool}.1.gz ${page} gzip -9nc ${page})
endforeach()
set(changelog ${PROJECT_SOURCE_DIR}/packaging/changelog)
nanochat_generate(doc/nanochat/changelog.gz ${changelog} gzip -9nc ${changelog})
get_property(generated GLOBAL PROPERTY NANOCHAT_GENERATED)
add_custom_target(nanochat-share ALL DEPENDS ${generated})

install(TARGETS nanochat_runtime nanochat_emulator ARCHIVE DESTINATION lib/nanochat)
install(DIRECTORY ${share}/ DESTINATION share)
install(DIRECTORY models DESTINATION share/nanochat)
install(DIRECTORY configs DESTINATION share/nanochat OPTIONAL)
install(FILES README.md packaging/copyright DESTINATION share/doc/nanochat)
install(DIRECTORY docs DESTINATION share/doc/nanochat)
install(FILES packaging/lintian-overrides DESTINATION share/lintian/overrides RENAME nanochat)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_NAME nanochat)
set(CPACK_PACKAGE_CONTACT "nanochat maintainers <nanochat@users.noreply.github.com>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "compiler that trains looped language models with ternary weights")
set(CPACK_PACKAGE_DESCRIPTION "A model is a page of MLIR in the nanochat dialect: parameters, the forward
pass, the objective, the optimizer. The compiler differentiates it, plans its
memory, forms kernels for the machine at hand and links one executable that
trains, evaluates and generates.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The compiler calls c++ to link programs (lib/Driver/Link.cpp). dpkg-shlibdeps finds libLLVM through
# a link of llvm-22-dev, for which it knows no dependency.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "g++ | clang, libllvm${LLVM_VERSION_MAJOR}")
include(CPack)
