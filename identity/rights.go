package identity

import "slices"

// Role is what a person is to the centre.
type Role string

// The roles.
const (
	Agent      Role = "agent"
	Supervisor Role = "supervisor"
	Auditor    Role = "auditor"
	Admin      Role = "admin"
)

// Roles lists all.
func Roles() []Role { return []Role{Agent, Supervisor, Auditor, Admin} }

// Right is something that a person may do.
type Right string

// The rights.
const (
	CallsRead      Right = "calls.read"
	RecordingsPlay Right = "recordings.play"
	NumbersUnmask  Right = "numbers.unmask" // see a caller's full number, audited
	MonitorCalls   Right = "calls.monitor"  // listen, whisper, barge, take over
	AgentsState    Right = "agents.state"   // see agents, set who is ready or away
	AuditRead      Right = "audit.read"
	PeopleManage   Right = "people.manage"
)

// Rights lists all.
func Rights() []Right {
	return []Right{CallsRead, RecordingsPlay, NumbersUnmask, MonitorCalls, AgentsState, AuditRead, PeopleManage}
}

// Scope says for which calls a right holds. Scopes are ordered: a greater one
// holds all of a smaller.
type Scope uint8

// The scopes. What has no calls (audit, people) is All or None.
const (
	None   Scope = iota
	Own          // calls in which the person was the agent
	Groups       // those and the calls of the person's groups
	All
)

func (s Scope) String() string {
	return [...]string{"none", "own", "groups", "all"}[s]
}

// table is the one place where roles become rights. An admin runs the system
// and hears no one; only an auditor reads the audit log, so that who is watched
// is not who watches.
func table(role Role, right Right) Scope {
	switch role {
	case Agent:
		switch right {
		case CallsRead:
			return Groups
		case RecordingsPlay, AgentsState:
			return Own
		}
	case Supervisor:
		switch right {
		case CallsRead, RecordingsPlay, NumbersUnmask, MonitorCalls, AgentsState:
			return Groups
		}
	case Auditor:
		switch right {
		case CallsRead, RecordingsPlay, NumbersUnmask, AuditRead:
			return All
		}
	case Admin:
		switch right {
		case CallsRead, PeopleManage:
			return All
		}
	}
	return None
}

// Scope of a right: the widest that one of the person's roles gives. A person
// who is not enabled has none.
func (p Person) Scope(right Right) Scope {
	scope := None
	if !p.Enabled {
		return scope
	}
	for _, role := range p.Roles {
		scope = max(scope, table(role, right))
	}
	return scope
}

// MayAgent reports whether the person has AgentsState over an agent, by the
// agent's queues.
func (p Person) MayAgent(agent string, queues []string) bool {
	switch p.Scope(AgentsState) {
	case All:
		return true
	case Groups:
		return agent == p.Name || slices.ContainsFunc(queues, p.InGroup)
	case Own:
		return agent == p.Name
	}
	return false
}

// MayCall reports whether the person has a right over a call, by the call's
// queue and agent.
func (p Person) MayCall(right Right, queue, agent string) bool {
	switch p.Scope(right) {
	case All:
		return true
	case Groups:
		return agent == p.Name || p.InGroup(queue)
	case Own:
		return agent == p.Name
	}
	return false
}
