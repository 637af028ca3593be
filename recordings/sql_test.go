package recordings_test

import (
	"context"
	"errors"
	"testing/fstest"

	"github.com/ivrd/ivrd/internal/sqlitedb"
)

// execSQL does to a database what somebody does who has the file.
func execSQL(path, query string) error {
	none := fstest.MapFS{"0001_none.sql": &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n")}}
	db, err := sqlitedb.Open(context.Background(), sqlitedb.Config{Path: path, Module: "spoil", Migrations: none})
	if err != nil {
		return err
	}
	n, err := db.Exec(context.Background(), query)
	if err == nil && n == 0 {
		err = errors.New("nothing was touched")
	}
	return errors.Join(err, db.Close())
}
