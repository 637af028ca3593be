package api

import (
	"context"
	"net/http"

	"github.com/ivrd/ivrd/identity"
)

// Site is what a page must know before anybody has signed in. People and Numbers
// are there in the demo only.
type Site struct {
	Mode    string       `json:"mode"` // demo or production
	Name    string       `json:"name"`
	People  []SitePerson `json:"people,omitempty"`
	Numbers []string     `json:"numbers,omitempty"`
	// Dispositions are the words for what a call was.
	Dispositions []string `json:"dispositions"`
}

// SitePerson is somebody whose password is the demo's.
type SitePerson struct {
	Name    string          `json:"name"`
	Display string          `json:"display"`
	Roles   []identity.Role `json:"roles"`
}

// siteName is what the house is called.
const siteName = "ivrd"

func (s *Server) site(w http.ResponseWriter, r *http.Request, _ visitor) error {
	site := Site{Mode: "production", Name: siteName, Dispositions: append([]string{}, s.config.Dispositions...)}
	if s.config.Demo {
		people, err := s.demoPeople(r.Context())
		if err != nil {
			return err
		}
		site.Mode, site.People, site.Numbers = "demo", people, s.config.Numbers
	}
	return answer(w, http.StatusOK, site)
}

func (s *Server) demoPeople(ctx context.Context) ([]SitePerson, error) {
	people, err := s.People.Demo(ctx)
	if err != nil {
		return nil, err
	}
	var out []SitePerson
	for _, p := range people {
		out = append(out, SitePerson{p.Name, p.Display, p.Roles})
	}
	return out, nil
}
