#!/usr/bin/env bash
# Measures the pages of a running demonstration, those of the desk and each section of the others: of each the bytes as sent
# and the server's time to its first byte, the median and the slowest of 60.
#
#   ringfence demo --folder FOLDER --listen 127.0.0.1:8095
#   tools/pages.sh FOLDER http://127.0.0.1:8095
set -euo pipefail
folder=$1 at=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
curl=(curl -s -b "$work/jar" -c "$work/jar")

field() { sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" | tail -1; }
secret=$(tr -d '\n' <"$folder/sign-ins.json" | sed 's/.*"pin": *"\([0-9]*\)".*/\1/')

sign_in() {
  local password
  rm -f "$work/jar"
  password=$(tr -d '\n' <"$folder/sign-ins.json" | sed "s/.*\"name\": *\"$1\"[^}]*\"password\": *\"\([^\"]*\)\".*/\1/")
  token=$("${curl[@]}" "$at/sign-in" | grep -o 'name="token" value="[^"]*"' | field token)
  "${curl[@]}" -o /dev/null --data-urlencode "token=$token" --data-urlencode "name=$1" --data-urlencode "password=$password" "$at/sign-in"
}
sign_in alma
customer=$("${curl[@]}" -o /dev/null -w '%{redirect_url}' "$at/desk?number=%2B12025550141")
page=$("${curl[@]}" "$customer")
token=$(grep -o 'name="token" value="[^"]*"' <<<"$page" | field token)
key=$(grep -o 'name="key" value="[^"]*"' <<<"$page" | field key)
contact=$("${curl[@]}" -o /dev/null -w '%{redirect_url}' -d "token=$token" -d "key=$key" -d channel=phone "${customer%%\?*}/contacts")
"${curl[@]}" -o /dev/null -d "token=$token" -d method=pin -d "secret=$secret" "$contact/proofs"
page=$("${curl[@]}" "$contact")
key=$(grep -o 'name="key" value="[^"]*"' <<<"$page" | field key)
answer=$("${curl[@]}" -o /dev/null -w '%{redirect_url}' -d "token=$token" -d "key=$key" -d data=call-detail -d from=202602 -d purpose=customer-request -d via=voice -d to=customer "$contact/requests")

measure() {
  local name=$1 address=$2
  for _ in $(seq 60); do "${curl[@]}" -o /dev/null -w '%{time_starttransfer} %{size_download} %{http_code}\n' "$address"; done | sort -n |
    awk -v name="$name" '{ t[NR] = $1 * 1000; size = $2; if ($3 != 200) bad = $3 } END { if (bad) { print name ": answered " bad > "/dev/stderr"; exit 1 } printf "| %s | %d | %.1f ms | %.1f ms |\n", name, size, t[int((NR + 1) / 2)], t[NR] }'
}
echo "| Page | Bytes | Median | Slowest of 60 |"
echo "|---|---|---|---|"
measure "desk" "$at/desk"
measure "customer" "$customer"
measure "contact, verified" "$contact"
measure "answer with calls" "$answer"
measure "emergency" "${customer%%\?*}/emergency"
course=$("${curl[@]}" "$at/training" | grep -o '/training/courses/[^"]*' | head -1)
measure "training" "$at/training"
measure "course" "$at$course"
measure "rules" "$at/rules"
measure "a rule" "$at/rules/somebody-proved"
measure "try a request" "$at/rules/try"
measure "dated numbers" "$at/rules/numbers"
measure "ledger" "$at/records/ledger"
measure "account" "$at/me"
sign_in cora
measure "home" "$at/home"
measure "alerts" "$at/alerts"
measure "case" "$at$("${curl[@]}" "$at/alerts" | grep -o '/alerts/[0-9a-z]\{26\}' | head -1)"
measure "search of the ledger" "$at/records/search"
measure "records of a customer" "$at/records/${customer##*/customers/}"
measure "discipline" "$at/discipline"
measure "training of the staff" "$at/training/staff"
measure "proposals" "$at/proposals"
measure "load changed rules" "$at/rules/change"
sign_in amos
measure "staff" "$at/staff"
measure "settings" "$at/settings"
measure "health" "$at/health"
for asset in ringfence.css desk.js mark.svg; do
  printf '| %s, kept by the browser | %s | | |\n' "$asset" "$("${curl[@]}" "$at/assets/$asset" | wc -c)"
done
