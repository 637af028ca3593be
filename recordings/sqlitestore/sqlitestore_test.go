package sqlitestore_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/recordings/sqlitestore"
	"github.com/ivrd/ivrd/recordings/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) recordings.Store {
		s, err := sqlitestore.Open(context.Background(), filepath.Join(t.TempDir(), "ivrd.db"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
