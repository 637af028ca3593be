package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/ivrd/ivrd/identity"
	peoplestore "github.com/ivrd/ivrd/identity/sqlitestore"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/recordings"
	callstore "github.com/ivrd/ivrd/recordings/sqlitestore"
)

// data is what stands in data.dir, as far as a command has opened it.
type data struct {
	file   config.File
	log    *slog.Logger
	keys   *seal.RootFile
	people *identity.People
	closes []func() error
}

// openData opens the keys; the demo makes them at its first start.
func openData(f config.File, log *slog.Logger) (*data, error) {
	if err := os.MkdirAll(f.Data.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	keys, err := openKeys(f, log)
	if err != nil {
		return nil, err
	}
	return &data{file: f, log: log, keys: keys}, nil
}

func openKeys(f config.File, log *slog.Logger) (*seal.RootFile, error) {
	if f.Data.KeyFile != "" {
		return seal.OpenRootFile(f.Data.KeyFile)
	}
	path := keyPath(f)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make key directory: %w", err)
	}
	return seal.CreateRootFile(path, log)
}

func keyPath(f config.File) string {
	if f.Data.KeyFile != "" {
		return f.Data.KeyFile
	}
	return filepath.Join(f.Data.Dir, "keys", "root")
}

// peopleDatabase holds the directory of people, in data.dir.
const peopleDatabase = "people.db"

// openPeople opens the directory of people; the demo's are added when missing.
// People with the demo's password are no fault here: the commands that give
// them another one come through.
func (d *data) openPeople(ctx context.Context) error {
	store, err := peoplestore.Open(ctx, filepath.Join(d.file.Data.Dir, peopleDatabase))
	if err != nil {
		return err
	}
	d.closes = append(d.closes, store.Close)
	d.people = identity.New(identity.Config{
		Production: d.file.Mode == config.ModeProduction, Realms: []string{d.file.SIP.Realm}, HashesAtOnce: spare(),
	}, store, fieldSealer{d.keys})
	if d.file.Mode == config.ModeProduction {
		return nil
	}
	_, err = d.people.SeedDemo(ctx) // their SIP secrets are made anew by ivrd user sip-secret
	return err
}

// callDatabase holds the records, in data.dir.
const callDatabase = "ivrd.db"

// openArchive opens the records. With inspect nothing is recovered and a
// running server is not disturbed.
func (d *data) openArchive(ctx context.Context, inspect bool) (*recordings.Vault, recordings.Store, error) {
	store, err := callstore.Open(ctx, filepath.Join(d.file.Data.Dir, callDatabase))
	if err != nil {
		return nil, nil, err
	}
	d.closes = append(d.closes, store.Close)
	vault, err := recordings.Open(ctx, recordings.Config{
		Dir: d.file.Data.Dir, Node: nodeName(), ReserveBytes: int64(d.file.Data.Reserve), Inspect: inspect, Readers: spare(),
	}, recordings.Deps{Store: store, Keys: d.keys, Log: d.log})
	if err != nil {
		return nil, nil, err
	}
	d.closes = append(d.closes, vault.Close)
	return vault, store, nil
}

// withData opens the data of the configured server for one command.
func withData(c configured, do func(*data) error) (err error) {
	f, err := c.load()
	if err != nil {
		return err
	}
	d, err := openData(f, newLog(f))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return do(d)
}

// Close closes what was opened, last first.
func (d *data) Close() error {
	var errs []error
	for _, v := range slices.Backward(d.closes) {
		errs = append(errs, v())
	}
	d.closes = nil
	return errors.Join(errs...)
}

// fieldSealer seals the small secrets of people under the root key.
type fieldSealer struct{ keys seal.KeyWrapper }

func (s fieldSealer) Seal(ctx context.Context, table, column, key string, plain []byte) ([]byte, error) {
	return seal.SealField(ctx, s.keys, seal.Field{Table: table, Column: column, Key: key}, plain)
}

func (s fieldSealer) Open(ctx context.Context, table, column, key string, sealed []byte) ([]byte, error) {
	return seal.OpenField(ctx, s.keys, seal.Field{Table: table, Column: column, Key: key}, sealed)
}
