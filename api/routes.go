package api

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/ivrd/ivrd/identity"
)

// visitor is whoever makes a request: on public routes nobody.
type visitor struct {
	identity.Person
	signIn identity.SignIn
	token  identity.Secret
	ip     netip.Addr
}

func (v visitor) roles() string {
	var names []string
	for _, r := range v.Roles {
		names = append(names, string(r))
	}
	return strings.Join(names, ",")
}

// access says who may come in at a route.
type access uint8

const (
	public   access = iota
	signedIn        // anybody who is signed in, with the route's right if it has one
)

// route is one line of the surface. A handler that returns an error has
// written nothing; the error becomes a problem.
type route struct {
	method, path string
	access       access
	right        identity.Right
	handle       func(http.ResponseWriter, *http.Request, visitor) error
}

// routes is the whole surface: the mux, the OpenAPI test and the tests of
// rights read it.
func (s *Server) routes() []route {
	all := []route{
		{"POST", "/api/v1/login", public, "", s.login},
		{"POST", "/api/v1/logout", signedIn, "", s.logout},
		{"GET", "/api/v1/me", signedIn, "", s.me},
		{"GET", "/api/v1/site", public, "", s.site},
		{"GET", "/api/v1/events", signedIn, "", s.events},
		{"POST", "/api/v1/phone", signedIn, "", s.phone},
		{"POST", "/api/v1/demo/phone", public, "", s.demoPhone},
		{"GET", "/api/v1/calls", signedIn, identity.CallsRead, s.listCalls},
		{"GET", "/api/v1/calls/{id}", signedIn, identity.CallsRead, s.oneCall},
		{"GET", "/api/v1/calls/{id}/recording", signedIn, identity.RecordingsPlay, s.recording},
		{"GET", "/api/v1/calls/{id}/transcript", signedIn, identity.RecordingsPlay, s.transcript},
		{"PUT", "/api/v1/calls/{id}/notes", signedIn, identity.CallsRead, s.notes},
		{"GET", "/api/v1/calls/{id}/earlier", signedIn, identity.CallsRead, s.earlier},
		{"POST", "/api/v1/calls/{id}/monitor", signedIn, identity.MonitorCalls, s.monitor},
		{"DELETE", "/api/v1/calls/{id}/monitor", signedIn, identity.MonitorCalls, s.unmonitor},
		{"POST", "/api/v1/calls/{id}/hold", signedIn, identity.CallsRead, s.hold},
		{"POST", "/api/v1/calls/{id}/transfer", signedIn, identity.CallsRead, s.transfer},
		{"POST", "/api/v1/calls/{id}/attach", signedIn, identity.CallsRead, s.attach},
		{"GET", "/api/v1/queues", signedIn, identity.CallsRead, s.listQueues},
		{"GET", "/api/v1/agents", signedIn, identity.AgentsState, s.listAgents},
		{"PUT", "/api/v1/agents/{id}/state", signedIn, identity.AgentsState, s.setAgent},
		{"GET", "/api/v1/audit", signedIn, identity.AuditRead, s.listAudit},
		{"GET", "/api/v1/openapi.json", public, "", openAPI},
		{"GET", "/healthz", public, "", health},
		{"GET", "/readyz", public, "", s.ready},
		{"GET", "/metrics", public, "", s.metrics},
		{"GET", "/sip", public, "", s.sipSocket},
		{"GET", "/{$}", public, "", s.page},
		{"GET", "/assets/{file}", public, "", s.asset},
	}
	for _, path := range pagePaths() {
		all = append(all, route{"GET", path, public, "", s.page})
	}
	return all
}

// mux sends requests to their routes, and answers the rest with problems.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, rt := range s.routes() {
		mux.Handle(rt.method+" "+rt.path, s.enter(rt))
		methods[rt.path] = append(methods[rt.path], rt.method)
	}
	for path, allowed := range methods {
		list := strings.Join(allowed, ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", list)
			problem(http.StatusMethodNotAllowed, "method", "This path takes "+list+".").write(w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { notFound().write(w) })
	return mux
}

// enter is the one place that lets somebody in: origin, sign-in, right.
func (s *Server) enter(rt route) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v := visitor{ip: address(r)}
		err := crossOrigin(origin, r)
		if err == nil && rt.access == signedIn {
			v, err = s.visitor(r)
		}
		note(w, v.Name)
		if err == nil && rt.right != "" && v.Scope(rt.right) == identity.None {
			err = forbidden()
		}
		if err == nil {
			err = rt.handle(w, r, v)
		}
		if err != nil {
			s.refuse(w, r, rt, err)
		}
	})
}

// refuse writes the problem of an error, and logs it when it is our fault.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, rt route, err error) {
	p := problemOf(err)
	if _, meant := errors.AsType[*Problem](err); !meant && p.Status >= 500 && r.Context().Err() == nil {
		s.Log.Error("request failed", "route", rt.path, "error", err)
	}
	p.write(w)
}

// crossOrigin refuses what another site's page makes a browser send (CSRF). A
// request with a bearer token cannot be made that way.
func crossOrigin(origin *http.CrossOriginProtection, r *http.Request) error {
	if r.Header.Get("Authorization") != "" {
		return nil
	}
	if err := origin.Check(r); err != nil {
		return problem(http.StatusForbidden, "cross-origin", "The request comes from another site.")
	}
	return nil
}

// visitor finds who makes the request: by bearer token, else by cookie.
func (s *Server) visitor(r *http.Request) (visitor, error) {
	token, ok := bearer(r)
	if !ok {
		c, err := r.Cookie(s.cookieName())
		if err != nil {
			return visitor{}, signInFirst()
		}
		token = identity.NewSecret(c.Value)
	}
	person, in, err := s.People.Resolve(r.Context(), token)
	if errors.Is(err, identity.ErrNoSignIn) {
		return visitor{}, signInFirst()
	}
	if err != nil {
		return visitor{}, err
	}
	return visitor{person, in, token, address(r)}, nil
}

// bearer reads the Authorization header; a header of another scheme counts as
// a token that opens nothing.
func bearer(r *http.Request) (identity.Secret, bool) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return identity.Secret{}, false
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return identity.Secret{}, true
	}
	return identity.NewSecret(strings.TrimSpace(token)), true
}

// address is where the connection comes from. Forwarding headers are not
// believed.
func address(r *http.Request) netip.Addr { return remoteAddress(r).Addr() }

func remoteAddress(r *http.Request) netip.AddrPort {
	from, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address is nobody's
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}
