# The LAPACK of the C++ tests and of the fuzzer: the OpenBLAS that PyPI's scipy-openblas32 brings,
# whose symbols have a prefix, or else the system's. Defines the target fastcca_test_lapack.
include_guard(GLOBAL)
set(FASTCCA_TEST_LAPACK_DIR
    ""
    CACHE PATH "Directory of libscipy_openblas; where empty, the active Python is asked")
set(lapack_dir "${FASTCCA_TEST_LAPACK_DIR}")
if(NOT lapack_dir)
  find_package(Python 3.11 COMPONENTS Interpreter)
  if(Python_Interpreter_FOUND)
    execute_process(
      COMMAND ${Python_EXECUTABLE} -c "import scipy_openblas32 as o; print(o.get_lib_dir())"
      OUTPUT_VARIABLE lapack_dir
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
unset(scipy_openblas CACHE)
if(lapack_dir)
  find_library(scipy_openblas scipy_openblas PATHS ${lapack_dir} NO_DEFAULT_PATH)
endif()
add_library(fastcca_test_lapack INTERFACE)
if(scipy_openblas)
  message(STATUS "LAPACK of the C++ tests: ${scipy_openblas}")
  target_link_libraries(fastcca_test_lapack INTERFACE ${scipy_openblas})
  target_compile_definitions(fastcca_test_lapack INTERFACE FASTCCA_TEST_LAPACK_PREFIX=scipy_)
else()
  message(STATUS "LAPACK of the C++ tests: the system's (scipy-openblas32 was not found)")
  find_package(LAPACK REQUIRED)
  target_link_libraries(fastcca_test_lapack INTERFACE LAPACK::LAPACK)
  target_compile_definitions(fastcca_test_lapack INTERFACE FASTCCA_TEST_LAPACK_PREFIX=)
endif()
