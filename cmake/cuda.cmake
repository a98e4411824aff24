# TERN_CUDA -> TERN_HAS_CUDA, with the language enabled, its headers found and the architectures chosen.
# Of cuDNN and cuBLAS a build needs the headers alone: the program looks for the libraries when it first uses a GPU.
#   AUTO  where this machine has both nvcc and a GPU     ON  wherever nvcc is, else an error     OFF  not at all
set(TERN_HAS_CUDA OFF)
string(TOUPPER "${TERN_CUDA}" TERN_CUDA)
if(NOT TERN_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR "TERN_CUDA: wanted AUTO, ON or OFF, got '${TERN_CUDA}'")
endif()
if(TERN_CUDA STREQUAL OFF)
  return()
endif()

# "9.0", a line for each GPU.
execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader
                OUTPUT_VARIABLE capabilities RESULT_VARIABLE no_gpu ERROR_QUIET)
if(TERN_CUDA STREQUAL AUTO AND NOT no_gpu EQUAL 0)
  message(STATUS "CUDA: no GPU on this machine; building for the CPU alone (-DTERN_CUDA=ON builds for one)")
  return()
endif()

include(CheckLanguage)
find_program(TERN_NVCC nvcc HINTS /usr/local/cuda/bin)
if(TERN_NVCC AND NOT CMAKE_CUDA_COMPILER)
  set(CMAKE_CUDA_COMPILER ${TERN_NVCC})
endif()
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(TERN_CUDA STREQUAL ON)
    message(FATAL_ERROR "TERN_CUDA=ON: wanted nvcc on the PATH or in /usr/local/cuda/bin, found none")
  endif()
  message(STATUS "CUDA: no nvcc; building for the CPU alone")
  return()
endif()

# Headers where the toolkit, the system or a Python package has them, first those of the python3 that is started here.
execute_process(COMMAND python3 -c "import sysconfig; print(sysconfig.get_path('purelib'))"
                OUTPUT_VARIABLE python_packages OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(GLOB python_folders /usr/lib/python3*/*-packages/nvidia /usr/local/lib/python3*/*-packages/nvidia
                         $ENV{HOME}/.local/lib/python3*/site-packages/nvidia
                         $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia
                         $ENV{CONDA_PREFIX}/lib/python3*/site-packages/nvidia)
list(PREPEND python_folders ${python_packages}/nvidia)
get_filename_component(toolkit ${CMAKE_CUDA_COMPILER} DIRECTORY)
find_path(CUDNN_INCLUDE_DIR cudnn_graph.h HINTS ${toolkit}/../include ${python_folders} PATH_SUFFIXES cudnn/include)
find_path(CUBLAS_INCLUDE_DIR cublas_v2.h HINTS ${toolkit}/../include ${python_folders}
          PATH_SUFFIXES cu13/include cublas/include)
set(cudnn_version 0)
if(CUDNN_INCLUDE_DIR)
  file(STRINGS ${CUDNN_INCLUDE_DIR}/cudnn_version.h cudnn_version REGEX "define CUDNN_(MAJOR|MINOR) ")
  string(REGEX REPLACE ".*MAJOR ([0-9]+).*MINOR ([0-9]+).*" "\\1.\\2" cudnn_version "${cudnn_version}")
endif()
if(cudnn_version VERSION_LESS 9.8 OR NOT CUBLAS_INCLUDE_DIR)
  set(problem "wanted the headers of cuDNN 9.8 or later and of cuBLAS (CUDNN_INCLUDE_DIR, CUBLAS_INCLUDE_DIR), got "
              "${CUDNN_INCLUDE_DIR} (version ${cudnn_version}) and ${CUBLAS_INCLUDE_DIR}")
  if(TERN_CUDA STREQUAL ON)
    message(FATAL_ERROR "TERN_CUDA=ON: " ${problem})
  endif()
  message(STATUS "CUDA: " ${problem} "; building for the CPU alone")
  return()
endif()

# This machine's GPUs, or where there is none the two most common kinds of data-centre GPU.
if(NOT CMAKE_CUDA_ARCHITECTURES)
  string(REGEX MATCHALL "[0-9]+\\.[0-9]+" capabilities "${capabilities}")
  if(no_gpu EQUAL 0 AND capabilities)
    list(REMOVE_DUPLICATES capabilities)
    string(REGEX REPLACE "([0-9]+)\\.([0-9]+)" "\\1\\2-real" CMAKE_CUDA_ARCHITECTURES "${capabilities}")
  else()
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90)
  endif()
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.3)  # the first with cudaFuncGetName
  message(FATAL_ERROR "CUDA: wanted version 12.3 or later, got ${CMAKE_CUDA_COMPILER_VERSION}; "
                      "-DTERN_CUDA=OFF does without")
endif()
find_package(CUDAToolkit REQUIRED)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake before 3.26 does not know that nvcc has C++20
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_EXTENSIONS OFF)
if(CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()
set(cuda_warnings -Xcompiler=-Wall,-Wextra)
if(TERN_WERROR)
  list(APPEND cuda_warnings --Werror=all-warnings -Xcompiler=-Werror)
endif()
set(TERN_CUDA_WARNINGS "$<$<COMPILE_LANGUAGE:CUDA>:${cuda_warnings}>")  # options of a target with .cu files
set(TERN_HAS_CUDA ON)
message(STATUS "CUDA: ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}, cuDNN ${cudnn_version}")

# The device beside the CPU in a build with CUDA: an object library, as tern_no_cuda is.
function(tern_cuda_device name)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/engine/device/cuda/*.c*
                                      ${PROJECT_SOURCE_DIR}/engine/backend/cuda/*.cpp)
  tern_device(${name} tern_ops_of_kernels ${sources})
  target_link_libraries(${name} PUBLIC tern_kernels CUDA::cudart_static ${CMAKE_DL_LIBS})
  target_include_directories(${name} SYSTEM PUBLIC ${CUDNN_INCLUDE_DIR} ${CUBLAS_INCLUDE_DIR})
  target_compile_definitions(${name} PRIVATE TERN_CUDA_LIBRARIES="${CUDAToolkit_LIBRARY_DIR}"
                                                     TERN_CUDNN_LIBRARIES="${CUDNN_INCLUDE_DIR}/../lib")
  target_compile_options(${name} PRIVATE "${TERN_CUDA_WARNINGS}")
endfunction()
