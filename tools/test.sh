#!/usr/bin/env bash
# Every test; what vet has to say the checks have said. Properties begin with a seed that is made of what is tested, so that the same tree meets the same cases on every
# machine and every other tree meets others; `make explore` looks for new ones.
set -uo pipefail
cd "$(dirname "$0")/.."
kind='{{$p := .ImportPath}}{{$random := false}}{{range .TestImports}}{{if eq . "pgregory.net/rapid"}}{{$random = true}}{{end}}{{end}}{{range .XTestImports}}{{if eq . "pgregory.net/rapid"}}{{$random = true}}{{end}}{{end}}{{if $random}}properties{{else}}others{{end}} {{$p}}'
list=$(go list -f "$kind" ./...) || exit 1
of() { awk -v of="$1" '$1 == of {print $2}' <<<"$list"; }
mapfile -t properties < <(of properties)
mapfile -t others < <(of others)
if [ "${1:-}" = explore ]; then
	exec go test -timeout 10h -run "${RUN:-.}" "${properties[@]}" -rapid.checks="${CHECKS:-2000}"
fi
tree=$(git rev-parse --short=15 'HEAD^{tree}' 2>/dev/null) || tree=1 # of a folder without history
# Much of the time is waiting, for browsers and for databases: the properties go beside the others, and are printed behind them.
status=0 printed=$(mktemp)
trap 'rm -f "$printed"' EXIT
go test -vet=off -p 2 -timeout 45m ringfence/internal/office ringfence/internal/portal "${properties[@]}" -rapid.seed="$((16#$tree))" >"$printed" 2>&1 &
beside=$!
# Begun first is what takes longest, so that nothing waits for it at the end.
long=(ringfence/internal/scenario ringfence/internal/console ringfence/cmd/ringfence)
go test -vet=off -p 2 -timeout 45m "${long[@]}" "${others[@]}" || status=1
wait $beside || status=1
cat "$printed"
exit $status
