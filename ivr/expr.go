package ivr

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
	"go.yaml.in/yaml/v3"
)

// Bounds of expressions and texts: far above what a flow needs, far below
// what would be felt by another call.
const (
	maxText        = 4000
	maxVariables   = 500 // of all flows together
	maxExpression  = 500
	maxNodesInTree = 200
	maxMemory      = 10_000 // elements that one evaluation may make
	maxValue       = 64 << 10
	lengthSuffix   = "__len" // names cannot hold two underscores in a row
)

// kind is what an expression must give.
type kind uint8

const (
	anyKind kind = iota
	boolKind
	numberKind
)

// expression is one formula of a flow. Exactly one of program and secret is
// set once the flow has been loaded without fault.
type expression struct {
	source  string
	at      *yaml.Node
	kind    kind
	inJSON  bool // a secret may stand here by itself
	program *vm.Program
	secret  string
	env     []string // names used as env.NAME
}

// variable is a name that the flows of a set give values to.
type variable struct {
	secret bool
	typ    types.Type // nil until known
	zero   any
	sets   []*expression
}

func (l *loader) expression(at *yaml.Node, source string, k kind) *expression {
	e := &expression{source: strings.TrimSpace(source), at: at, kind: k}
	switch {
	case e.source == "":
		l.report.Add(at, msgEmptyExpression)
	case len(e.source) > maxExpression:
		l.report.Add(at, msgExpressionTooLong, maxExpression)
	default:
		l.expressions = append(l.expressions, e)
	}
	return e
}

// builtins are expr's functions that flows may use: pure, and each of them
// linear in its input. Those that take a closure nest loops and are not.
func builtins() []string {
	return []string{
		"len", "abs", "ceil", "floor", "round", "int", "float", "string", "trim", "trimPrefix", "trimSuffix",
		"upper", "lower", "split", "join", "indexOf", "hasPrefix", "hasSuffix", "max", "min", "first", "last", "get", "keys", "values",
	}
}

// reserved are names that variables cannot have: those the environment gives,
// and the words of the expression language.
func reserved() []string {
	return []string{
		"language", "caller", "config", "env", "now", "queue", "asked", "hours", "holiday", "true", "false", "nil", "not", "and", "or", "in",
		"let", "if", "else", "matches", "contains", "startswith", "endswith",
	}
}

// typesOf is the environment as the type checker sees it.
func typesOf(vars map[string]*variable) types.Map {
	day := types.TypeOf(func(string) bool { return false })
	env := types.Map{
		"language": types.String,
		"caller":   types.Map{"from": types.String, "to": types.String, "trusted": types.Bool},
		"env":      types.TypeOf(map[string]string{}),
		"config":   types.TypeOf(map[string]any{}),
		"now": types.Map{
			"year": types.Int, "month": types.Int, "day": types.Int, "hour": types.Int, "minute": types.Int,
			"weekday": types.String, "date": types.String, "time": types.String,
		},
		"queue":   types.Map{"position": types.Int, "minutes": types.Int},
		"asked":   types.Map{"intent": types.String, "text": types.String, "difficulty": types.Int},
		"hours":   day,
		"holiday": day,
	}
	for name, v := range vars {
		switch {
		case v.secret:
			env[name] = types.TypeOf(Secret{})
			env[name+lengthSuffix] = types.Int
		case v.typ == nil:
			env[name] = types.Any
		default:
			env[name] = v.typ
		}
	}
	return env
}

// nowValue is the environment's now.
func nowValue(t time.Time) map[string]any {
	return map[string]any{
		"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "minute": t.Minute(),
		"weekday": strings.ToLower(t.Weekday().String()[:3]), "date": t.Format(time.DateOnly), "time": t.Format("15:04"),
	}
}

// compile checks one expression of a flow and makes it ready to run. faults
// takes what is wrong; nil means that nobody wants to know yet.
func (e *expression) compile(f *Flow, vars map[string]*variable, fault func(*yaml.Node, message, ...any)) reflect.Type {
	if v := vars[e.source]; e.inJSON && v != nil && v.secret {
		e.secret = e.source
		return nil
	}
	look := &inspector{flow: f, vars: vars}
	options := []expr.Option{expr.Env(typesOf(vars)), expr.MaxNodes(maxNodesInTree), expr.DisableAllBuiltins(), expr.Patch(look)}
	for _, name := range builtins() {
		options = append(options, expr.EnableBuiltin(name))
	}
	switch e.kind {
	case boolKind:
		options = append(options, expr.AsBool())
	case numberKind:
		options = append(options, expr.AsFloat64())
	}
	program, err := expr.Compile(e.source, options...)
	if fault != nil && look.report(e, fault) {
		return nil
	}
	if err != nil {
		if fault != nil {
			fault(e.at, msgExpression, e.source, reason(err))
		}
		return nil
	}
	e.program, e.env = program, slices.Sorted(maps.Keys(look.env))
	return program.Node().Type()
}

// reason is the first line of expr's error, without its picture of the source.
func reason(err error) string {
	if at, ok := errors.AsType[*file.Error](err); ok {
		return at.Message
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// inspector looks at the tree of an expression before its types are checked:
// it lets secrets through where only their length matters, and gathers the
// names that are looked up when a flow runs.
type inspector struct {
	flow    *Flow
	vars    map[string]*variable
	names   []*ast.IdentifierNode // secrets where they stand
	env     map[string]bool
	unknown []string // tables of hours that do not exist
	dynamic bool     // hours() of something that is not written out
	loop    string   // a function that takes a formula, which could nest loops
}

// Visit is called for children before their parents.
func (i *inspector) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if v := i.vars[n.Value]; v != nil && v.secret && !slices.Contains(i.names, n) {
			i.names = append(i.names, n)
		}
	case *ast.BuiltinNode:
		if !slices.Contains(builtins(), n.Name) {
			i.loop = n.Name
		}
		if n.Name == "len" && len(n.Arguments) == 1 {
			i.lengthOf(node, n.Arguments[0])
		}
	case *ast.CallNode:
		i.call(n)
	case *ast.BinaryNode:
		i.comparison(n)
	case *ast.MemberNode:
		i.member(n)
	}
}

// take reports whether n is a secret, which is then used as it may be.
func (i *inspector) take(n ast.Node) (name string, ok bool) {
	id, ok := n.(*ast.IdentifierNode)
	if !ok || !slices.Contains(i.names, id) {
		return "", false
	}
	i.names = slices.DeleteFunc(i.names, func(other *ast.IdentifierNode) bool { return other == id })
	return id.Value + lengthSuffix, true
}

func (i *inspector) lengthOf(node *ast.Node, argument ast.Node) {
	if name, ok := i.take(argument); ok {
		ast.Patch(node, &ast.IdentifierNode{Value: name})
	}
}

// comparison lets pin == "" and pin != "" through, as questions of length.
func (i *inspector) comparison(n *ast.BinaryNode) {
	if n.Operator != "==" && n.Operator != "!=" {
		return
	}
	for _, sides := range [][2]*ast.Node{{&n.Left, &n.Right}, {&n.Right, &n.Left}} {
		if empty, ok := (*sides[1]).(*ast.StringNode); !ok || empty.Value != "" {
			continue
		}
		if name, ok := i.take(*sides[0]); ok {
			*sides[0], *sides[1] = &ast.IdentifierNode{Value: name}, &ast.IntegerNode{Value: 0}
			return
		}
	}
}

func (i *inspector) call(n *ast.CallNode) {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if !ok || id.Value != "hours" && id.Value != "holiday" {
		return
	}
	if len(n.Arguments) != 1 {
		return // the type checker says so
	}
	table, ok := n.Arguments[0].(*ast.StringNode)
	switch {
	case !ok:
		i.dynamic = true
	case i.flow.hours[table.Value] == nil && !slices.Contains(i.unknown, table.Value):
		i.unknown = append(i.unknown, table.Value)
	}
}

func (i *inspector) member(n *ast.MemberNode) {
	id, ok := n.Node.(*ast.IdentifierNode)
	property, literal := n.Property.(*ast.StringNode)
	if ok && literal && id.Value == "env" {
		if i.env == nil {
			i.env = map[string]bool{}
		}
		i.env[property.Value] = true
	}
}

func (i *inspector) report(e *expression, fault func(*yaml.Node, message, ...any)) bool {
	for _, n := range i.names {
		fault(e.at, msgSecret, n.Value)
	}
	for _, name := range i.unknown {
		fault(e.at, msgHours, name)
	}
	if i.dynamic {
		fault(e.at, msgHoursName)
	}
	if i.loop != "" {
		fault(e.at, msgFunction, i.loop, strings.Join(builtins(), ", "))
	}
	return len(i.names) > 0 || len(i.unknown) > 0 || i.dynamic || i.loop != ""
}

// eval runs a compiled expression. Its errors name the formula, never a value.
func (e *expression) eval(env map[string]any) (any, error) {
	if e.program == nil {
		return nil, fmt.Errorf("evaluate %q: not compiled", e.source)
	}
	machine := vm.VM{MemoryBudget: maxMemory}
	v, err := machine.Run(e.program, env)
	if err != nil {
		return nil, fmt.Errorf("evaluate %q: it has no value", e.source)
	}
	if s, ok := v.(string); ok && len(s) > maxValue {
		return nil, fmt.Errorf("evaluate %q: longer than %d bytes", e.source, maxValue)
	}
	return v, nil
}
