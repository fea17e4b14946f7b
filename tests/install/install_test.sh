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
libdir=$(dirname "$(find "$work/prefix" -name vecton.pc)")
c++ -std=c++20 "$source/examples/embed/embed.cpp" -o "$work/by_pkg_config" \
  $(PKG_CONFIG_PATH=$libdir pkg-config --define-variable=prefix="$work/prefix" --cflags --libs vecton)
LD_LIBRARY_PATH=$(dirname "$libdir") "$work/by_pkg_config" "$model" "a text" "another" >/dev/null
"$work/prefix/bin/vecton" --version >/dev/null
