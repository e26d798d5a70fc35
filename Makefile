# Targets for people and CI. Only Go, make and bash are needed beforehand; make test installs the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build check test golden docs bench fuzz lint fmt clean

GOLANGCI := v2.13.1
FUZZTIME ?= 30s

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/stackgen
	go build -o bin/stackgen ./cmd/stackgen

check: fmt ## vet, unit, golden, property with few draws; no daemon, no root
	go vet ./...
	STACKGEN_NO_NATIVE=1 STACKGEN_DRAWS=20 go test ./...

test: fmt ## everything, with the real daemons of three generations; needs root (what CI runs)
	@[ "$$(id -u)" = 0 ] || { echo 'make test needs root: it installs daemons and runs them in namespaces; without root: make check' >&2; exit 1; }
	scripts/daemons
	go vet ./...
	STACKGEN_REQUIRE_NATIVE=1 go test -count=1 -timeout 14m ./...

golden: ## rewrite the golden files, then show what changed
	STACKGEN_UPDATE=1 STACKGEN_NO_NATIVE=1 go test -count=1 ./... && git diff --stat -- golden pkg cmd

docs: ## rewrite the generated pages, then show what changed
	STACKGEN_UPDATE=1 STACKGEN_NO_NATIVE=1 go test -count=1 ./cmd/... && git diff --stat -- docs README.md

bench: ## benchmarks; beside Ansible where root can install it
	@[ "$$(id -u)" != 0 ] || scripts/daemons --ansible
	go test -run '^$$' -bench . -benchmem -timeout 30m ./...

fuzz: ## every fuzz target for FUZZTIME (30s)
	@go test -list '^Fuzz' ./... | awk '/^Fuzz/ {f[++n] = $$1} /^ok/ {for (; n; n--) print f[n], $$2}' | \
	while read -r f pkg; do go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) "$$pkg" </dev/null; done

lint: bin/golangci-lint-$(GOLANGCI) ## golangci-lint, pinned; the import graph among others
	$< run

bin/golangci-lint-$(GOLANGCI):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI)
	mv bin/golangci-lint $@

fmt:
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "not gofmt'ed; run gofmt -w on:" $$files >&2; exit 1; }

clean: ## what the build made; the daemons' root folders stay in the cache
	rm -rf bin out
