//go:build !pocketsphinx

// Command ivrd-asr is built with the tag pocketsphinx: make build-asr.
package main

func main() { panic("built without the tag pocketsphinx (hint: make build-asr)") }
