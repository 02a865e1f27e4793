// Package policy holds the promises and the law as data: clauses, rules with their schema, rights of the staff likewise,
// dated numbers, what is read and written to customers, the forms of reports, the list of controls, closures of the federal offices, and the courses of the staff. Ringfence
// carries this policy inside itself; a carrier may put a folder of its own in its place.
package policy

import "embed"

// Files is the built-in policy, laid out as in this folder.
//
//go:embed clauses.yaml closures.yaml rules/*.cedar rules/schema.cedarschema rights/*.cedar rights/schema.cedarschema
//go:embed profiles/*.yaml scripts/*.yaml courses/*/course.yaml courses/*/material.md
//go:embed notices/*.yaml notices/layout.html
//go:embed public/*.yaml
//go:embed answers/words.yaml incident-words.yaml
//go:embed forms/*.yaml
//go:embed controls/controls.yaml
//go:embed certificate/*.yaml
var Files embed.FS

// Open lists the clauses that this program does not keep yet, with what they lack. It is about the program and not about any
// carrier's policy, so it is no part of one.
//
//go:embed open-clauses.yaml
var Open []byte
