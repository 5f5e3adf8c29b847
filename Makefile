# Aloft: `make up` runs the example, `make test` runs every test. Nothing else has to be set up first.

BINARY := .build/release/aloft
# Exclusivity is checked when tests run; the shipped binary leaves the checks out, also of SwiftNIO (docs/performance.md).
RELEASE := swift build -c release --static-swift-stdlib --product aloft -Xswiftc -enforce-exclusivity=unchecked
SWIFT_DIRECTORIES := Sources Tests Package.swift

.PHONY: help up build test test-all check format bench bench-compute bench-deploys profile docs setup clean

help: ## Show what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

up: build ## Build Aloft and run examples/hello with it; Ctrl-C drains and stops
	cd examples/hello && exec ../../$(BINARY) up

build: ## Build the one release binary, .build/release/aloft
	@scripts/setup build
	$(RELEASE)

test: ## Run the tests; sets up what they need (FILTER=regex runs some of them)
	@scripts/test $(FILTER)

test-all: test ## Run the tests, and what takes longer: docker and rootless podman, the reactor under sanitizers
	scripts/test-engines
	scripts/test-reactor

check: ## Formatting, layers and tidiness of the sources
	swift format lint --strict --parallel -r $(SWIFT_DIRECTORIES)
	swift test --disable-xctest --filter ArchitectureTests

format: ## Put the sources into the project's format
	swift format -i --parallel -r $(SWIFT_DIRECTORIES)

bench: ## Measure Aloft beside nginx and HAProxy (OPTIONS="--rounds 5 --scenario get-1k")
	@scripts/setup build bench
	$(RELEASE)
	python3 Benchmarks/edge/bench.py $(OPTIONS)

bench-compute: build ## Measure idle supervision, the first request from zero and a step of load (OPTIONS="--only zero")
	python3 Benchmarks/compute/bench.py $(OPTIONS)

bench-deploys: build ## Deploy 50 times in a row under 2 000 requests a second, and count what is lost (OPTIONS="--deploys 10")
	python3 Benchmarks/deploys/bench.py $(OPTIONS)

profile: build ## Show where the edge's processor time goes (OPTIONS="--scenario tls-get-1k")
	python3 Benchmarks/edge/profile_edge.py $(OPTIONS)

docs: build ## Write docs/reference/ and the JSON Schema anew from the binary
	scripts/docs $(BINARY)

setup: ## Install what building, testing and measuring need
	@scripts/setup

clean: ## Remove what was built
	rm -rf .build .venv
