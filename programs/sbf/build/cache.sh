# Sourced by the scripts here: where everything lies that is built for Solana, and the compiler that builds it.

cache=${INFRASTRUKT_SBF_CACHE:-$HOME/.cache/infrastrukt/sbf}

# Debian's compiler and cargo, whatever else is installed or set: the linker drives this compiler's LLVM.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
RUSTC=/usr/bin/rustc
export PATH RUSTC
unset CARGO RUSTUP_TOOLCHAIN RUSTUP_HOME RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET CARGO_TARGET_DIR CC CXX

# The linker opens the first libLLVM of this path. The folder has that of LLVM 22 and nothing else.
mkdir -p "$cache/llvm22"
ln -sfn /usr/lib/x86_64-linux-gnu/libLLVM.so.22.1 "$cache/llvm22/libLLVM.so.22.1"
LD_LIBRARY_PATH=$cache/llvm22
export LD_LIBRARY_PATH
