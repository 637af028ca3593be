// Package configs carries the documented default configuration and the demo
// (flows, prompts and intents) inside the binary, so that ivrd runs from anywhere.
package configs

import "embed"

// Demo holds demo/flows, demo/prompts and demo/intents.yaml.
//
//go:embed demo
var Demo embed.FS
