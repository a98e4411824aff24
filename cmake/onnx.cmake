# ONNX's messages, of Debian's libonnx-dev: sources include <onnx/onnx_pb.h>. Its targets are ONNX::onnx and
# ONNX::onnx_proto since onnx 1.13, onnx and onnx_proto before.
find_package(ONNX REQUIRED)
foreach(name onnx onnx_proto)
  if(NOT TARGET ONNX::${name})
    add_library(ONNX::${name} ALIAS ${name})
  endif()
endforeach()
