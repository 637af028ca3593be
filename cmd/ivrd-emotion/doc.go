//go:build !onnx

// Command ivrd-emotion is built with the tag onnx: make build-emotion.
package main

func main() { panic("built without the tag onnx (hint: make build-emotion)") }
