package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// documented are the rows of docs/dependencies.md: version by module.
func documented(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(readRoot(t, "docs", "dependencies.md")) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 || !strings.Contains(cells[0], ".") {
			continue // not a row of the table of modules
		}
		for i := range cells {
			if cells[i] = strings.TrimSpace(cells[i]); cells[i] == "" {
				t.Errorf("docs/dependencies.md: an empty cell in the row of %s", cells[0])
			}
		}
		out[cells[0]] = cells[1]
	}
	return out
}

// required are the modules of go.mod: version by module.
func required(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	row := regexp.MustCompile(`(?m)^(?:require)?\s+(\S+\.\S+/?\S*) (v\S+)`)
	for _, m := range row.FindAllStringSubmatch(readRoot(t, "go.mod"), -1) {
		out[m[1]] = m[2]
	}
	return out
}

func readRoot(t *testing.T, parts ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// moduleOf is the module that a package belongs to: the longest that fits.
func moduleOf(importPath string, modules map[string]string) string {
	best := ""
	for m := range modules {
		if (importPath == m || strings.HasPrefix(importPath, m+"/")) && len(m) > len(best) {
			best = m
		}
	}
	return best
}

func TestDependenciesAreDocumented(t *testing.T) {
	modules, rows := required(t), documented(t)
	if len(modules) < 5 || len(rows) < 5 {
		t.Fatalf("found %d modules in go.mod and %d rows: looked in the wrong way", len(modules), len(rows))
	}
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, i := range s.imports() {
			if _, our := ours(i.path); our || standard(i.path) || i.path == module {
				continue
			}
			m := moduleOf(i.path, modules)
			if m == "" {
				t.Errorf("%s: %s is in no module of go.mod", s.position(i.at), i.path)
				continue
			}
			used[m] = true
		}
	}
	for m := range used {
		if rows[m] != modules[m] {
			t.Errorf("docs/dependencies.md: %s has version %q, go.mod %q", m, rows[m], modules[m])
		}
	}
	for m := range rows {
		if !used[m] {
			t.Errorf("docs/dependencies.md: nothing imports %s any more", m)
		}
	}
}
