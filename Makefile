# Every command here works on a fresh clone with Go, make, git and a C compiler.
VERSION ?= 0.1.0
LDFLAGS  = -s -w -X github.com/aitunnel/aitunnel/core/cli.version=$(VERSION)
MODULES  = . ./sdk ./bench ./core/admin/apitest ./core/panel/paneltest ./examples/plugins/bandit ./examples/plugins/cheapest ./examples/clients
export CGO_ENABLED ?= 1
# No stamp of the commit: git refuses to name it in a checkout of another user, and then the build fails.
# The same flags everywhere: then make build, tests and the programs that tests build share the build cache.
export GOFLAGS := $(GOFLAGS) -buildvcs=false -trimpath
# Modules whose tests compare whole programs with clients and a browser: compiling those clients with the race
# detector takes longer than all of their tests, and it would not see into the programs.
WHOLE    = ./core/admin/apitest ./core/panel/paneltest ./examples/clients
EACH     = $(patsubst %,%/...,$(filter-out ./bench,$(MODULES)))

# SQLite's memory is outside of Go's heap, where the race detector sees nothing: checking the translated code
# takes most of the time of the tests that have a history, and finds nothing. Only this one package, which has
# no generic functions, is left out.
RACE     = -race -gcflags=modernc.org/sqlite/lib=-race=false

# Else each test binary sleeps for a second at its end, in case a goroutine that nobody waits for still races.
export GORACE := atexit_sleep_ms=0 $(GORACE)

# Without symbols for a debugger, about fifty test binaries link in two thirds of the time.
# Tests of processes wait for much of their time, so one package more than there are cores is tested at a time.
CORES    = $(shell getconf _NPROCESSORS_ONLN || echo 2)
TESTED   = -vet=off -ldflags='-s -w' -timeout 15m -p $$(($(CORES) + 1))

# Tests that run the program take the one that was just built, as each link of it takes seconds: AITUNNEL
# names it.

.PHONY: help build run test test-real race soak lint vuln fuzz bench clients generate dist reproducible cross check clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

build: ## Build bin/aitunnel
	CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)' -o bin/aitunnel .

run: build ## Demonstrate the proxy with two fake sites
	bin/aitunnel demo --once

# make lint vets, so go test need not.
test: build ## Run all tests
	@tools/test-deps
	@CGO_ENABLED=0 AITUNNEL=$(CURDIR)/bin/aitunnel tools/gotest "$(EACH)" $(TESTED) -parallel 5

test-real: build ## Run the tests that need browsers, servers, systems or links for longer (20 minutes)
	@tools/test-deps
	@AITUNNEL_REAL=1 tools/gotest "./core/cli ./core/daemon ./core/tunnel ./core/panel/paneltest/... ./tools/dist" -count=1 -p 1 -parallel 3 -timeout 20m
	@tools/gotest ./bench/... -count=1 -timeout 15m # alone, as it compares speeds

race: build ## Run all tests with the race detector
	@tools/test-deps
	@AITUNNEL=$(CURDIR)/bin/aitunnel tools/gotest "$(filter-out $(patsubst %,%/...,$(WHOLE)),$(EACH))" $(RACE) $(TESTED) -parallel 4

soak: build ## Run the tests that have a long form, in that form (about an hour)
	@tools/test-deps
	AITUNNEL_SOAK=1 go test -count=1 -timeout 3h ./core/...

lint: ## Run go vet for all systems, and golangci-lint
	@set -e; for m in $(MODULES); do (cd $$m && go vet ./...); done
	@set -e; for os in darwin windows; do for m in . ./sdk; do (cd $$m && GOOS=$$os CGO_ENABLED=0 go vet ./...); done; done
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	@set -e; for m in $(MODULES); do (cd $$m && GOWORK=off go tool -modfile=$(CURDIR)/tools/external/go.mod golangci-lint run ./...); done

vuln: ## Look for known vulnerabilities in what is used
	GOWORK=off go tool -modfile=tools/external/go.mod govulncheck ./...

fuzz: ## Run every fuzz target for 20 seconds
	@set -e; for p in $$(grep -rl --include='*_test.go' '^func Fuzz' core sdk | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$p/*_test.go | cut -d' ' -f2); do (cd $$p && go test -run '^$$' -fuzz "^$$f$$" -fuzztime 20s .); done; done

bench: build ## Measure against other proxies
	cd bench && go run . -aitunnel ../bin/aitunnel

clients: ## Test with Claude Code, Codex, Gemini CLI and SDKs from npm (1.2 GB, into your cache folder)
	cd examples/clients && AITUNNEL_CLIENTS=1 go test -count=1 -timeout 20m -parallel 4 -run 'TestSDKs|TestAgents' .

generate: ## Write the generated docs and config.hcl.example, from declarations, schemas and commands
	go test ./core/config -run '^TestGeneratedFiles$$' -count=1 -update
	go test ./core/cli -run '^Test(Plugin|Command)Pages$$' -count=1 -update
	go generate ./core/admin
	go test ./core/verdict -run '^TestDocs$$' -count=1 -update

dist: ## Pack archives, packages and manifests for six systems into dist/, or for one: ONLY=linux/amd64
	go run ./tools/dist -version $(VERSION) -only "$(ONLY)"

reproducible: ## Build one system's archive and packages in two directories, and compare them
	go run ./tools/dist -version $(VERSION) -verify

cross: ## Build for the systems that are not tested here
	@set -e; for os in darwin windows; do for arch in amd64 arm64; do \
	  echo "$$os/$$arch"; GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 go build -o /dev/null .; done; done

check: lint test race test-real ## What has to pass before a commit

clean: ## Remove what was built
	rm -rf bin dist
