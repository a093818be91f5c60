# `docs-reference` writes reference/ops.md and reference/passes.md in the build folder from the
# .td files. The copies in docs/ are committed; a test compares them.
get_property(stages GLOBAL PROPERTY NANOCHAT_PASS_STAGES)
list(SORT stages)
set(pass_pages "")
foreach(stage ${stages})
  list(APPEND pass_pages ${CMAKE_BINARY_DIR}/docs/${stage}Passes.md)
endforeach()

set(reference ${CMAKE_BINARY_DIR}/reference)
add_custom_command(OUTPUT ${reference}/ops.md ${reference}/passes.md
  COMMAND ${CMAKE_COMMAND} -DOPS=${CMAKE_BINARY_DIR}/docs/Ops.md "-DPASSES=${pass_pages}"
    -DOUT=${reference} -P ${CMAKE_CURRENT_LIST_DIR}/WriteReference.cmake
  DEPENDS ${CMAKE_BINARY_DIR}/docs/Ops.md ${pass_pages} ${CMAKE_CURRENT_LIST_DIR}/WriteReference.cmake
  VERBATIM)
# Part of every build, because a test compares the result.
add_custom_target(docs-reference ALL DEPENDS ${reference}/ops.md ${reference}/passes.md)
add_dependencies(docs-reference mlir-doc)
