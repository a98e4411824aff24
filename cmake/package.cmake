# Debian packages of what is installed, by `cpack` (scripts/package.sh): tern, and libtern-dev for programs that use the engine.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tern)
set(CPACK_PACKAGE_VENDOR "tern")
set(CPACK_PACKAGE_CONTACT "the authors of tern <tern@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "image classifiers for two levels of classes, some never seen")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL runtime development)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME tern)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)  # the libraries that this system's packages hold
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SUGGESTS "g++")  # tern-profile compiles with it
if(TERN_HAS_MPI)
  set(CPACK_DEBIAN_RUNTIME_PACKAGE_RECOMMENDS openmpi-bin)  # the mpirun of the library that shlibdeps finds
endif()
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "Trains, measures and uses image classifiers; runs CUDA programs on an emulated GPU.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libtern-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
# As scripts/setup.sh installs them: what tern-config.cmake looks for.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libdnnl-dev, libeigen3-dev, libfmt-dev, libjpeg-dev, libprotobuf-dev, libutf8proc-dev, libzip-dev, nlohmann-json3-dev, pkg-config")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers, libtern.a and a package for CMake: tern's engine for other programs.")
include(CPack)
