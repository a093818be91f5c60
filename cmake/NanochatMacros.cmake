# One precompiled header serves every compiler source; a library here is a list of sources.
# nanochat_library(Name Sources... [DEPENDS targets...] [LINK_LIBS libraries...])
function(nanochat_library name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC MLIR ${ARG_LINK_LIBS})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  target_precompile_headers(${name} REUSE_FROM NanochatPch)
endfunction()

# nanochat_passes(Stage): generates lib/<Stage>/Passes.h.inc and its reference page.
function(nanochat_passes stage)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name ${stage})
  add_public_tablegen_target(Nanochat${stage}PassesIncGen)
  add_mlir_doc(Passes ${stage}Passes / -gen-pass-doc)
endfunction()
