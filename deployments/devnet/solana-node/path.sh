#!/bin/sh
# Prints where this machine keeps the node that these sources make; `make solana-node` puts it there. The name has a
# hash of the sources, so that two checkouts never run each other's node.
set -eu
cd "$(dirname "$0")"
hash=$(find Cargo.toml Cargo.lock src -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-16)
echo "$HOME/.cache/infrastrukt/solana-node/$hash/solana-node"
