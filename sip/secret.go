package sip

import "github.com/ivrd/ivrd/internal/secret"

// Secret is a password that does not print; make it with secret.New.
type Secret = secret.Text
