package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// A test that sleeps is slow when it is right and wrong when the machine is
// slow. Inside a synctest bubble sleeping takes no time; for real programs
// testkit waits for what they say. Whether a helper runs in a bubble cannot be
// read off it, so packages whose tests use bubbles are trusted.
func TestNoTestSleeps(t *testing.T) {
	all := sources(t)
	trusted := map[string]bool{}
	for _, s := range all {
		trusted[s.pkg] = trusted[s.pkg] || bubbles(s)
	}
	for _, s := range all {
		if trusted[s.pkg] {
			continue
		}
		for _, at := range sleeps(s) {
			t.Errorf("%s: time.Sleep in a test without testing/synctest", s.position(at))
		}
	}
}

func bubbles(s source) bool {
	return slices.ContainsFunc(s.imports(), func(i imported) bool { return i.path == "testing/synctest" })
}

// sleeps finds calls of time.Sleep in tests.
func sleeps(s source) []token.Pos {
	if !s.test {
		return nil
	}
	return calls(s, func(c *ast.CallExpr) bool { return isCall(c, "time", "Sleep") })
}

// Work before main has no place for errors and no order that one can see.
func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init", s.position(f.Pos()))
			}
		}
	}
}

// A port of one's own choice is taken on somebody else's machine, or by the
// same test of another package: listen on port 0, or ask testkit.
func TestNoTestListensOnAFixedPort(t *testing.T) {
	for _, s := range sources(t) {
		for _, at := range fixedPorts(s) {
			t.Errorf("%s: a test listens on a fixed port", s.position(at))
		}
	}
}

func fixedPorts(s source) []token.Pos {
	if !s.test {
		return nil
	}
	return calls(s, func(c *ast.CallExpr) bool {
		listens := isCall(c, "net", "Listen") || isCall(c, "net", "ListenPacket") || isCall(c, "http", "ListenAndServe")
		return listens && slices.ContainsFunc(c.Args, isFixedAddress)
	})
}

func isFixedAddress(e ast.Expr) bool {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return false
	}
	text, _ := strconv.Unquote(l.Value)
	return regexp.MustCompile(`:[1-9]\d*$`).MatchString(text)
}

func calls(s source, wanted func(*ast.CallExpr) bool) []token.Pos {
	var out []token.Pos
	ast.Inspect(s.file, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && wanted(c) {
			out = append(out, c.Pos())
		}
		return true
	})
	return out
}

func isCall(c *ast.CallExpr, pkg, name string) bool {
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != name {
		return false
	}
	x, ok := f.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// The finders must find: a rule that never fires keeps nothing.
func TestHabitsAreFound(t *testing.T) {
	bad := parse(t, `package x
import ("net"; "time"; "testing")
func TestX(t *testing.T) { time.Sleep(1); net.Listen("tcp", "127.0.0.1:5060") }`)
	if len(sleeps(bad)) != 1 || len(fixedPorts(bad)) != 1 {
		t.Errorf("found %d sleeps and %d fixed ports, want one each", len(sleeps(bad)), len(fixedPorts(bad)))
	}
	good := parse(t, `package x
import ("net"; "time"; "testing"; "testing/synctest")
func TestX(t *testing.T) { synctest.Test(t, func(*testing.T) { time.Sleep(1) }); net.Listen("tcp", "127.0.0.1:0") }`)
	if !bubbles(good) || bubbles(bad) || len(fixedPorts(good)) != 0 {
		t.Error("found what is not there")
	}
}

func parse(t *testing.T, text string) source {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "x_test.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	return source{"x_test.go", "x", true, file, set}
}
