package bundle

import "fmt"

// readme tells a stranger what lies in a bundle and how it is checked.
func readme(i Incident) string {
	return fmt.Sprintf(`The file of incident %s of the log %s

What lies here
  dossier.pdf               the whole file, for people
  incident.json             every step of its history, for programs
  clocks.json               what was due and what was held, with every day that was counted or skipped
  papers/                   what was filed, received and attached, each as it was
  steps/0001.json           what the first step tells, to the byte, and so on
  steps/0001.receipt.json   its entry in the carrier's log, with the proof that it stands there and what was recorded
  steps/0001.entry.json     the entry as it is stored; what is sealed in it stays sealed
  SHA256SUMS                the hashes of all of these
  SIGNATURE                 signed with the key of the log: the hash of SHA256SUMS and of dossier.pdf

How to check it with one command
  ringfence verify-incident FILE.zip --key KEY
  It asks nobody and needs no database. It names whatever does not fit.

The key of the log is published by the carrier; compare it with the one that you were given by another way:
  %s

How to check it without that program
  1. sha256sum -c SHA256SUMS
     Every file is as it was when the list was made.
  2. SIGNATURE is a signed note (https://c2sp.org/signed-note) with an Ed25519 signature. Any tool for such notes checks it with the key above.
     Its last line before the signature holds the SHA-256 of SHA256SUMS.
  3. For each step, steps/NNNN.receipt.json holds a leaf, a record and a proof.
     The SHA-256 of the record, to the byte, is the sixth word of the leaf (base64). The record begins with a salt, so that nobody could have
     guessed it from its hash. It names the incident, the step, its moment and, in "hash", the SHA-256 of steps/NNNN.json.
     The proof is of the form https://c2sp.org/tlog-proof: its hashes lead from the leaf to the root of a signed checkpoint of the log.
  4. The fifth word of the leaf is the SHA-256 over the columns of the stored entry (steps/NNNN.entry.json), among them who did the step.
  5. A step that came with a paper holds the SHA-256 of the paper.

Steps are numbered from 1 without a gap. SIGNATURE says how many there were when this was made. Who the customers are stands nowhere in it.
`, i.Number, i.Log, i.Key)
}
