#!/bin/sh
# Builds the linker, if this machine has not got the one of these sources, and prints where it is.
# With an argument: runs cargo on the linker's crate with those, as `linker.sh test`.
set -eu
cd "$(dirname "$0")/.."
. build/cache.sh

if [ $# -gt 0 ]; then
  command=$1
  shift
  exec /usr/bin/cargo "$command" --locked --target-dir "$cache/linker-target" "$@"
fi

hash=$(find Cargo.toml Cargo.lock src -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16)
linker=$cache/linker/$hash/sbf-link
if [ ! -x "$linker" ]; then
  echo "==> building the linker for Solana" >&2
  /usr/bin/cargo build --quiet --release --locked --target-dir "$cache/linker-target" >&2
  mkdir -p "$cache/linker/$hash"
  cp "$cache/linker-target/release/sbf-link" "$linker.new"
  mv "$linker.new" "$linker"
fi
echo "$linker"
