#!/bin/sh
# build.sh MANIFEST FOLDER: compiles the program of that Cargo.toml for Solana into FOLDER and prints where it is.
# SBF_COLD=1 compiles everything anew in a folder of its own, to see whether the same bytes come out.
set -eu
manifest=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
cd "$(dirname "$0")"
build=$PWD
. ./cache.sh

linker=$("$build/linker.sh")
# cargo does not link again when the linker changes, so that every linker has its own folder.
target=$cache/programs/$(basename "$(dirname "$linker")")
if [ "${SBF_COLD:-0}" = 1 ]; then
  target=$(mktemp -d)
  trap 'rm -rf "$target"' EXIT
fi

# Unstable parts of cargo and rustc: std for a target that rustc does not know, and a target from a file.
RUSTC_BOOTSTRAP=1
export RUSTC_BOOTSTRAP
# Folders of this machine must not be in a program, or its bytes would depend on them.
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
root=$(realpath "$build/../../..")
/usr/bin/cargo rustc --quiet --locked --release --lib --crate-type cdylib \
  --target sbf-solana.json --manifest-path "$manifest" --target-dir "$target" \
  --config "target.sbf-solana.linker=\"$linker\"" \
  --config "target.sbf-solana.rustflags=[\"--remap-path-prefix=$registry=/registry\", \"--remap-path-prefix=$root=/infrastrukt\"]" >&2

name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$manifest" | head -n 1 | tr - _)
cp "$target/sbf-solana/release/lib$name.so" "$folder/$name.so.new"
mv "$folder/$name.so.new" "$folder/$name.so"
echo "$folder/$name.so"
