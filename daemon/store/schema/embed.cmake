# cmake -D OUT=<header> -P embed.cmake: every NNNN.sql beside this file, in
# order, as an array of texts that end with a NUL.

file(GLOB steps ${CMAKE_CURRENT_LIST_DIR}/[0-9][0-9][0-9][0-9].sql)
list(SORT steps)
list(LENGTH steps version)

set(arrays "")
set(names "")
set(expected 0)
foreach(step ${steps})
  get_filename_component(name ${step} NAME_WE)
  math(EXPR expected "${expected} + 1")
  math(EXPR number "1${name} - 10000")
  if(NOT number EQUAL expected)
    message(FATAL_ERROR "${step}: number ${expected} is expected")
  endif()
  file(READ ${step} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n"
    bytes "${bytes}")
  string(APPEND arrays "static const char schema_${name}[] = {\n${bytes}0};\n")
  string(APPEND names "    schema_${name},\n")
endforeach()

file(WRITE ${OUT} "/* Made by embed.cmake.  Element i leads from schema i to \
i + 1. */\n#define SCHEMA_VERSION ${version}\n${arrays}\
static const char *const schema_steps[] = {\n${names}};\n")
