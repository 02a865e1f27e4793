#!/usr/bin/env bash
# Makes every generated file again: pages from their templates, what `go generate` makes, and the names of the demo's
# people. The interface description comes last, for it is asked of the program that was made before.
set -euo pipefail
cd "$(dirname "$0")/.."

go tool templ generate -log-level error
go generate ./...

displacement=$(mktemp)
trap 'rm -f "$displacement"' EXIT
go run ./tools/displace demo/data/telco-customers.csv >"$displacement"
cmp -s "$displacement" internal/intake/fiction/displacement.go || cp "$displacement" internal/intake/fiction/displacement.go
