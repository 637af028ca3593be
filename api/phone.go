package api

import (
	"net/http"
	"regexp"
	"time"

	"github.com/ivrd/ivrd/identity"
)

// Phone is what a page registers and calls with over the SIP WebSocket at Path.
// Username is for the credentials only; the address of record is URI.
type Phone struct {
	URI       string    `json:"uri"`
	Realm     string    `json:"realm"`
	Username  string    `json:"username"`
	Secret    string    `json:"secret"`
	ExpiresAt time.Time `json:"expires_at"`
	Path      string    `json:"path"`
}

// sipPath is where SIP is spoken over WebSockets.
const sipPath = "/sip"

func (s *Server) phoneOf(user string, p identity.Phone) Phone {
	return Phone{
		URI: "sip:" + user + "@" + s.config.Realm, Realm: s.config.Realm, Username: p.Username,
		Secret: p.Secret.Reveal(), ExpiresAt: p.ExpiresAt, Path: sipPath,
	}
}

// phone makes the page a telephone of whoever is signed in.
func (s *Server) phone(w http.ResponseWriter, r *http.Request, v visitor) error {
	p, err := s.People.NewPhone(r.Context(), v.token)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, s.phoneOf(v.Name, p))
}

// DemoCaller is the body of POST /api/v1/demo/phone: what the house is to see as
// the caller's number.
type DemoCaller struct {
	Number string `json:"number"`
}

// e164 is a number as it is written internationally (ITU-T E.164: 15 digits at
// most); fewer than 7 are nobody's.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// demoPhone makes a page the telephone of a caller who is nobody.
func (s *Server) demoPhone(w http.ResponseWriter, r *http.Request, v visitor) error {
	if !s.config.Demo {
		return notFound()
	}
	if !s.guests.allow(v.ip, time.Now()) {
		return problem(http.StatusTooManyRequests, "rate", "Too many phones from your address: wait a minute.").after(time.Minute)
	}
	var body DemoCaller
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if !e164.MatchString(body.Number) {
		return badParameter("number", "Write a number such as +8613800138000.")
	}
	p, err := s.People.NewGuest(body.Number)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, s.phoneOf("guest", p))
}
