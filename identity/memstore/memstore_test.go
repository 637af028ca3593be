package memstore_test

import (
	"testing"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/identity/memstore"
	"github.com/ivrd/ivrd/identity/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) identity.Store { return memstore.New() })
}
