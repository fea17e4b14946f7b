# Cross build for 64-bit ARM with Debian's compiler, run by qemu's user emulation. Libraries come from VECTON_SYSROOT, which
# tools/check_aarch64 fills, or from arm64 packages of the system.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64;-L;/usr/aarch64-linux-gnu")

set(VECTON_SYSROOT "${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-sysroot" CACHE PATH "Libraries for the target")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES VECTON_SYSROOT)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${VECTON_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(ENV{PKG_CONFIG_LIBDIR}
    "${VECTON_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig")
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES
    ${VECTON_SYSROOT}/usr/include ${VECTON_SYSROOT}/usr/include/aarch64-linux-gnu)
