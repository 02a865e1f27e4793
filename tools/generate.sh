#!/usr/bin/env bash
# Makes every generated file again: pages from their templates, what the go:generate lines make, the names of the demo's
# people, and the description of the REST interface.
set -euo pipefail
cd "$(dirname "$0")/.."

# Each folder by itself, so that the pages name their source in the same way wherever the project lies.
find . -name '*.templ' -not -path './.git/*' -printf '%h\n' | sort -u | while IFS= read -r folder; do
  (cd "$folder" && go tool templ generate -log-level error </dev/null)
done

go generate ./...

displacement=$(mktemp)
trap 'rm -f "$displacement"' EXIT
go run ./tools/displace demo/data/telco-customers.csv >"$displacement"
cmp -s "$displacement" internal/intake/fiction/displacement.go || cp "$displacement" internal/intake/fiction/displacement.go

description=$(mktemp)
trap 'rm -f "$displacement" "$description"' EXIT
go run ./cmd/ringfence openapi >"$description"
cmp -s "$description" docs/openapi.yaml || cp "$description" docs/openapi.yaml
chmod 644 docs/openapi.yaml
