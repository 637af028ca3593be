package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/recordings"
)

type verifyCmd struct {
	configured `embed:""`
	ID         string `name:"id" help:"One call instead of all."`
	Audit      bool   `help:"The audit chain only."`
}

// Run names everything that is not whole. A running server is not disturbed.
func (v verifyCmd) Run(ctx context.Context) error {
	return inspectExisting(ctx, v.configured, func(_ config.File, vault *recordings.Vault) error {
		var faults []recordings.Fault
		if !v.Audit {
			found, err := vault.Verify(ctx, v.ID)
			if err != nil {
				return err
			}
			faults = append(faults, found...)
		}
		if v.Audit || v.ID == "" {
			found, err := vault.VerifyAudit(ctx)
			if err != nil {
				return err
			}
			faults = append(faults, found...)
		}
		for _, f := range faults {
			fmt.Printf("%s: %s: %s\n", f.Object, f.Where, f.What)
		}
		if len(faults) > 0 {
			return fmt.Errorf("%d faults (hint: restore the named files from the backup that is whole)", len(faults))
		}
		fmt.Println("whole")
		return nil
	})
}

// inspect opens the archive beside a running server.
func inspect(ctx context.Context, c configured, do func(config.File, *recordings.Vault) error) error {
	return withData(c, func(d *data) error {
		vault, _, err := d.openArchive(ctx, true)
		if err != nil {
			return err
		}
		return do(d.file, vault)
	})
}

// inspectExisting is inspect for what must be there: an empty archive made on
// the spot would be found whole.
func inspectExisting(ctx context.Context, c configured, do func(config.File, *recordings.Vault) error) error {
	f, err := c.load()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(f.Data.Dir, callDatabase)); err != nil {
		return fmt.Errorf("find records: %w (hint: data.dir is relative to where ivrd is started)", err)
	}
	return inspect(ctx, c, do)
}

type keysCmd struct {
	Status keysStatusCmd `cmd:"" help:"List the versions of the root key and how many keys hang on each."`
	Rotate keysRotateCmd `cmd:"" help:"Add a version of the root key and rewrap all keys by it."`
	Create keysCreateCmd `cmd:"" help:"Make a root key file, for data.key_file in production."`
}

type keysCreateCmd struct {
	File string `arg:"" help:"The file to make; it must not be there yet." type:"path"`
}

func (k keysCreateCmd) Run() error {
	if _, err := os.Stat(k.File); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("make key file: %s is there already (hint: ivrd keys rotate adds a version)", k.File)
	}
	if _, err := seal.CreateRootFile(k.File, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	fmt.Printf("made %s: nothing can be read without it, keep a copy in a safe place\n", k.File)
	return nil
}

type keysStatusCmd struct {
	configured `embed:""`
}

func (k keysStatusCmd) Run(ctx context.Context) error {
	return inspectExisting(ctx, k.configured, func(_ config.File, vault *recordings.Vault) error {
		list, err := vault.KeyStatus(ctx)
		for _, v := range list {
			newest := ""
			if v.Newest {
				newest = "  newest"
			}
			fmt.Printf("version %d: wraps %d keys%s\n", v.Version, v.Keys, newest)
		}
		return err
	})
}

type keysRotateCmd struct {
	configured `embed:""`
}

func (k keysRotateCmd) Run(ctx context.Context) error {
	return withData(k.configured, func(d *data) error {
		vault, _, err := d.openArchive(ctx, false) // alone: a server would go on wrapping meanwhile
		if err != nil {
			return err
		}
		version, err := d.keys.Rotate()
		if err != nil {
			return err
		}
		if err := vault.Audit(ctx, recordings.AuditEntry{Actor: "system", Role: "operator", Action: "key.rotate", Object: fmt.Sprintf("root/%d", version)}); err != nil {
			return err
		}
		n, err := vault.Rewrap(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("root version %d wraps %d keys\n", version, n)
		return nil
	})
}

type migrateCmd struct {
	Up migrateUpCmd `cmd:"" help:"Bring the schema up to date (serve does it, too)."`
}

type migrateUpCmd struct {
	configured `embed:""`
}

func (m migrateUpCmd) Run(ctx context.Context) error {
	if err := withPeople(ctx, m.configured, func(*identity.People) error { return nil }); err != nil {
		return err
	}
	return inspect(ctx, m.configured, func(config.File, *recordings.Vault) error {
		fmt.Println("the schema is up to date")
		return nil
	})
}
