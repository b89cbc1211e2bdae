# What people and CI call. Every target installs what it needs, and only if it is missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Compiled dependencies live outside the checkout, so that a second clean checkout is quick.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/infrastrukt/target
# clang builds RocksDB in nearly half the time that g++ takes.
export CC := clang
export CXX := clang++

# So do compiled contracts: solc takes minutes for them, and forge compiles what changed only.
SOLC_CACHE ?= $(HOME)/.cache/infrastrukt/contracts

FOUNDRY := contracts/node_modules/@foundry-rs
FORGE := node_modules/@foundry-rs/forge-linux-amd64/bin/forge
NPM_STAMP := contracts/node_modules/.package-lock.json
BIN := $(CARGO_TARGET_DIR)/debug
# The code under test has no unsafe block, so that no sanitizer is needed and a stable toolchain will do.
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_targets/%.rs,%,$(wildcard tests/fuzz/fuzz_targets/*.rs))
FUZZ_SECONDS := $(or $(SECONDS),60)

# $(call apt,PACKAGES): install those packages that this machine lacks.
apt = missing=(); for package in $(1); do dpkg -s $$package >/dev/null 2>&1 || missing+=($$package); done; \
  if [ $${\#missing[@]} -gt 0 ]; then \
    echo "==> installing $${missing[*]}" >&2; \
    sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
    $$sudo apt-get update -qq; DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq "$${missing[@]}" >/dev/null; \
  fi

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(NPM_STAMP) own-sources ## Install what is missing on this machine
	@tools=(); for tool in clang jq; do command -v $$tool >/dev/null || tools+=($$tool); done; \
	ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1 || tools+=(libclang-dev); \
	if [ $${#tools[@]} -gt 0 ]; then \
	  echo "==> installing $${tools[*]}"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq "$${tools[@]}" >/dev/null; \
	fi
	@cargo nextest --version >/dev/null 2>&1 || { echo "==> installing cargo-nextest"; cargo install --locked cargo-nextest; }

# Checkouts share compiled code, and cargo tells their sources apart by time alone: what was built last from another
# checkout would pass for this one's, with that one's paths in it.
.PHONY: own-sources
own-sources:
	@mkdir -p $(CARGO_TARGET_DIR); \
	if [ "$$(cat $(CARGO_TARGET_DIR)/checkout 2>/dev/null)" != "$(CURDIR)" ]; then \
	  find hub adapters relayer tests programs deployments -name '*.rs' -exec touch {} +; \
	  echo "$(CURDIR)" > $(CARGO_TARGET_DIR)/checkout; \
	fi

$(NPM_STAMP): contracts/package-lock.json
	@echo "==> installing anvil, forge, cast and solc"
	@cd contracts && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: demo
demo: setup solana-node ## Three chains, a hub and a relayer on this machine: deals, messages, tokens
	@echo "==> building relayer and hub (the first build takes a while)"
	@cargo build --workspace --bins
	@$(BIN)/relayer demo

SOLANA_NODE := deployments/devnet/solana-node
SOLANA_NODE_TARGET := $(HOME)/.cache/infrastrukt/solana-node/target
# The vendored OpenSSL would take minutes; the system's headers are there.
SOLANA_NODE_CARGO := OPENSSL_NO_VENDOR=1 CARGO_TARGET_DIR=$(SOLANA_NODE_TARGET) cargo

.PHONY: solana-node
solana-node: ## Build the devnet's Solana node, once per machine
	@node=$$($(SOLANA_NODE)/path.sh); \
	if [ ! -x "$$node" ]; then \
	  $(call apt,clang libssl-dev pkg-config); \
	  echo "==> building the Solana node (some minutes, once)" >&2; \
	  $(SOLANA_NODE_CARGO) build --locked --profile node --manifest-path $(SOLANA_NODE)/Cargo.toml; \
	  mkdir -p "$$(dirname "$$node")"; \
	  install -m 0755 $(SOLANA_NODE_TARGET)/node/solana-node "$$node.new"; mv "$$node.new" "$$node"; \
	fi; \
	echo "$$node"

.PHONY: solana-node-test
solana-node-test: own-sources solana-node ## Test the node over stops and kills
	@echo "==> Solana node"; $(SOLANA_NODE_CARGO) test --locked --profile node --manifest-path $(SOLANA_NODE)/Cargo.toml

# Every crate of programs/ that is made into a program, and what compiles it: Debian's Rust with LLVM 22.
PROGRAMS = $(shell grep -ls cdylib programs/*/Cargo.toml)
SBF_PACKAGES := rustc-web cargo-web rust-web-src libllvm22 gcc
SBF_CACHE := $(HOME)/.cache/infrastrukt/sbf

.PHONY: programs
programs: ## Build the Solana programs and write their hashes
	@$(call apt,$(SBF_PACKAGES))
	@for program in $(PROGRAMS); do programs/sbf/build/build.sh "$$program" programs/artifacts; done
	@cd programs/artifacts && sha256sum -- *.so > SHA256SUMS && cat SHA256SUMS

.PHONY: idl
idl: ## Write the IDL of the Solana program
	@cargo build --quiet --locked --manifest-path programs/Cargo.toml -p infrastrukt-idl --target-dir $(CARGO_TARGET_DIR)/svm
	@env -u RUSTUP_TOOLCHAIN CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/svm $(CARGO_TARGET_DIR)/svm/debug/infrastrukt-idl

.PHONY: programs-check
programs-check: ## Build the Solana programs anew and compare them with those committed
	@echo "==> Solana programs, built anew"
	@$(call apt,$(SBF_PACKAGES))
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	for program in $(PROGRAMS); do SBF_COLD=1 programs/sbf/build/build.sh "$$program" "$$fresh"; done; \
	(cd programs/artifacts && sha256sum --check --quiet SHA256SUMS); \
	(cd "$$fresh" && sha256sum -- *.so) | diff programs/artifacts/SHA256SUMS - && echo "==> the committed programs are those of these sources"

.PHONY: programs-test
programs-test: own-sources ## Test the compiler of the Solana programs: what it refuses, and a program beside the same code here
	@echo "==> compiler of the Solana programs"
	@$(call apt,$(SBF_PACKAGES))
	@programs/sbf/build/linker.sh test
	@SBF_PROBE=$$(programs/sbf/build/build.sh programs/sbf/probe/Cargo.toml $(SBF_CACHE)/probe) \
	  cargo test --locked --manifest-path programs/sbf/differential/Cargo.toml --target-dir $(CARGO_TARGET_DIR)/svm

.PHONY: program-test
program-test: own-sources ## Test the committed Solana program in LiteSVM, and its library beside the vectors
	@echo "==> Solana program"
	@cd programs && cargo test --quiet --locked -p infrastrukt-core -p infrastrukt-gateway --target-dir $(CARGO_TARGET_DIR)/svm
	@cd programs/svm && cargo test --quiet --locked --target-dir $(CARGO_TARGET_DIR)/svm

.PHONY: test
test: setup contracts-test solana-node-test programs-check programs-test program-test ## Everything that must pass
	@echo "==> rustfmt"; cargo fmt --all --check
	@echo "==> clippy"; cargo clippy --workspace --all-targets --quiet -- -D warnings
	@echo "==> programs"; cargo build --workspace --bins
	@echo "==> tests"; cargo nextest run --workspace --no-fail-fast --status-level fail --final-status-level slow

.PHONY: fuzz
fuzz: setup ## Fuzz every decoder and proof verifier for SECONDS=n each
	@cargo fuzz --version >/dev/null 2>&1 || { echo "==> installing cargo-fuzz"; cargo install --locked cargo-fuzz; }
	@for target in $(FUZZ_TARGETS); do \
	  echo "==> $$target"; \
	  found=$(CARGO_TARGET_DIR)/fuzz-corpus/$$target; mkdir -p "$$found"; \
	  cargo fuzz run --fuzz-dir tests/fuzz --target-dir $(CARGO_TARGET_DIR)/fuzz --sanitizer none --strip-dead-code=true \
	    $$target "$$found" tests/fuzz/corpus/$$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=16384; \
	done

.PHONY: corpus
corpus: ## Write the fuzzers' seeds anew from the vectors
	@UPDATE_CORPUS=1 cargo test --quiet -p infrastrukt-tests --test fuzz the_corpus

.PHONY: differential
differential: setup ## Contracts and program against their Rust reference: SEQUENCES=n from SEQUENCE_START=m on, OPERATIONS=n
	@SEQUENCES=$(or $(SEQUENCES),100000) SEQUENCE_START=$(or $(SEQUENCE_START),0) \
	  cargo test --workspace --quiet --test differential -- --nocapture
	@cd programs/svm && OPERATIONS=$(or $(OPERATIONS),100000) SEQUENCE_START=$(or $(SEQUENCE_START),0) \
	  cargo test --quiet --locked --target-dir $(CARGO_TARGET_DIR)/svm --test differential -- --nocapture

.PHONY: model
model: ## The model's large searches: hundreds of millions of states, up to an hour, 8 GB
	@cargo nextest run --workspace -E 'binary(model)' --run-ignored only --test-threads 1 --no-capture

# Seeds of `make sim`, and the first of them.
SEEDS ?= 10000
SEED_START ?= 1

.PHONY: sim
sim: ## Hub, relayer and chains under faults: make sim SEEDS=n SEED_START=m
	@SEEDS=$(SEEDS) SEED_START=$(SEED_START) cargo test --workspace --quiet --test sim -- \
	  --exact every_promise_is_kept_whatever_fails --nocapture | grep -Ev '^(running 1 test|test result: ok.*|\.?)$$'

# Rates of unoptimised code say little. Only this workspace is optimised further, which takes minutes: dependencies are
# those of every other target.
BENCH_BUILD := --config profile.dev.opt-level=3

.PHONY: bench
bench: setup ## Gas, speed, memory and queues beside their limits and other bridges; installs a peer's relayer from npm
	@echo "==> building, optimised"
	@cargo build --quiet --workspace --bins --example bench $(BENCH_BUILD)
	@INFRASTRUKT_BENCH_BUILD="cargo build $(BENCH_BUILD)" $(BIN)/examples/bench

.PHONY: chaos
chaos: setup ## Kill, lie and reorganise under load: ROUNDS=30 SEED=n MESSAGES=1000 SWAPS=100
	@echo "==> programs"; cargo build --workspace --bins --example chaos
	@ROUNDS=$(ROUNDS) SEED=$(SEED) MESSAGES=$(MESSAGES) SWAPS=$(SWAPS) $(BIN)/examples/chaos

contracts/out contracts/cache:
	@mkdir -p $(SOLC_CACHE)/$(@F) && ln -sfn $(SOLC_CACHE)/$(@F) $@

.PHONY: contracts-test
contracts-test: $(NPM_STAMP) | contracts/out contracts/cache
	@echo "==> contracts (solc takes minutes for those it has not seen yet)"
	@cd contracts && $(FORGE) fmt --check && $(FORGE) build --quiet && node tools/snapshots.mjs --check && FORGE_SNAPSHOT_CHECK=true $(FORGE) test

.PHONY: contracts
contracts: $(NPM_STAMP) | contracts/out contracts/cache ## Build the contracts and write their snapshots
	@cd contracts && $(FORGE) build && node tools/snapshots.mjs && $(FORGE) test --match-path 'test/unit/Gas*'

.PHONY: vectors
vectors: ## Write the frozen vectors and the published schema anew
	@UPDATE_VECTORS=1 cargo test --quiet -p infrastrukt-tests --test vectors

.PHONY: fmt
fmt: ## Format Rust and Solidity
	@cargo fmt --all
	@cd contracts && $(FORGE) fmt

.PHONY: clean
clean: ## Remove what the build left in the checkout
	@rm -rf contracts/out contracts/cache contracts/node_modules
