// Package policy holds the promises and the law as data: clauses, rules with their schema, dated numbers, what is read to customers, and closures of
// the federal offices. Ringfence carries this policy inside itself; a carrier may put a folder of its own in its place.
package policy

import "embed"

// Files is the built-in policy, laid out as in this folder.
//
//go:embed clauses.yaml closures.yaml rules/*.cedar rules/schema.cedarschema profiles/*.yaml scripts/*.yaml
var Files embed.FS
