package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
)

// version is set by the build: -ldflags "-X main.version=…".
var version = "dev"

type versionCmd struct {
	JSON bool `help:"As JSON."`
}

func (v versionCmd) Run() error {
	info := struct {
		Version string `json:"version"`
		Commit  string `json:"commit"`
		Go      string `json:"go"`
	}{version, commit(), runtime.Version()}
	if v.JSON {
		return json.NewEncoder(os.Stdout).Encode(info)
	}
	fmt.Printf("ivrd %s (%s, %s)\n", info.Version, info.Commit, info.Go)
	return nil
}

func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
