# The commands of Skerry. `make help` prints this list; `serve` and `test` need nothing but Debian 12 with Swift 6.3, git and Python 3.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help deps build serve test test-swift test-clients check bench bench-store bench-services bench-documents bench-merge bench-gossip generate soak simulate format

# Arguments for the program: make serve ARGS='--listen 0.0.0.0:9000'
ARGS ?=
# Arguments for pytest: make test-clients PYTEST='-k restic'
PYTEST ?=
# First seed and number of runs of the simulator: make simulate SEED=7 RUNS=100
SEED ?= 1
RUNS ?= 20

SWIFT := swift
PYTHON := .venv/bin/python
RELEASE := $(CURDIR)/.build/release/skerry
DEBUG := $(CURDIR)/.build/debug/skerry

help: ## print this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install what building, testing and measuring need (apt-get or brew)
	@Scripts/deps.sh build test bench
	@Scripts/python-tools.sh

build: ## build the program, optimised
	@Scripts/deps.sh build
	$(SWIFT) build -c release --product skerry

serve: build ## build and run the server; ARGS='--data DIR --listen HOST:PORT ...'
	@exec $(RELEASE) serve $(ARGS)

test: ## everything a change must pass: arrows, Swift tests, real clients against the built program
	@Scripts/deps.sh build test
	@Scripts/python-tools.sh
	@Scripts/test.sh

test-swift: ## the Swift tests alone
	@Scripts/deps.sh build
	$(SWIFT) build --build-tests
	$(SWIFT) test --skip-build --no-parallel

test-clients: build ## aws, boto3, s3cmd, rclone, restic, node, chromium, strace and kill -9 alone; PYTEST='-k NAME'
	@Scripts/deps.sh test
	@Scripts/python-tools.sh
	$(SWIFT) build --product skerry
	$(SWIFT) build --product station-example
	$(SWIFT) build --product notes-example
	$(SWIFT) build --product ring-example
	SKERRY_BINARY=$(RELEASE) SKERRY_DEBUG_BINARY=$(DEBUG) STATION_BINARY=$(CURDIR)/.build/debug/station-example \
		NOTES_BINARY=$(CURDIR)/.build/debug/notes-example RING_BINARY=$(CURDIR)/.build/debug/ring-example \
		$(PYTHON) -m pytest Tests/ClientTests $(PYTEST)

check: ## the arrows between modules, the rows of the source systems and the formatting, without building
	@python3 Scripts/check-imports.py
	@python3 Scripts/check-rows.py
	$(SWIFT) format lint --strict --recursive --parallel Package.swift Sources Tests Examples Benchmarks

bench: bench-store bench-services bench-documents bench-merge bench-gossip ## every benchmark

bench-store: build ## S3 against nginx, listing, memory, start-up, dedup; BENCH_SHORT=1 is quick, RESULTS=1 writes Benchmarks/results-store.md
	@Scripts/deps.sh bench
	@Scripts/python-tools.sh
	$(PYTHON) Benchmarks/store/bench.py --binary $(RELEASE)

bench-services: ## channels against Go, codecs against Foundation, calls against gRPC; BENCH_SHORT=1 is quick, RESULTS=1 writes Benchmarks/results-services.md
	@Scripts/deps.sh build bench
	python3 Benchmarks/services/bench.py

bench-documents: ## recorded sessions and made-up shapes of writing, beside pycrdt, loro and automerge; BENCH_SHORT=1 without them
	@Scripts/deps.sh build bench
	$(SWIFT) build -c release --package-path Benchmarks/documents
	python3 Benchmarks/documents/bench.py --binary Benchmarks/documents/.build/release/bench-documents

bench-merge: ## diff against git, by lines changed, by shape, by memory; BENCH_SHORT=1 is quick
	@Scripts/deps.sh build
	$(SWIFT) build -c release --package-path Benchmarks/merge
	python3 Benchmarks/merge/bench.py --binary Benchmarks/merge/.build/release/bench-merge

bench-gossip: build ## feeds applied, bytes on the wire, reconciliation of a million entries, ten processes
	$(SWIFT) build -c release --package-path Benchmarks/gossip
	Benchmarks/gossip/.build/release/bench-gossip
	Benchmarks/gossip/.build/release/bench-reconciliation
	Benchmarks/gossip/.build/release/bench-documents-feed
	python3 Benchmarks/gossip/bench-processes.py --binary $(RELEASE)

generate: ## print the committed expansions of // @Shape and // @Service anew
	$(SWIFT) build --product skerry-generate
	.build/debug/skerry-generate --write Sources Benchmarks

soak: build ## the crash, dedup, document, merge and gossip tests in their long form (hours)
	@Scripts/deps.sh test
	@Scripts/python-tools.sh
	$(SWIFT) build --product skerry
	SKERRY_SOAK=1 SKERRY_BINARY=$(RELEASE) SKERRY_DEBUG_BINARY=$(DEBUG) $(PYTHON) -m pytest Tests/ClientTests -k 'kill or dedup or durab' --timeout 7200 $(PYTEST)
	$(SWIFT) build -c release --product document-checks
	SKERRY_SOAK=1 .build/release/document-checks
	$(SWIFT) build --build-tests
	SKERRY_SOAK=1 $(SWIFT) test --skip-build --no-parallel --filter 'SkerryCRDTTests|SkerryDocumentsTests|SkerryMergeTests|SkerrySessionTests|SkerryRPCTests|SkerryGossipTests|SkerryReplicationTests'

simulate: ## the store on a disk that tears and forgets, sessions and feeds on networks that lose and cut, from seeds: SEED=1 RUNS=20
	@Scripts/deps.sh build
	SKERRY_SEED=$(SEED) SKERRY_RUNS=$(RUNS) $(SWIFT) test --filter Simulation

format: ## rewrite the Swift sources in the house format
	$(SWIFT) format format --in-place --recursive --parallel Package.swift Sources Tests Examples Benchmarks
