package ivr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/types"
	"go.yaml.in/yaml/v3"
)

// branchVerb goes the way of the first condition that holds.
type branchVerb struct {
	conditions []*expression // outcome "1", "2", …
	hasElse    bool
}

func (l *loader) branch(n *node, value *yaml.Node) verb {
	v := &branchVerb{}
	if value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
		l.report.Add(value, msgBranch)
		return nil
	}
	for i, item := range value.Content {
		m := l.report.Map(item, "branch", "if", "then", "else")
		if m == nil {
			continue
		}
		condition, then, otherwise := m.Get("if"), m.Get("then"), m.Get("else")
		switch {
		case otherwise != nil && condition == nil && then == nil && i == len(value.Content)-1:
			v.hasElse = true
			n.on["else"] = l.target(otherwise, "else of node "+n.name)
		case otherwise == nil && condition != nil && then != nil:
			source, _ := l.report.String(condition, "if of node "+n.name)
			v.conditions = append(v.conditions, l.expression(condition, source, boolKind))
			n.on[strconv.Itoa(len(v.conditions))] = l.target(then, "then of node "+n.name)
		default:
			l.report.Add(item, msgBranchLine)
		}
	}
	if !v.hasElse {
		l.report.Add(n.at, msgNoElse, n.name)
	}
	return v
}

func (v *branchVerb) outcomes() []string {
	var all []string
	for i := range v.conditions {
		all = append(all, strconv.Itoa(i+1))
	}
	return append(all, "else")
}

func (*branchVerb) says() []prompts { return nil }

func (v *branchVerb) run(_ context.Context, r *Run, _ *node) (string, error) {
	env := r.env()
	for i, condition := range v.conditions {
		value, err := condition.eval(env)
		if err != nil {
			return "", err
		}
		holds, ok := value.(bool)
		if !ok {
			return "", fmt.Errorf("evaluate %q: neither true nor false", condition.source)
		}
		if holds {
			return strconv.Itoa(i + 1), nil
		}
	}
	return "else", nil
}

// assignment gives a variable a value.
type assignment struct {
	name    string
	text    *text // nil: literal
	literal any
}

// setVerb gives variables values.
type setVerb struct{ sets []assignment }

func (l *loader) set(_ *node, value *yaml.Node) verb {
	return &setVerb{l.assignments(value)}
}

func (l *loader) assignments(n *yaml.Node) []assignment {
	m := l.report.Map(n, "set")
	if m == nil {
		return nil
	}
	var all []assignment
	for _, e := range m.Entries {
		all = append(all, l.assignment(e.Key, e.Value))
	}
	return all
}

func (l *loader) assignment(key, value *yaml.Node) assignment {
	a := assignment{name: key.Value}
	var set *expression
	typ, zero := literalType("")
	switch value.ShortTag() {
	case "!!str", "!!timestamp":
		a.text = l.parseText(value, "set "+key.Value, false)
		if set = a.text.whole(); set != nil {
			typ, zero = nil, nil
		}
	case "!!int", "!!float", "!!bool":
		if err := value.Decode(&a.literal); err != nil {
			l.report.Add(value, msgValue, key.Value)
			return a
		}
		typ, zero = literalType(a.literal)
	default:
		l.report.Add(value, msgValue, key.Value)
		return a
	}
	if key.Value != "language" {
		l.declare(key, false, typ, zero, set)
	} else if name, ok := a.constantText(); ok && !slices.Contains(l.flow.Languages, name) {
		l.report.Add(value, msgSetLanguage, name, strings.Join(l.flow.Languages, ", "))
	}
	return a
}

func (a assignment) constantText() (string, bool) {
	if a.text == nil {
		return fmt.Sprint(a.literal), true
	}
	return a.text.constant()
}

func literalType(v any) (types.Type, any) {
	switch v.(type) {
	case string:
		return types.String, ""
	case int:
		return types.Int, 0
	case float64:
		return types.Float64, 0.0
	case bool:
		return types.Bool, false
	default:
		return types.Any, nil
	}
}

func (*setVerb) outcomes() []string { return []string{"next"} }

func (*setVerb) says() []prompts { return nil }

func (v *setVerb) run(_ context.Context, r *Run, _ *node) (string, error) {
	return "next", r.assign(v.sets)
}

// httpVerb fetches data.
type httpVerb struct {
	method  string
	url     *text
	headers map[string]*text
	json    *jsonValue // nil: no body
	timeout time.Duration
	into    string
}

const (
	defaultFetch = 5 * time.Second
	maxBody      = 64 << 10
)

func methods() []string { return []string{"get", "post", "put", "patch", "delete"} }

func (l *loader) http(n *node, value *yaml.Node) verb {
	m := l.report.Map(value, "http", append(methods(), "json", "headers", "timeout", "into")...)
	if m == nil {
		return nil
	}
	v := &httpVerb{timeout: defaultFetch, headers: map[string]*text{}}
	for _, method := range methods() {
		url := m.Get(method)
		switch {
		case url == nil:
		case v.method != "":
			l.report.Add(url, msgTwoMethods, n.name)
		default:
			v.method, v.url = strings.ToUpper(method), l.url(url)
		}
	}
	if v.method == "" {
		l.report.Add(n.at, msgNoMethod, n.name, strings.Join(methods(), ", "))
		return nil
	}
	if headers := m.Get("headers"); headers != nil {
		if hm := l.report.Map(headers, "headers"); hm != nil {
			for _, e := range hm.Entries {
				v.headers[e.Name] = l.parseText(e.Value, "header "+e.Name, false)
			}
		}
	}
	if body := m.Get("json"); body != nil {
		v.json = l.json(body)
	}
	l.duration(m, "timeout", &v.timeout, 100*time.Millisecond, 30*time.Second)
	if into := m.Get("into"); into != nil {
		v.into = l.declare(into, false, types.Any, nil, nil)
	}
	return v
}

// operatorValue is a value that the operator gives, and nothing made from it.
var operatorValue = regexp.MustCompile(`^(env|config)\.[A-Za-z_][A-Za-z0-9_]*$`)

// url reads an address. Its host must be what the operator says, never what a
// caller says.
func (l *loader) url(n *yaml.Node) *text {
	t := l.parseText(n, "the address", false)
	if len(t.pieces) == 0 {
		return t
	}
	if first := t.pieces[0]; first.expr != nil {
		l.givenHost(n, first.expr.source, t.pieces[1:])
	} else {
		l.writtenHost(n, first.literal, len(t.pieces) > 1)
	}
	return t
}

// givenHost checks an address that begins with a value. What follows must not
// go on with the host, which may stand at the end of the value.
func (l *loader) givenHost(n *yaml.Node, source string, rest []piece) {
	switch {
	case !operatorValue.MatchString(source):
		l.report.Add(n, msgURL)
	case len(rest) > 0 && !strings.HasPrefix(rest[0].literal, "/") && !strings.HasPrefix(rest[0].literal, "?"):
		l.report.Add(n, msgURLGoesOn, source)
	}
}

// writtenHost checks an address that begins with text. A / ends the host, and
// the user before an @ with it, before anything is filled in.
func (l *loader) writtenHost(n *yaml.Node, literal string, filled bool) {
	scheme, rest, ok := strings.Cut(literal, "://")
	switch {
	case !ok || scheme != "http" && scheme != "https":
		l.report.Add(n, msgURL)
	case filled && strings.IndexByte(rest, '/') < 1:
		l.report.Add(n, msgURLHost)
	}
}

func (*httpVerb) outcomes() []string { return []string{"ok", "error"} }

func (*httpVerb) says() []prompts { return nil }

func (v *httpVerb) run(ctx context.Context, r *Run, n *node) (string, error) {
	request := Request{Method: v.method, Header: map[string]string{"Accept": "application/json"}, Timeout: v.timeout}
	env := r.env()
	var err error
	if request.URL, err = v.address(env); errors.Is(err, errDotSegment) {
		r.note("the address would lead elsewhere", n)
		return "error", nil
	} else if err != nil {
		return "", err
	}
	for _, name := range sortedKeys(v.headers) {
		if request.Header[name], err = v.headers[name].header(env); err != nil {
			return "", err
		}
	}
	if v.json != nil {
		request.Header["Content-Type"] = "application/json"
		if request.Body, err = v.json.encode(env, r.secrets); err != nil {
			return "", err
		}
		defer clear(request.Body) // it may hold a secret
	}
	return v.fetch(ctx, r, n, request)
}

// fetch maps what came back to an outcome; into is filled on a 2xx only.
func (v *httpVerb) fetch(ctx context.Context, r *Run, n *node, request Request) (string, error) {
	limited, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	response, err := r.ports.Fetcher.Fetch(limited, request)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if errors.Is(err, ErrHangup) {
		return "", err
	}
	if err != nil || len(response.Body) > maxBody {
		// The error itself may quote the address, which may hold what the
		// caller entered.
		r.note("no answer", n, "timeout", errors.Is(err, context.DeadlineExceeded), "too_large", err == nil)
		return "error", nil
	}
	status := strconv.Itoa(response.Status)
	_, handled := n.on[status]
	good := response.Status >= 200 && response.Status <= 299
	// Where the flow names the status, it knows that there may be nothing in it.
	empty := handled && len(response.Body) == 0
	if good && v.into != "" && !empty && !r.store(v.into, response.Body) {
		r.note("the answer is no JSON", n)
		return "error", nil
	}
	if handled {
		return status, nil
	}
	if good {
		return "ok", nil
	}
	return "error", nil
}

// errDotSegment says that a value would take an address out of its place.
var errDotSegment = errors.New("fill address: dots would be a part of the path")

// address fills the URL in; values within it are escaped, so that they stay
// within their place. Escaping does not help against dots, which every client
// and server resolves (RFC 3986 §5.2.4): such an address is refused.
func (v *httpVerb) address(env map[string]any) (string, error) {
	base, rest := "", strings.Builder{}
	for i, p := range v.url.pieces {
		if p.expr == nil {
			rest.WriteString(p.literal)
			continue
		}
		value, err := p.plain(env)
		if err != nil {
			return "", err
		}
		if i == 0 {
			base = value
			continue
		}
		rest.WriteString(escape(value))
	}
	if hasDotSegment(rest.String()) {
		return "", errDotSegment
	}
	return base + rest.String(), nil
}

// hasDotSegment looks at the path of an address, or of its end: several
// values, or a value and text, may make dots only together.
func hasDotSegment(address string) bool {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		address = address[:i]
	}
	segments := strings.Split(address, "/")
	return slices.Contains(segments, ".") || slices.Contains(segments, "..")
}

// escape percent-encodes all but the unreserved characters (RFC 3986 §2.3).
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (t *text) header(env map[string]any) (string, error) {
	value, err := t.plain(env)
	if err == nil && strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		return "", errors.New("fill header: it would hold control characters")
	}
	return value, err
}

// store puts a JSON answer into a variable.
func (r *Run) store(name string, body []byte) bool {
	var value any
	if json.Unmarshal(body, &value) != nil {
		return false
	}
	r.vars[name] = value
	return true
}
