# make demo and make test are all that a machine with Go needs; each installs what it lacks.

.DEFAULT_GOAL := build
export CGO_ENABLED := 0
# What is built says nothing of where it lies, so that a copy of this folder, as the checks make one, builds nothing twice.
export GOFLAGS := $(shell go env GOFLAGS) -trimpath

.PHONY: build demo test explore check generate clean

# build makes the one binary, static and without a trace of where it was built.
build:
	go build -ldflags '-s -w' -o bin/ringfence ./cmd/ringfence

# demo starts Ringfence with an embedded database and real data, and prints its address and sign-ins.
demo: build
	./bin/ringfence demo

# test runs the checks, then every test, on SQLite and on a PostgreSQL server that the tests start and stop themselves.
test:
	@tools/setup.sh
	@tools/check.sh
	@tools/test.sh

# explore tells properties about cases that nobody has met: CHECKS each (2000), of the tests that RUN names.
explore:
	@tools/test.sh explore

# check holds what no test sees: formatting, vet, staticcheck, known vulnerabilities, generated files, clauses, floors.
check:
	@tools/check.sh

# generate makes every generated file again.
generate:
	@tools/generate.sh

clean:
	rm -rf bin build
