// Package identity knows the people who work with ivrd: their names, roles and
// rights, passwords, sign-ins and the secrets of their SIP phones.
package identity

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// Person is somebody who may sign in.
type Person struct {
	// Name is what they sign in with and what their phone registers as:
	// 1-64 of a-z, 0-9, dot, dash and underscore.
	Name    string `json:"name"`
	Display string `json:"display"`
	Roles   []Role `json:"roles"`
	// Groups are the skill groups (queues) that they work in or look after;
	// "*" is every group.
	Groups  []string `json:"groups"`
	Enabled bool     `json:"enabled"`
}

// AllGroups in Person.Groups stands for every group.
const AllGroups = "*"

// InGroup reports whether a group is among the person's. No group ("") is only
// among those of a person with all.
func (p Person) InGroup(group string) bool {
	return slices.Contains(p.Groups, AllGroups) || group != "" && slices.Contains(p.Groups, group)
}

// Errors of the package. ErrLogin says nothing about what was wrong.
var (
	ErrNotFound = errors.New("no such person")
	ErrExists   = errors.New("the name is taken")
	ErrLogin    = errors.New("wrong name or password")
	ErrLocked   = errors.New("too many failures: wait 15 minutes")
	ErrBusy     = errors.New("too many sign-ins at once: try again in a moment")
	ErrNoSignIn = errors.New("not signed in")
)

// longest texts of a person, in bytes.
const (
	maxName    = 64
	maxDisplay = 128
	maxGroups  = 100
)

func (p Person) check() error {
	if !ValidName(p.Name) {
		return fmt.Errorf("check name %q: want 1 to %d of a-z, 0-9, dot, dash, underscore", p.Name, maxName)
	}
	if len(p.Display) > maxDisplay || !printable(p.Display) {
		return fmt.Errorf("check display name of %s: want at most %d printable bytes", p.Name, maxDisplay)
	}
	if len(p.Roles) == 0 {
		return fmt.Errorf("check roles of %s: want one at least of %v", p.Name, Roles())
	}
	for _, r := range p.Roles {
		if !slices.Contains(Roles(), r) {
			return fmt.Errorf("check roles of %s: %q is none of %v", p.Name, r, Roles())
		}
	}
	if len(p.Groups) > maxGroups {
		return fmt.Errorf("check groups of %s: %d are more than %d", p.Name, len(p.Groups), maxGroups)
	}
	for _, g := range p.Groups {
		if g != AllGroups && !ValidName(g) {
			return fmt.Errorf("check groups of %s: %q is no name of a group", p.Name, g)
		}
	}
	return nil
}

// ValidName reports whether s can be the name of a person or a group.
func ValidName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// Account is a person with what proves them, as it is stored.
type Account struct {
	Person
	// PasswordHash is in the PHC format, with its parameters.
	PasswordHash string
	// Demo marks the demo password, which production refuses.
	Demo      bool
	CreatedAt time.Time
}

// PhoneSecret is the digest secret of a person's phone for one realm and
// algorithm: the hash H(user:realm:secret), sealed, for it serves as well as
// the secret itself (RFC 8760, RFC 7616).
type PhoneSecret struct {
	Name, Realm, Algorithm string
	Sealed                 []byte
}

// SignIn is a person's time with the pages or the API.
type SignIn struct {
	// ID names the sign-in in lists and audit entries; it opens nothing.
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at"`
	// ExpiresAt is its end at the latest, however busy it is.
	ExpiresAt time.Time `json:"expires_at"`
	IP        string    `json:"ip"`
	Agent     string    `json:"agent"` // of the browser; never trusted
}
