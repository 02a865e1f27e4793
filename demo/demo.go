// Package demo holds the data of the demonstration: records that exchanges and a billing system wrote, with fictional
// numbers in the place of real ones.
package demo

import "embed"

// Files are the data, the maps by which they are read, and the public policy that was published first.
//
//go:embed data/*.csv maps/*.yaml public/*.yaml
var Files embed.FS
