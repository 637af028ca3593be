package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/ivrd/ivrd/identity"
)

type userCmd struct {
	Add       userAddCmd       `cmd:"" help:"Add a person; asks for the password (or reads it from standard input)."`
	List      userListCmd      `cmd:"" help:"List people."`
	Password  userPasswordCmd  `cmd:"" help:"Set a person's password and end their sign-ins."`
	Disable   userDisableCmd   `cmd:"" help:"Shut a person out, at once."`
	Enable    userEnableCmd    `cmd:"" help:"Let a person in again."`
	SIPSecret userSIPSecretCmd `cmd:"" name:"sip-secret" help:"Make a new secret for a person's SIP phone; shown once."`
}

// withPeople opens the people of the configured server.
func withPeople(ctx context.Context, c configured, do func(*identity.People) error) error {
	return withData(c, func(d *data) error {
		if err := d.openPeople(ctx); err != nil {
			return err
		}
		if dir, err := filepath.Abs(d.file.Data.Dir); err == nil {
			fmt.Fprintln(os.Stderr, "people of", dir) // another directory, another house
		}
		return hinted(do(d.people))
	})
}

// hinted adds what to do about the faults that a user meets.
func hinted(err error) error {
	switch {
	case errors.Is(err, identity.ErrNotFound):
		return fmt.Errorf("%w (hint: ivrd user list)", err)
	default:
		return err
	}
}

type userAddCmd struct {
	configured `embed:""`
	Name       string   `arg:"" help:"What they sign in with: a-z, 0-9, dot, dash, underscore."`
	Role       []string `required:"" help:"agent, supervisor, auditor or admin; may be given several times."`
	Group      []string `help:"Skill groups; * is every group."`
	Display    string   `help:"Name as others see it."`
}

func (u userAddCmd) Run(ctx context.Context) error {
	return withPeople(ctx, u.configured, func(p *identity.People) error {
		password, err := askPassword()
		if err != nil {
			return err
		}
		person := identity.Person{Name: u.Name, Display: u.Display, Groups: u.Group, Enabled: true}
		for _, r := range u.Role {
			person.Roles = append(person.Roles, identity.Role(r))
		}
		secret, err := p.Add(ctx, person, password)
		if err != nil {
			return err
		}
		fmt.Printf("added %s\nsecret of their SIP phone (shown once): %s\n", u.Name, secret.Reveal())
		return nil
	})
}

// askPassword asks on a terminal, without showing it, or reads one line.
func askPassword() (identity.Secret, error) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		fmt.Fprint(os.Stderr, "password: ")
		b, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		return identity.NewSecret(string(b)), err
	}
	line, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if line == "" && err != nil {
		return identity.Secret{}, errors.New("read password: standard input is empty (hint: echo PASSWORD | ivrd user …)")
	}
	return identity.NewSecret(strings.TrimRight(line, "\r\n")), nil
}

type userListCmd struct {
	configured `embed:""`
}

func (u userListCmd) Run(ctx context.Context) error {
	return withPeople(ctx, u.configured, func(p *identity.People) error {
		people, err := p.List(ctx)
		for _, who := range people {
			state := ""
			if !who.Enabled {
				state = "  disabled"
			}
			fmt.Printf("%-12s %-24s %v %v%s\n", who.Name, who.Display, who.Roles, who.Groups, state)
		}
		return err
	})
}

type userPasswordCmd struct {
	configured `embed:""`
	Name       string `arg:"" help:"Whose."`
}

func (u userPasswordCmd) Run(ctx context.Context) error {
	return withPeople(ctx, u.configured, func(p *identity.People) error {
		password, err := askPassword()
		if err != nil {
			return err
		}
		return p.SetPassword(ctx, u.Name, password)
	})
}

type userDisableCmd struct {
	configured `embed:""`
	Name       string `arg:"" help:"Whom."`
}

func (u userDisableCmd) Run(ctx context.Context) error {
	return withPeople(ctx, u.configured, func(p *identity.People) error { return p.SetEnabled(ctx, u.Name, false) })
}

type userEnableCmd struct {
	configured `embed:""`
	Name       string `arg:"" help:"Whom."`
}

func (u userEnableCmd) Run(ctx context.Context) error {
	return withPeople(ctx, u.configured, func(p *identity.People) error { return p.SetEnabled(ctx, u.Name, true) })
}

type userSIPSecretCmd struct {
	configured `embed:""`
	Name       string `arg:"" help:"Whose phone."`
}

func (u userSIPSecretCmd) Run(ctx context.Context) error {
	return withPeople(ctx, u.configured, func(p *identity.People) error {
		secret, err := p.NewPhoneSecret(ctx, u.Name)
		if err != nil {
			return err
		}
		fmt.Println(secret.Reveal())
		return nil
	})
}
