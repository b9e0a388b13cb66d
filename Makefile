# What is built, tested and measured here, by one name each. "make help" lists the names.

GO ?= go
# Packages that std-test tests with the go in PATH; all: every one, with every supported Go.
STD ?= all
CLEAN_ENV = env -u DEVSERVER_AGENT

# Saves that each contender of bench-reload gets.
ROUNDS ?= 20

.DEFAULT_GOAL := help
.PHONY: build install test race bench bench-reload soak std-test lint run help

build: ## build ./devserver-bin
	$(GO) build -o devserver-bin ./cmd/devserver

install: ## install devserver where go install puts commands
	$(GO) install ./cmd/devserver

test: ## run the tests
	$(CLEAN_ENV) $(GO) test -timeout 30m ./...

race: ## run the tests with the race detector
	$(CLEAN_ENV) $(GO) test -timeout 60m -race ./...

bench: ## measure: sandboxed against plain, ratios within one run
	$(CLEAN_ENV) $(GO) test -p 1 -timeout 60m -run '^$$' -bench . -skip 'Reload|Tree|Queries' -benchtime 1s ./...
	$(CLEAN_ENV) $(GO) test -p 1 -timeout 30m -run '^$$' -bench 'Reload|Tree' -benchtime 5x ./devserver
	$(CLEAN_ENV) $(GO) test -timeout 30m -v -run '^$$' -bench Queries -benchtime 5x ./storage -seed 10000000

bench-reload: ## measure: save to first new response and failed requests, against go build, air and reflex
	$(CLEAN_ENV) DEVSERVER_BENCH_RELOAD=$(ROUNDS) $(GO) test -count=1 -timeout 60m -v -run BenchReload ./devserver/reloadbench

soak: ## the long tests: hundreds of reloads under load, every library of docs/drivers.md
	$(CLEAN_ENV) DEVSERVER_SOAK=1 $(GO) test -count=1 -timeout 60m -v -run Soak ./...

std-test: ## Go's own tests of net and what stands on it, in the patched toolchain
	$(CLEAN_ENV) DEVSERVER_STDTEST="$(STD)" $(GO) test -count=1 -timeout 3h -v -run "TestStandardLibrary|TestEveryTarget" ./devserver/toolchain

lint: ## gofmt, go vet (Linux and macOS), staticcheck
	./.ci/lint

run: ## run the example: app on :8080, console on :8000
	$(GO) run ./cmd/devserver run ./examples/guestbook

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
