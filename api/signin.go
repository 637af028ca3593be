package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/recordings"
)

// Login is the body of POST /api/v1/login.
type Login struct {
	Username string          `json:"username"`
	Password identity.Secret `json:"password"`
	// Code is for a second factor; nobody has one yet, and it is not looked at.
	Code identity.Secret `json:"code,omitzero"`
}

// LoggedIn is the answer: the token is for programs; a browser has its cookie.
type LoggedIn struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
	Person    Me        `json:"person"`
}

// Me says who is signed in and what they may.
type Me struct {
	Name    string            `json:"name"`
	Display string            `json:"display"`
	Roles   []identity.Role   `json:"roles"`
	Groups  []string          `json:"groups"`
	Rights  map[string]string `json:"rights"` // right → own, groups, all
	// Queues are those to which an agent may give a caller, also those that they
	// may not look into.
	Queues []string `json:"queues,omitempty"`
}

func (s *Server) meOf(p identity.Person) Me {
	rights := map[string]string{}
	for _, r := range identity.Rights() {
		if scope := p.Scope(r); scope != identity.None {
			rights[string(r)] = scope.String()
		}
	}
	groups := p.Groups
	if groups == nil {
		groups = []string{}
	}
	me := Me{Name: p.Name, Display: p.Display, Roles: p.Roles, Groups: groups, Rights: rights}
	if slices.Contains(p.Roles, identity.Agent) {
		me.Queues = s.config.Queues
	}
	return me
}

func (s *Server) login(w http.ResponseWriter, r *http.Request, v visitor) error {
	if !s.logins.allow(v.ip, time.Now()) {
		s.counts.signIns.Inc("limited")
		return problem(http.StatusTooManyRequests, "rate", "Too many tries from your address: wait a minute.").after(time.Minute)
	}
	var body Login
	if err := readJSON(r, &body); err != nil {
		return err
	}
	person, in, token, err := s.People.SignIn(r.Context(), identity.Credentials{
		Name: body.Username, Password: body.Password, IP: v.ip, Agent: r.UserAgent(),
	})
	if err != nil {
		s.loginFailed(r.Context(), v, err)
		return err
	}
	v.Person, v.signIn = person, in
	note(w, person.Name)
	if err := s.audit(r.Context(), v, "login", in.ID, ""); err != nil {
		return errors.Join(err, s.People.SignOut(context.WithoutCancel(r.Context()), token))
	}
	s.counts.signIns.Inc("ok")
	http.SetCookie(w, s.cookie(token.Reveal(), int(time.Until(in.ExpiresAt).Seconds())))
	return answer(w, http.StatusOK, LoggedIn{token.Reveal(), in.ExpiresAt, s.meOf(person)})
}

// loginFailed audits a failure as well as it can: an audit that cannot be
// written must not change the answer. An unknown name may be a password in the
// wrong field and is kept nowhere.
func (s *Server) loginFailed(ctx context.Context, v visitor, err error) {
	result, name := "error", ""
	if e, ok := errors.AsType[*identity.LoginError](err); ok {
		name = e.Account
	}
	switch {
	case errors.Is(err, identity.ErrLogin):
		result = "refused"
	case errors.Is(err, identity.ErrLocked):
		result = "locked"
	case errors.Is(err, identity.ErrBusy):
		result = "busy"
	}
	s.counts.signIns.Inc(result)
	if result != "refused" {
		return
	}
	if err := s.audit(ctx, v, "login.failed", name, ""); err != nil {
		s.Log.Warn("failed login not audited", "error", err)
	}
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request, v visitor) error {
	if err := s.People.SignOut(r.Context(), v.token); err != nil && !errors.Is(err, identity.ErrNoSignIn) {
		return err
	}
	if err := s.audit(r.Context(), v, "logout", v.signIn.ID, ""); err != nil {
		s.Log.Warn("logout not audited", "error", err) // who wants out gets out
	}
	http.SetCookie(w, s.cookie("", -1))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) me(w http.ResponseWriter, _ *http.Request, v visitor) error {
	return answer(w, http.StatusOK, s.meOf(v.Person))
}

// cookieName has the prefix that browsers bind to TLS, host and path (RFC
// 6265bis §4.1.3) where there is TLS.
func (s *Server) cookieName() string {
	if s.config.secure() {
		return "__Host-ivrd"
	}
	return "ivrd"
}

func (s *Server) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.config.secure(), SameSite: http.SameSiteStrictMode,
	}
}

// readJSON reads one JSON object without unknown fields.
func readJSON(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return problem(http.StatusUnsupportedMediaType, "media-type", "Send JSON with Content-Type: application/json.")
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem(http.StatusRequestEntityTooLarge, "too-large", "The body is larger than 64 kB.")
	}
	if err != nil {
		return problem(http.StatusBadRequest, "bad-json", "The body is not the JSON object that is expected.")
	}
	return nil
}

// auditLimit is how long an audit entry may take to be durable.
const auditLimit = 5 * time.Second

// audit writes an entry, and fails as unavailable when that cannot be done. It
// goes on when the reader hangs up: what was begun is on record.
func (s *Server) audit(ctx context.Context, v visitor, action, object, reason string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditLimit)
	defer cancel()
	actor := v.Name
	if actor == "" {
		actor = "-"
	}
	err := s.Archive.Audit(ctx, recordings.AuditEntry{
		At: time.Now(), Actor: actor, Role: v.roles(), Action: action, Object: object, Reason: reason, IP: v.ip.String(),
	})
	if err != nil {
		s.Log.Error("audit entry not written", "action", action, "error", err)
		return unavailable("The audit log cannot be written, and nothing is done without it.")
	}
	return nil
}
