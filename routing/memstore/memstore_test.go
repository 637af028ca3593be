package memstore_test

import (
	"testing"

	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
	"github.com/ivrd/ivrd/routing/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) routing.Store { return memstore.New() })
}
