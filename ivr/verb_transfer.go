package ivr

import (
	"context"
	"regexp"
	"time"

	"go.yaml.in/yaml/v3"
)

// transferVerb hands the caller over: when they have talked the call ends. One
// of queue and number is set.
type transferVerb struct {
	queue  *enqueueVerb
	number *connectVerb
}

func (l *loader) transfer(n *node, value *yaml.Node) verb {
	if value.Kind != yaml.MappingNode {
		return &transferVerb{queue: l.waiting(n, nil, value)}
	}
	switch queue, number := has(value, "queue"), has(value, "number"); {
	case queue == number:
		l.report.Add(value, msgTransfer, n.name)
		return nil
	case number:
		return &transferVerb{number: l.ringing(n, value)}
	}
	m := l.report.Map(value, "transfer to a queue", enqueueKeys()...)
	return &transferVerb{queue: l.waiting(n, m, m.Get("queue"))}
}

// has looks for a key before it is known which others may stand beside it.
func has(n *yaml.Node, key string) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// transferRing is how long a number rings unless it is said.
const transferRing = 45 * time.Second

// ringing reads a transfer to a number.
func (l *loader) ringing(n *node, value *yaml.Node) *connectVerb {
	m := l.report.Map(value, "transfer to a number", "number", "timeout", "while", "caller_id")
	number := m.Get("number")
	v := &connectVerb{timeout: transferRing, to: []*text{l.parseText(number, "number of node "+n.name, false)}}
	if fixed, ok := v.to[0].constant(); ok && fixed != "" && !isNumber(fixed) {
		l.report.Add(number, msgNumber, fixed)
	}
	l.duration(m, "timeout", &v.timeout, time.Second, 3*time.Minute)
	if hold := m.Get("while"); hold != nil {
		v.hold = prompts{at: hold, files: l.files(hold, "while of node "+n.name)}
	}
	if id := m.Get("caller_id"); id != nil {
		v.callerID = l.parseText(id, "caller_id of node "+n.name, false)
	}
	return v
}

// outcomes are failures only, and none of them must be handled.
func (*transferVerb) outcomes() []string { return []string{"busy", "noanswer", "failed", "timeout"} }

func (v *transferVerb) says() []prompts {
	if v.queue != nil {
		return v.queue.says()
	}
	return v.number.says()
}

func (v *transferVerb) run(ctx context.Context, r *Run, n *node) (string, error) {
	outcome, err := v.hand(ctx, r)
	if err != nil {
		return "", err
	}
	if _, handled := r.top().flow.resolve(n, outcome); !handled {
		return "", errDone
	}
	return outcome, nil
}

// hand is "" when they have talked.
func (v *transferVerb) hand(ctx context.Context, r *Run) (string, error) {
	if v.queue != nil {
		result, err := v.queue.wait(ctx, r)
		return map[EnqueueResult]string{EnqueueTimeout: "timeout", EnqueueFailed: "failed"}[result], err
	}
	number, err := v.number.to[0].plain(r.env())
	if err != nil {
		return "", err
	}
	if !isNumber(number) { // else it would be taken for a person
		return "failed", nil
	}
	result, err := v.number.run(ctx, r, nil)
	return map[string]string{string(ConnectBusy): "busy", string(ConnectNoAnswer): "noanswer", string(ConnectFailed): "failed"}[result], err
}

var numberForm = regexp.MustCompile(`^\+?[0-9]{2,20}$`)

// isNumber is E.164 with or without its plus, or a short internal number.
func isNumber(s string) bool { return numberForm.MatchString(s) }

// waits is how a node lets the caller wait in a queue; nil where it does not.
func (n *node) waits() *enqueueVerb {
	switch v := n.verb.(type) {
	case *enqueueVerb:
		return v
	case *transferVerb:
		return v.queue
	}
	return nil
}

// voicemailVerb takes a message for somebody.
type voicemailVerb struct {
	*recordVerb

	mailbox string
}

// mailboxForm holds the names of queues and of people.
var mailboxForm = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

func (l *loader) voicemail(n *node, value *yaml.Node) verb {
	m := l.report.Map(value, "voicemail", recordKeys("mailbox")...)
	if m == nil {
		return nil
	}
	v := &voicemailVerb{recordVerb: l.taking(n, m)}
	if m.Get("max") == nil {
		v.longest = 3 * time.Minute
	}
	if m.Get("min") == nil {
		v.least = 2 * time.Second
	}
	mailbox := l.report.Need(m, "mailbox", "voicemail "+n.name)
	if name, ok := l.report.String(mailbox, "mailbox"); ok {
		if v.mailbox = name; !mailboxForm.MatchString(name) {
			l.report.Add(mailbox, msgMailbox, name)
		}
	}
	return v
}

func (*voicemailVerb) outcomes() []string { return []string{"ok", "empty"} }

func (v *voicemailVerb) run(ctx context.Context, r *Run, n *node) (string, error) {
	return v.take(ctx, r, Record{MessageTag: n.name, Mailbox: v.mailbox}, "empty")
}
