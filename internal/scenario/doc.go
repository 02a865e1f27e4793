// Package scenario reads and runs stories: YAML files that tell what happens on which day and say what must come out.
//
// A story runs on a fresh instance with a clock that only the file moves, through the same services that the API and
// the console call. Carriers try their own rules with it before they publish them; the project's conformance suite is
// written in it. docs/scenario-language.md describes the language; the tables in language.go are the language.
//
// Nothing in a file is guessed: a verb, field, word or code that the tables do not list is an error that names the
// line.
package scenario
