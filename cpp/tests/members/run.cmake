# A loss struct with a member that its engine does not know does not compile, and the message says which. Each case is a line of
# cases.txt: a name, what is put into the struct, and what the compiler has to say.
file(STRINGS ${SOURCES}/cases.txt cases)
set(compile ${CXX} -std=c++20 ${FLAGS} -I${WORK} -I${INCLUDE})
file(COPY ${SOURCES}/headers.hpp DESTINATION ${WORK})
execute_process(COMMAND ${compile} -x c++-header ${WORK}/headers.hpp -o ${WORK}/headers.hpp.gch COMMAND_ERROR_IS_FATAL ANY)
set(failed "")
foreach(case IN LISTS cases)
  string(REPLACE " | " ";" parts "${case}")
  list(GET parts 0 name)
  list(GET parts 1 macro)
  list(GET parts 2 text)
  list(GET parts 3 words)
  string(REPLACE "<semicolon>" ";" text "${text}")
  execute_process(
    COMMAND ${compile} -fsyntax-only "-D${macro}=${text}" ${SOURCES}/loss.cpp
    RESULT_VARIABLE result
    ERROR_VARIABLE errors
  )
  if(words STREQUAL "compiles")
    if(NOT result EQUAL 0)
      string(APPEND failed "${name} does not compile: ${errors}\n")
    endif()
  elseif(result EQUAL 0)
    string(APPEND failed "${name} compiles\n")
  elseif(NOT errors MATCHES "${words}")
    string(APPEND failed "${name}: the compiler does not say '${words}': ${errors}\n")
  endif()
endforeach()
if(failed)
  message(FATAL_ERROR "${failed}")
endif()
