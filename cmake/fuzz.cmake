# TERN_FUZZ: tern's libraries with what libFuzzer looks at, ASan and UBSan, and Clang's coverage of source lines. In a folder of
# its own; scripts/fuzz.sh makes one.
if(NOT TERN_FUZZ)
  return()
endif()
if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
  message(FATAL_ERROR "TERN_FUZZ: wanted Clang, whose libFuzzer runs the fuzzers (-DCMAKE_CXX_COMPILER=clang++-16, of "
                      "Debian's packages clang-16, libclang-rt-16-dev and libomp-16-dev), got ${CMAKE_CXX_COMPILER_ID}")
endif()
if(TERN_SANITIZE)
  message(FATAL_ERROR "TERN_FUZZ: wanted no TERN_SANITIZE beside it, got ${TERN_SANITIZE}: a fuzzer has ASan and UBSan")
endif()
foreach(others TERN_TESTS TERN_BENCHMARKS TERN_EXAMPLES)
  set(${others} OFF)
endforeach()
set(TERN_SANITIZE fuzzer-no-link,address,undefined)
# What is undefined ends the program, as what ASan finds does; a NaN that becomes an integer is undefined.
target_compile_options(tern_options INTERFACE -fno-sanitize-recover=all -fprofile-instr-generate -fcoverage-mapping)
target_link_options(tern_options INTERFACE -fprofile-instr-generate)
