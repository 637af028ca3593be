package architecture

import (
	"go/build"
	"maps"
	"slices"
	"strings"
	"testing"
)

// shipped are the sources that are no tests.
func shipped(t *testing.T) []source {
	t.Helper()
	return slices.DeleteFunc(sources(t), func(s source) bool { return s.test })
}

// layerOf is the rule with the longest pattern that means a package.
func layerOf(pkg string) (layer, bool) {
	var best layer
	for _, l := range layers() {
		if matches(l.pkg, pkg) && len(l.pkg) > len(best.pkg) {
			best = l
		}
	}
	return best, best.pkg != ""
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	for _, s := range shipped(t) {
		l, known := layerOf(s.pkg)
		if !known {
			t.Errorf("%s: package %s has no place in the house (hint: give it one in layers, with a reason)", s.path, s.pkg)
			continue
		}
		for _, i := range s.imports() {
			target, our := ours(i.path)
			if our && !anyMatches(l.may, target) {
				t.Errorf("%s: %s may not import %s: %s", s.position(i.at), s.pkg, target, l.why)
			}
		}
	}
}

// homeOf is the rule for an import path: the most exact one.
func homeOf(importPath string) (home, bool) {
	var best home
	for _, h := range homes() {
		parent := strings.TrimSuffix(h.what, "/...")
		if (matches(h.what, importPath) || parent == importPath) && len(h.what) > len(best.what) {
			best = h
		}
	}
	return best, best.what != ""
}

func TestDependenciesStayAtHome(t *testing.T) {
	for _, s := range shipped(t) {
		for _, i := range s.imports() {
			h, known := homeOf(i.path)
			_, our := ours(i.path)
			if known && !anyMatches(h.in, s.pkg) {
				t.Errorf("%s: %s is imported by %v only, not by %s: %s", s.position(i.at), i.path, h.in, s.pkg, h.why)
			}
			if !known && !our && !standard(i.path) {
				t.Errorf("%s: %s has no home (hint: give it one in homes, and a row in docs/dependencies.md)", s.position(i.at), i.path)
			}
		}
	}
}

func TestBannedPartsOfTheStandardLibrary(t *testing.T) {
	for _, s := range shipped(t) {
		for _, b := range bans() {
			if !matches(b.pkg, s.pkg) {
				continue
			}
			for _, i := range s.imports() {
				if slices.Contains(b.what, i.path) {
					t.Errorf("%s: %s may not import %s: %s", s.position(i.at), s.pkg, i.path, b.why)
				}
			}
		}
	}
}

func TestImportNames(t *testing.T) {
	for _, s := range sources(t) {
		for _, i := range s.imports() {
			if want := names()[i.path]; want != "" && i.name != want {
				t.Errorf("%s: %s is imported as %s", s.position(i.at), i.path, want)
			}
		}
	}
}

// A rule about something that is no longer there guards nothing, and hides
// that it does: a renamed package would slip through.
func TestNoRuleIsDead(t *testing.T) {
	pkgs := map[string]bool{}
	for _, s := range sources(t) {
		pkgs[s.pkg] = true
	}
	exists := func(pattern string) bool {
		return slices.ContainsFunc(slices.Collect(maps.Keys(pkgs)), func(p string) bool { return matches(pattern, p) })
	}
	for _, l := range layers() {
		for _, p := range append([]string{l.pkg}, l.may...) {
			if !exists(p) {
				t.Errorf("layer %s: there is no package %s", l.pkg, p)
			}
		}
	}
	for _, h := range homes() {
		for _, p := range h.in {
			if !exists(p) {
				t.Errorf("home of %s: there is no package %s", h.what, p)
			}
		}
		if our, ok := ours(h.what); ok && !exists(our) && !exists(strings.TrimSuffix(our, "/...")) {
			t.Errorf("home of %s: there is no such package", h.what)
		}
	}
	for _, b := range bans() {
		if !exists(b.pkg) {
			t.Errorf("ban in %s: there is no such package", b.pkg)
		}
		for _, std := range b.what {
			if _, err := build.Import(std, "", build.FindOnly); err != nil {
				t.Errorf("ban in %s: %v", b.pkg, err)
			}
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, pkg string
		want         bool
	}{
		{"media", "media", true},
		{"media", "media/engine", false},
		{"media/...", "media/engine", true},
		{"media/...", "media", false},
		{"media/...", "mediaplayer/x", false},
		{"...", "anything", true},
	} {
		if got := matches(c.pattern, c.pkg); got != c.want {
			t.Errorf("%s means %s: %v", c.pattern, c.pkg, got)
		}
	}
	if l, _ := layerOf("ivr/internal/strict"); l.pkg != "ivr/internal/..." {
		t.Errorf("ivr/internal/strict is placed by %q", l.pkg)
	}
	if h, _ := homeOf("golang.org/x/crypto/argon2"); !slices.Equal(h.in, []string{"identity"}) {
		t.Errorf("argon2 is at home in %v", h.in)
	}
}
