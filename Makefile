# Two commands do everything on a fresh machine that has git, curl, rustup and apt:
#
#   make serve    install what is missing, build, run, print what to open
#   make test     install what is missing, run every check and test
#   make test-long  every file of the corpus in every format and every damage, each fuzz target a minute
#
# Others: make playground | fmt | bench | bench-jobs | bench-service | clean. Arguments for the server: make serve ARGS='--root ./photos'

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help serve test test-long setup-build setup-test playground fmt lint rust-tests js-tests conformance e2e bench bench-jobs bench-service clean

# A Node of our own, where the system's is too old; tools and references for tests.
export PATH := $(CURDIR)/.tools/node_modules/.bin:$(CURDIR)/.tools/bin:$(PATH)
export CALOTYPE_PYTHON ?= $(CURDIR)/.tools/venv/bin/python

help:
	@sed -n '1,8s/^# \{0,1\}//p' Makefile

setup-build:
	@scripts/setup.sh build

setup-test:
	@scripts/setup.sh test

# The pages, the plan as WebAssembly, and the sample pictures, ready to be embedded.
playground: setup-build
	@scripts/playground.sh

serve: playground
	@cargo build --quiet --workspace --bin calotype
	@target/debug/calotype serve $(ARGS)

test: setup-test playground lint rust-tests js-tests conformance e2e
	@[ -n "$${CALOTYPE_SHARED:-}" ] || echo "left out, since CALOTYPE_SHARED names no corpus: real files through codec and engine, damaged copies of them, bombs over HTTP"
	@echo "make test: all checks and tests passed"

# Hours of a core, not minutes: before a release, and after work on a decoder.
test-long: setup-test
	@scripts/test-long.sh

lint:
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
	cargo xtask check
	cargo-deny --log-level error check licenses bans sources

rust-tests:
	cargo test --quiet --workspace --locked

js-tests:
	npm run --silent --workspace js/playground check
	npm test --silent --workspace js/playground
	npm run --silent --workspace js/workers check
	cargo build --quiet --locked --workspace --bin calotype
	npm test --silent --workspace js/workers

# URL builders of others and the official SDKs against a running server, the SDKs also with PostgreSQL and S3 under it; its API against its own
# description; that our test of delivery fails with a hyper that lacks the repairs; slow readers
# and the Workers runtime.
conformance:
	conformance/hyper-1.10/run.sh
	conformance/slow-reader/run.sh --quick
	scripts/with-server.sh npm test --silent --workspace conformance/url-builders
	scripts/with-server.sh npm test --silent --workspace conformance/sdk
	scripts/with-postgres-and-s3.sh npm test --silent --workspace conformance/sdk
	scripts/with-server.sh conformance/openapi/run.sh

# The playground and the API reference in a real browser.
e2e:
	scripts/with-server.sh npm run --silent --workspace js/playground test:e2e
	scripts/with-server.sh npm run --silent --workspace js/reference test:e2e

bench:
	bench/run.sh

# Single jobs, in process, on one core.
bench-jobs:
	bench/jobs.sh $(ARGS)

# Servers, per source format.
bench-service:
	bench/service.sh $(ARGS)

fmt:
	cargo fmt --all

clean:
	cargo clean
	rm -rf js/playground/dist js/reference/dist node_modules
