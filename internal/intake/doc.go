// Package intake brings a carrier's customers and call records in: it reads the files that exchanges and billing
// systems write, turns each row into a call of a line of a customer, and seals the calls in the vault.
//
// Import is streaming (memory is bounded by Options.ChunkBytes, whatever the size of the file), resumable (the place
// reached is committed together with the calls, so that a killed import goes on where it was) and idempotent: what a
// row becomes depends on that row, the map and the zone alone, never on the rows around it, and the vault merges
// calls by identity. The same file any number of times, in any split, therefore gives the same records (I-24).
//
// A row that cannot be read is not guessed at: it goes to the rejects file with its line number, the reason and the
// raw line. That file holds call detail and is readable by its owner only.
package intake
