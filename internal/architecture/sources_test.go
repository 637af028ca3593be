package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of the module.
type source struct {
	path string // from the module's root, with slashes
	pkg  string // the package's path below the module: "media/engine"
	test bool
	file *ast.File
	set  *token.FileSet
}

// sources parses every Go file of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	set := token.NewFileSet()
	root := os.DirFS(filepath.Join("..", ".."))
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipDir(name, d)
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		out = append(out, source{name, path.Dir(name), strings.HasSuffix(name, "_test.go"), file, set})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("found only %d Go files: looked in the wrong place", len(out))
	}
	return out
}

// skipDir leaves out what the go command leaves out, and what is not ours.
func skipDir(name string, d fs.DirEntry) error {
	base := d.Name()
	hidden := name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
	if hidden || base == "testdata" || base == "node_modules" || base == "bin" || base == "var" {
		return fs.SkipDir
	}
	return nil
}

func (s source) position(p token.Pos) string { return s.set.Position(p).String() }

// imported is one import of a source.
type imported struct {
	path, name string
	at         token.Pos
}

func (s source) imports() []imported {
	var out []imported
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		name := ""
		if i.Name != nil {
			name = i.Name.Name
		}
		out = append(out, imported{p, name, i.Pos()})
	}
	return out
}

// matches reports whether a package is meant by a pattern: itself, or with
// /... something below it. "..." means any.
func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	parent, below := strings.CutSuffix(pattern, "/...")
	if below {
		return strings.HasPrefix(pkg, parent+"/")
	}
	return pattern == pkg
}

func anyMatches(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if matches(p, pkg) {
			return true
		}
	}
	return false
}

// ours cuts the module's path off an import path.
func ours(importPath string) (string, bool) { return strings.CutPrefix(importPath, module+"/") }

func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}
