# Finds CUDA 13 with cuBLAS, cuSOLVER and cuFFT, enables the language, and defines the target
# fastcca_cuda_libraries. In this order: FASTCCA_CUDA_ROOT; what PyPI's cuda-toolkit installed for
# the Python of this build; the system's toolkit.
include_guard(GLOBAL)
set(FASTCCA_CUDA_ROOT
    ""
    CACHE PATH "Root of a CUDA 13 toolkit; where empty, the active Python's packages, then the system")

set(cuda_root "${FASTCCA_CUDA_ROOT}")
if(NOT cuda_root AND NOT CMAKE_CUDA_COMPILER)
  find_package(Python 3.11 COMPONENTS Interpreter)
  if(Python_Interpreter_FOUND)
    # A namespace package: every path entry may have a part of it.
    execute_process(
      COMMAND
        ${Python_EXECUTABLE} -c
        "import pathlib, nvidia.cu13 as n
for p in n.__path__:
    if (pathlib.Path(p) / 'bin' / 'nvcc').exists() and list(pathlib.Path(p).glob('lib/libcusolver.so*')):
        print(p)
        break"
      OUTPUT_VARIABLE cuda_root
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()

# What driver and compiler of CUDA 13 serve; the last one is compiled for newer devices when needed.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 90-real 90-virtual)
endif()
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
# Linked by path below: the shared one, which the other libraries of the process use as well.
set(CMAKE_CUDA_RUNTIME_LIBRARY None)

set(cuda_library_dir "")
if(cuda_root)
  find_path(fastcca_cuda_lib_dir NAMES libcublas.so.13 libcublas.so
            PATHS ${cuda_root} PATH_SUFFIXES lib64 lib NO_DEFAULT_PATH)
  set(cuda_library_dir "${fastcca_cuda_lib_dir}")
  if(NOT cuda_library_dir)
    message(FATAL_ERROR "no cuBLAS in ${cuda_root}; install it with pip install "
                        "\"cuda-toolkit[nvcc,crt,nvvm,cccl,cublas,cufft,cusolver,cusparse,nvjitlink,cudart]==13.0.2\"")
  endif()
  set(CMAKE_CUDA_COMPILER ${cuda_root}/bin/nvcc)
  # nvcc's own profile names lib64, which PyPI's packages do not have.
  string(APPEND CMAKE_CUDA_FLAGS " -L${cuda_library_dir}")
endif()

enable_language(CUDA)
# After the language, whose first test would fail: CMake 3.25.1 does not know that nvcc has C++20.
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 13 OR NOT CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "FASTCCA_CUDA needs CUDA 13, and ${CMAKE_CUDA_COMPILER} is "
                      "${CMAKE_CUDA_COMPILER_VERSION}")
endif()

add_library(fastcca_cuda_libraries INTERFACE)
if(cuda_root)
  target_include_directories(fastcca_cuda_libraries SYSTEM INTERFACE ${cuda_root}/include)
  # PyPI's packages have the versioned names alone.
  foreach(name IN ITEMS cudart.so.13 cublas.so.13 cusolver.so.12 cufft.so.12)
    find_library(fastcca_${name} NAMES lib${name} PATHS ${cuda_library_dir} NO_DEFAULT_PATH REQUIRED)
    target_link_libraries(fastcca_cuda_libraries INTERFACE ${fastcca_${name}})
  endforeach()
  target_link_options(fastcca_cuda_libraries INTERFACE -Wl,-rpath-link,${cuda_library_dir})
else()
  find_package(CUDAToolkit 13 REQUIRED)
  target_link_libraries(fastcca_cuda_libraries INTERFACE CUDA::cudart CUDA::cublas CUDA::cusolver
                                                         CUDA::cufft)
endif()
target_link_libraries(fastcca_cuda_libraries INTERFACE ${CMAKE_DL_LIBS})
message(STATUS "CUDA: ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}, libraries in "
               "${cuda_library_dir}${CUDAToolkit_LIBRARY_DIR}")
