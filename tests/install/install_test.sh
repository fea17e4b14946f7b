#!/bin/sh
# Installs the build in $1 into a temporary prefix, builds examples/embed against it by find_package and by pkg-config, and
# runs it on a small model.
set -eu
build=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >/dev/null
cmake -G Ninja -S "$source/examples/embed" -B "$work/example" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$work/example" >/dev/null
model=$source/tests/golden/bert-embed-mean/model
"$work/example/embed" "$model" "a text" "a text" | grep -q '^1  a text\|^0.99999'
"$work/example/embed_c" "$model" "a text" | grep -q '^64 values'
"$work/example/embed" "$work/nowhere" a b 2>&1 | grep -q nowhere

# pkg-config, after the prefix has been moved; programs that look for warnings find none in the headers.
mv "$work/prefix" "$work/moved"
pcdir=$(dirname "$(find "$work/moved" -name vecton.pc)")
flags=$(PKG_CONFIG_PATH=$pcdir pkg-config --cflags --libs vecton)
strict="-std=c++20 -Wall -Wextra -Wpedantic -Werror"
c++ $strict "$source/examples/embed/embed.cpp" -o "$work/by_pkg_config" $flags
LD_LIBRARY_PATH=$(dirname "$pcdir") "$work/by_pkg_config" "$model" "a text" "another" >/dev/null
"$work/moved/bin/vecton" --version >/dev/null

# Six headers, and every one alone, with every compiler that is here.
[ "$(ls "$work"/moved/include/vecton | tr '\n' ' ')" = "capi.h error.h options.h request.h tokenizer.h vecton.h " ]
for header in "$work"/moved/include/vecton/*.h; do
  echo "#include <vecton/$(basename "$header")>" >"$work/header.cpp"
  for compiler in c++ clang++; do
    command -v $compiler >/dev/null || continue
    $compiler $strict -fsyntax-only "$work/header.cpp" $(PKG_CONFIG_PATH=$pcdir pkg-config --cflags vecton)
  done
done
echo '#include <vecton/capi.h>' >"$work/header.c"
cc -std=c99 -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$work/header.c" $(PKG_CONFIG_PATH=$pcdir pkg-config --cflags vecton)
