// Package scenarios holds the stories that are told under a policy before it can take effect: the regulation's dated cases
// and what this program promises. A carrier adds its own in a folder that the configuration names.
package scenarios

import "embed"

// Files are the stories that are built in.
//
//go:embed *.yaml
var Files embed.FS
