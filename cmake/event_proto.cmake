# TensorBoard's messages, generated from engine/io/event.proto: sources include <engine/io/event.pb.h>. A target of its
# own, since generated code passes none of tern's warnings. It would do with libprotobuf-lite, but ONNX's messages (onnx.cmake)
# take all of libprotobuf, and a program that loads both has two of everything.
find_package(Protobuf REQUIRED)
set(generated ${PROJECT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
add_custom_command(
  OUTPUT ${generated}/engine/io/event.pb.cc ${generated}/engine/io/event.pb.h
  COMMAND protobuf::protoc --cpp_out=${generated} -I${PROJECT_SOURCE_DIR} engine/io/event.proto
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  DEPENDS ${PROJECT_SOURCE_DIR}/engine/io/event.proto)
add_library(tern_event_proto STATIC ${generated}/engine/io/event.pb.cc)
target_include_directories(tern_event_proto SYSTEM PUBLIC ${generated})
target_link_libraries(tern_event_proto PUBLIC protobuf::libprotobuf)
