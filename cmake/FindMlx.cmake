# MLX's C++ library as the target dep_mlx: from MLX_ROOT (an installation, or the folder of a wheel: site-packages/mlx), from
# the environment of the Python interpreter Python_EXECUTABLE, from Homebrew, or from where CMake looks for packages.
set(MLX_ROOT "" CACHE PATH "Where MLX is: the folder that has include/ and share/cmake/MLX")
set(MLX_HINTS ${MLX_ROOT})
if(NOT MLX_ROOT AND Python_EXECUTABLE)
  execute_process(COMMAND ${Python_EXECUTABLE} -c "import importlib.util as u; s = u.find_spec('mlx'); print(list(s.submodule_search_locations)[0] if s else '')"
                  OUTPUT_VARIABLE MLX_WHEEL OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  list(APPEND MLX_HINTS ${MLX_WHEEL})
endif()
if(APPLE)
  list(APPEND MLX_HINTS /opt/homebrew/opt/mlx /usr/local/opt/mlx)
endif()
find_package(MLX CONFIG QUIET HINTS ${MLX_HINTS} PATH_SUFFIXES share/cmake/MLX)
if(NOT MLX_FOUND)
  message(FATAL_ERROR "VECTON_MLX: MLX's C++ library was not found. 'brew install mlx', or 'pip install mlx' (Linux: 'mlx[cpu]') and "
                      "-DPython_EXECUTABLE=that environment's python, or -DMLX_ROOT=FOLDER with include/ and share/cmake/MLX")
endif()
if(MLX_VERSION VERSION_LESS 0.32)
  message(FATAL_ERROR "VECTON_MLX: MLX ${MLX_VERSION} in ${MLX_DIR}; 0.32 or later is needed (streams that any thread may use)")
endif()
message(STATUS "MLX ${MLX_VERSION}: ${MLX_DIR}")
add_library(dep_mlx INTERFACE)
target_include_directories(dep_mlx SYSTEM INTERFACE ${MLX_INCLUDE_DIRS})
target_link_libraries(dep_mlx INTERFACE mlx)
