// Package configs carries the documented default configuration and the demo
// (flows and prompts) inside the binary, so that ivrd runs from anywhere.
package configs

import "embed"

// Demo holds demo/flows and demo/prompts.
//
//go:embed demo
var Demo embed.FS
