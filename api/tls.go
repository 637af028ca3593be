package api

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is how often the files of a certificate are looked at.
const lookEvery = 10 * time.Second

// certificates gives the certificate of two files, and a new one when they
// have changed. A bad one is logged and the old one kept, so that a mistake
// in renewal cuts nobody off.
type certificates struct {
	certFile, keyFile string
	log               *slog.Logger
	mu                sync.Mutex
	current           *tls.Certificate
	changed, looked   time.Time
}

func newCertificates(certFile, keyFile string, log *slog.Logger) (*certificates, error) {
	c := &certificates{certFile: certFile, keyFile: keyFile, log: log}
	changed, err := c.lastChange()
	if err != nil {
		return nil, err
	}
	return c, c.load(changed, time.Now())
}

func (c *certificates) load(changed, now time.Time) error {
	c.changed, c.looked = changed, now
	cert, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("load certificate %s: %w (hint: check http.tls)", c.certFile, err)
	}
	c.current = &cert
	return nil
}

// lastChange is the later of the files' times.
func (c *certificates) lastChange() (time.Time, error) {
	var last time.Time
	for _, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return last, fmt.Errorf("look at certificate: %w", err)
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last, nil
}

// get is tls.Config.GetCertificate.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookEvery {
		if err := c.refresh(now); err != nil {
			c.log.Error("keep the old certificate", "error", err)
		}
	}
	return c.current, nil
}

func (c *certificates) refresh(now time.Time) error {
	c.looked = now
	changed, err := c.lastChange()
	if err != nil || changed.Equal(c.changed) {
		return err
	}
	return c.load(changed, now)
}
