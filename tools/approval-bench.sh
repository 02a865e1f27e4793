#!/usr/bin/env bash
# Measures approvals on a quiet machine: tools/approval-bench.sh FOLDER [ADDRESS OF AN EMPTY POSTGRESQL DATABASE]
# FOLDER is on the disk that is to be measured; it gets some two gigabytes, and is left there. Every figure of the section Approval in
# docs/performance.md comes from this. What else runs is said first, for a figure of a busy machine is worth nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0" && exit 2; }
folder=$1 database=${2:-}
go build -o "$folder.ringfence" ./cmd/ringfence
trap 'rm -f "$folder.ringfence"' EXIT
read -r load _ </proc/loadavg
echo "Waiting processes in the last minute: $load"
for where in sqlite postgres; do
  db=()
  [ "$where" = sqlite ] || { [ -n "$database" ] || continue; db=(--db "$database"); }
  "$folder.ringfence" bench --folder "$folder/$where" "${db[@]}" --customers 10000 --calls 10000 --only echo --only approvals --only screen --screened 10000000
done
go test -count=1 ./cmd/ringfence -run 'TestWithdrawal' -v -args -withdrawals 60s | grep -v '^=== '
