# The engine as one library, tern::tern, for programs outside of the tree (and examples/), and what is installed:
#
#   include/tern/     the headers as they lie here: #include "engine/ops/softmax.h"
#   lib/libtern.a     all layers but the apps, with the ops and the device of this build
#   lib/cmake/tern/   find_package(tern), then target_link_libraries(app PRIVATE tern::tern)
#   bin/tern          the program; share/man/man1/tern.1 and share/bash-completion/completions/tern, which it writes itself
#   bin/tern-profile  and lib/tern-profile, the emulator that it compiles CUDA programs for
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# One archive, since ops and engine use each other and a linker looks for a symbol once in each.
set(layers tern_core tern_engine tern_io tern_event_proto tern_data tern_models ${TERN_DEVICE})
if(TERN_HAS_CUDA)
  list(APPEND layers tern_ops_of_kernels tern_kernels)
else()
  list(APPEND layers tern_ops_of_cpu)
endif()
list(TRANSFORM layers REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
add_library(tern_library STATIC ${objects})
add_library(tern::tern ALIAS tern_library)
set_target_properties(tern_library PROPERTIES OUTPUT_NAME tern EXPORT_NAME tern LINKER_LANGUAGE CXX)
target_compile_features(tern_library INTERFACE cxx_std_20)
target_include_directories(tern_library INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/tern>)
# What its headers include, and what it only links.
target_link_libraries(tern_library
  PUBLIC OpenMP::OpenMP_CXX Eigen3::Eigen nlohmann_json::nlohmann_json
  PRIVATE fmt::fmt DNNL::dnnl PkgConfig::LIBZIP PkgConfig::UTF8PROC JPEG::JPEG protobuf::libprotobuf)
set(TERN_HAS_KERNELS 0)
if(TERN_HAS_CUDA)
  set(TERN_HAS_KERNELS 1)
  target_link_libraries(tern_library PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
endif()
# For an op outside of the tree, which includes engine/backend/dispatch.h.
target_compile_definitions(tern_library INTERFACE TERN_HAS_KERNELS=${TERN_HAS_KERNELS})
target_compile_definitions(tern_library INTERFACE EIGEN_MAX_ALIGN_BYTES=64)  # as tern_options
if(TERN_SANITIZE)
  target_compile_options(tern_library INTERFACE -fsanitize=${TERN_SANITIZE})
  target_link_options(tern_library INTERFACE -fsanitize=${TERN_SANITIZE})
endif()

# The emulator is for tests; headers that need CUDA's are of use with a CUDA build alone; MPI is the program's, not the engine's.
set(not_installed PATTERN emulator EXCLUDE PATTERN no_cuda EXCLUDE PATTERN mpi EXCLUDE PATTERN no_mpi EXCLUDE
                  PATTERN world.h EXCLUDE)
if(NOT TERN_HAS_CUDA)
  list(APPEND not_installed PATTERN cuda EXCLUDE)
endif()
install(DIRECTORY engine kernels data models DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tern COMPONENT development
        FILES_MATCHING PATTERN *.h ${not_installed})

install(TARGETS tern tern-profile RUNTIME COMPONENT runtime)
set(help_pages ${PROJECT_BINARY_DIR}/generated/help_pages)
add_custom_command(OUTPUT ${help_pages}/tern.1 ${help_pages}/tern.bash
  COMMAND tern help-pages --out ${help_pages} DEPENDS tern COMMENT "Write the manual page" VERBATIM)
add_custom_target(tern_help_pages ALL DEPENDS ${help_pages}/tern.1 ${help_pages}/tern.bash)
install(FILES ${help_pages}/tern.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT runtime)
install(FILES ${help_pages}/tern.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME tern
        COMPONENT runtime)
install(TARGETS tern_library EXPORT tern-targets ARCHIVE COMPONENT development)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tern)
install(EXPORT tern-targets NAMESPACE tern:: DESTINATION ${package} COMPONENT development)
configure_package_config_file(cmake/tern-config.cmake.in ${PROJECT_BINARY_DIR}/tern-config.cmake
                              INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tern-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tern-config.cmake ${PROJECT_BINARY_DIR}/tern-config-version.cmake
              cmake/FindDNNL.cmake
        DESTINATION ${package} COMPONENT development)
