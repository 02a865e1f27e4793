package evidence

import (
	"fmt"
	"time"
)

// readme tells a stranger what lies in a bundle and how it is checked.
func readme(m *Manifest) []byte {
	return fmt.Appendf(nil, `# A bundle of evidence from the log %[1]s

It is about: %[2]s, from %[3]s until before %[4]s (UTC). It was made at %[5]s by Ringfence %[6]s.
Who had it made, and why, is entry %[7]s of the log; that entry's record is in here.

## What lies here

| File | What it is |
|---|---|
| checkpoint, tile/ | the whole log, as https://c2sp.org/tlog-tiles lays it out; it holds hashes and times, and nothing about a person |
| checkpoints/ | the signed checkpoints of before, one a line |
| records/NNNNNN.jsonl.gz | the entries' records as they are stored: readable columns, and what is sealed in them |
| records/destroyed.jsonl.gz | what is left of records that were destroyed, if any were |
| facts/NNNNNN.age | what is sealed in those records, opened and sealed anew to the auditor's key |
| policy/VERSION.txtar | the rules, the dated numbers and the list of closures, whole, of every version that decided |
| public/ | every version of the public policy |
| templates/ | every template by which messages to customers were written |
| registers/ | registers as they stood when this was made, sealed to the auditor's key where people are named |
| MANIFEST.json | the same for programs, with counts |
| SHA256SUMS | the hash of every file but of itself and of SIGNATURE |
| SIGNATURE | the hash of SHA256SUMS, signed with the key of the log |

## How to check it with Ringfence

No server, no database, no configuration and no network is needed: the program and this folder are enough.

    ringfence verify --folder . --key 'KEY OF THE LOG'
    ringfence replay --bundle . --identity KEY-FILE

The first names every file and every entry that is not as it was signed, and every record that ought to be here and is not. The second
makes every decision again, from its recorded facts under the policy that decided it, and names each that comes out otherwise; KEY-FILE
is the auditor's secret key, as age-keygen writes it. Both end with exit code 1 when anything is wrong. Verify first: replay takes
the files as they are.

The key of the log is published by the carrier. Compare it with one that you were given by another way:

    %[8]s

Keep the program beside the bundle. Another version of it can replay too, unless it reads facts in another way; it says so then.

## How to check it without Ringfence

1. sha256sum --quiet -c SHA256SUMS: each file is as it was when the bundle was made. No other file belongs here.
2. SIGNATURE is a signed note (https://c2sp.org/signed-note) with an Ed25519 signature by the key above. Its last line before the
   signature holds the SHA-256 of SHA256SUMS.
3. checkpoint is a signed note too (https://c2sp.org/tlog-checkpoint), and tile/ the tree of %[9]d entries that it signs. Any client
   for tlog-tiles checks them. Further lines of signatures are those of witnesses. Every line of checkpoints/ holds another
   checkpoint, and the log must be consistent with each.
4. An entry of the log is one line of seven words: its version, an id, a kind, when it was made, the SHA-256 over the columns of its
   stored record, the SHA-256 of what is sealed in that record as it was before sealing, and when it entered the log.
5. age --decrypt -i KEY-FILE facts/000000.age | gunzip gives lines: an id, a space, and what the record of that id holds, to the
   byte. The SHA-256 of that is the sixth word of its entry. It begins with a salt, so that nobody could guess it from its hash.
6. A decision's record names the version of the policy that decided. policy/VERSION.txtar is the text of all of its files. The rules are
   written in Cedar (https://www.cedarpolicy.com); every one names its clause and its source.

## What it does not hold

- Of a customer whose key was destroyed nobody can read the facts. Such a line says "erased" in the place of what was recorded. It
  counts only if an entry of the log says that this customer was forgotten: replay looks for it. The entries and their hashes still verify.
- Calls, bills and places are in no record and so in no bundle. A record of a decision holds ids, ages, kinds and counts; where something
  went to a person or an address, that person or address.
- In a bundle of one customer, incident or campaign nobody can see from the log alone that no record was left out, for the log
  does not say whom an entry is about. In a bundle of everything, verify counts: every entry of its time has its record here.

This bundle holds %[10]d records, %[11]d of them decisions. Of %[12]d records the facts are in it; %[13]d are erased.
`, m.Log, m.Scope, m.From.Format(time.RFC3339), m.To.Format(time.RFC3339), m.Made.Format(time.RFC3339), m.Program, m.Order, m.Key, m.Size, m.Counts.Records, m.Counts.Decisions, m.Counts.Opened, m.Counts.Erased)
}
