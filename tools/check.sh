#!/usr/bin/env bash
# Runs every check that no test makes, all of them even when one fails, and says at the end what failed and what could
# not be checked. A check that could not be made is never counted as passed.
set -uo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 unchecked=0

# step NAME COMMAND…: 0 is passed, 75 is "could not be checked", anything else failed; what the command says is shown
# unless it passed.
step() {
  local name=$1 out status
  shift
  out=$("$@" 2>&1)
  status=$?
  case $status in
  0) printf 'ok           %s\n' "$name" && passed=$((passed + 1)) ;;
  75) printf 'NOT CHECKED  %s\n%s\n' "$name" "$out" && unchecked=$((unchecked + 1)) ;;
  *) printf 'FAILED       %s\n%s\n' "$name" "$out" && failed=$((failed + 1)) ;;
  esac
}

formatted() {
  local files
  files=$(find . -name '*.go' -not -path './.git/*' -not -name '*_templ.go' -print0 | xargs -0 gofmt -l)
  [ -z "$files" ] || { echo "not as gofmt writes it: $files" && return 1; }
}

# vulnerable asks for known vulnerabilities in what the program really calls. Where no database can be reached, a copy
# may be named: RINGFENCE_VULNDB=file:///path/to/vulndb.
vulnerable() {
  local out status
  out=$(go tool govulncheck ${RINGFENCE_VULNDB:+-db "$RINGFENCE_VULNDB"} ./... 2>&1)
  status=$?
  if [ $status -ne 0 ] && grep -q 'fetching vulnerabilities' <<<"$out"; then
    echo "             No vulnerability database could be reached: nothing is known about vulnerabilities in the"
    echo "             dependencies. Run this where one can be, or name a copy in RINGFENCE_VULNDB (docs/operations.md)."
    return 75
  fi
  echo "$out"
  return $status
}

# current makes every generated file again in a copy of this folder, and compares.
current() {
  local copy different
  copy=$(mktemp -d) || return 1
  trap 'rm -rf "$copy"' RETURN
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files -co --exclude-standard -z | while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done |
      tar -c --null -T - | tar -x -C "$copy"
  else
    tar -c --exclude=./.git --exclude=./bin --exclude=./build . | tar -x -C "$copy"
  fi
  cp -a "$copy" "$copy.before" && trap 'rm -rf "$copy" "$copy.before"' RETURN
  "$copy/tools/generate.sh" || return 1
  different=$(diff -rq "$copy.before" "$copy" | sed "s|$copy.before/||; s|$copy/||; s|$copy||")
  [ -z "$different" ] || { echo "make generate changes these, which are committed otherwise:" && echo "$different" && return 1; }
}

# dependencies wants a line in docs/dependencies.md for every module that is required directly, or for the one that it is
# a part of.
dependencies() {
  local module at missing=0
  for module in $(awk '$1 == "require" && $2 != "(" { $1 = ""; $0 = $0 } NF >= 2 && $1 ~ /\..*\// && $2 ~ /^v[0-9]/ && !/\/\/ indirect/ { print $1 }' go.mod); do
    at=$module
    until grep -qF "\`$at" docs/dependencies.md; do
      case $at in
      */*/*) at=${at%/*} ;;
      *) echo "docs/dependencies.md has no line for $module" && missing=1 && break ;;
      esac
    done
  done
  return $missing
}

# scenarios reads every scenario; the tests tell them, on both databases.
scenarios() { go run ./cmd/ringfence scenario --check scenarios; }

step 'formatting' formatted
step 'vet' go vet ./...
step 'staticcheck' go tool staticcheck ./...
step 'floors' go run ./tools/floors
step 'clauses' go run ./tools/trace -q
step 'generated files' current
step 'dependencies' dependencies
step 'scenarios' scenarios
step 'known vulnerabilities' vulnerable

printf '%d checks passed, %d failed, %d could not be made\n' "$passed" "$failed" "$unchecked"
[ "$failed" -eq 0 ]
