// Package demo holds the data of the demonstration: records that exchanges and a billing system wrote, with fictional
// numbers in the place of real ones.
package demo

import "embed"

// Files are the data and the maps by which they are read.
//
//go:embed data/*.csv maps/*.yaml
var Files embed.FS
