# chatlog: `make run` and `make test` are all that is needed to begin.
.DEFAULT_GOAL := help
include deploy/stack/stack.mk deploy/e2e/e2e.mk deploy/bench/bench.mk deploy/planted/planted.mk deploy/chaos/chaos.mk deploy/relevance/relevance.mk

GO ?= go
# make build VERSION=v1.2.3 stamps a release; without it Go's own stamp counts.
VERSION ?=
STAMP = $(if $(VERSION),-ldflags "-X chatlog/shared/version.release=$(VERSION)")

.PHONY: help build run run-real test fuzz
help: ## lists the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'
build: ## builds all programs into bin/
	@mkdir -p bin && $(GO) build $(STAMP) -o bin/ ./ingest ./sinks ./query ./deploy/local
run: ## runs all of chatlog in one process, with embedded parts, data in ./data
	@mkdir -p bin && $(GO) build -o bin/local ./deploy/local && exec bin/local
run-real: build ## runs the three services on the parts of make stack-up
	@deploy/stack/run-real.sh
test: ## tests everything, on embedded and on real parts
	@deploy/test.sh
fuzz: ## lets every fuzz target search for FUZZTIME (20s)
	@deploy/fuzz.sh
