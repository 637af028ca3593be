package ivr

import (
	"encoding/json"
	"errors"

	"go.yaml.in/yaml/v3"
)

// jsonValue is the body of an http node: parts of JSON as written and
// expressions between them, in order.
type jsonValue struct{ parts []jsonPart }

type jsonPart struct {
	raw  []byte
	text *text
}

func (l *loader) json(n *yaml.Node) *jsonValue {
	v := &jsonValue{}
	v.add(l, n)
	return v
}

func (v *jsonValue) raw(s string) { v.parts = append(v.parts, jsonPart{raw: []byte(s)}) }

func (v *jsonValue) add(l *loader, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		v.object(l, n)
	case yaml.SequenceNode:
		v.raw("[")
		for i, item := range n.Content {
			if i > 0 {
				v.raw(",")
			}
			v.add(l, item)
		}
		v.raw("]")
	default:
		v.scalar(l, n)
	}
}

func (v *jsonValue) object(l *loader, n *yaml.Node) {
	m := l.report.Map(n, "json")
	v.raw("{")
	for i, e := range m.Entries {
		if i > 0 {
			v.raw(",")
		}
		v.raw(string(quoted(e.Name)) + ":")
		v.add(l, e.Value)
	}
	v.raw("}")
}

func (v *jsonValue) scalar(l *loader, n *yaml.Node) {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		if n.Value == "" {
			v.raw(`""`)
			return
		}
		t := l.parseText(n, "a value of json", false)
		if whole := t.whole(); whole != nil {
			whole.inJSON = true
		}
		v.parts = append(v.parts, jsonPart{text: t})
	default:
		var literal any
		b, err := []byte("null"), n.Decode(&literal)
		if err == nil {
			b, err = json.Marshal(literal)
		}
		if err != nil {
			l.report.Add(n, msgJSON, n.Value)
			return
		}
		v.raw(string(b))
	}
}

func quoted(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`) // a string always marshals
	}
	return b
}

var errBodyTooLarge = errors.New("encode body: larger than 64 KiB")

// encode writes the body into one buffer of the right size, so that no second
// copy of a secret is left behind. Whoever sends it wipes it.
func (v *jsonValue) encode(env map[string]any, secrets map[string]Secret) ([]byte, error) {
	chunks := make([][]byte, len(v.parts))
	size := 0
	for i, p := range v.parts {
		var err error
		if chunks[i], err = p.chunk(env, secrets); err != nil {
			return nil, err
		}
		size += len(chunks[i]) + len(`""`)
	}
	if size > maxBody {
		return nil, errBodyTooLarge
	}
	body := make([]byte, 0, size)
	for i, p := range v.parts {
		if p.secret() {
			body = append(body, '"')
			body = append(body, chunks[i]...)
			body = append(body, '"')
			continue
		}
		body = append(body, chunks[i]...)
	}
	return body, nil
}

func (p jsonPart) secret() bool {
	return p.text != nil && p.text.whole() != nil && p.text.whole().secret != ""
}

// chunk is the part's JSON; of a secret, the keys themselves: they are digits
// and need no escaping.
func (p jsonPart) chunk(env map[string]any, secrets map[string]Secret) ([]byte, error) {
	if p.text == nil {
		return p.raw, nil
	}
	whole := p.text.whole()
	switch {
	case p.secret():
		return secrets[whole.secret].Reveal(), nil
	case whole == nil:
		s, err := p.text.plain(env)
		return quoted(s), err
	}
	value, err := whole.eval(env)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(value)
	if err != nil {
		return nil, errors.New("encode body: a value has no JSON form")
	}
	return b, nil
}
