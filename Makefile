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

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(NPM_STAMP) ## Install what is missing on this machine
	@tools=(); for tool in clang jq; do command -v $$tool >/dev/null || tools+=($$tool); done; \
	ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1 || tools+=(libclang-dev); \
	if [ $${#tools[@]} -gt 0 ]; then \
	  echo "==> installing $${tools[*]}"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq "$${tools[@]}" >/dev/null; \
	fi
	@cargo nextest --version >/dev/null 2>&1 || { echo "==> installing cargo-nextest"; cargo install --locked cargo-nextest; }

$(NPM_STAMP): contracts/package-lock.json
	@echo "==> installing anvil, forge, cast and solc"
	@cd contracts && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: demo
demo: setup ## Two chains, a hub and a relayer on this machine: swaps, messages, tokens
	@echo "==> building relayer and hub (the first build takes a while)"
	@cargo build --workspace --bins
	@$(BIN)/relayer demo

.PHONY: test
test: setup contracts-test ## Everything that must pass
	@echo "==> rustfmt"; cargo fmt --all --check
	@echo "==> clippy"; cargo clippy --workspace --all-targets --quiet -- -D warnings
	@echo "==> programs"; cargo build --workspace --bins
	@echo "==> tests"; cargo nextest run --workspace --no-fail-fast --status-level fail --final-status-level slow

.PHONY: bench
bench: setup ## Gas and speed beside other bridges' figures
	@cargo run --quiet -p infrastrukt-tests --example bench

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
