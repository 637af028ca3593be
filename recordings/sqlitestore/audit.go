package sqlitestore

import (
	"context"
	"time"

	"github.com/ivrd/ivrd/recordings"
)

const auditColumns = `seq, at, actor, role, action, object, reason, ip, prev, hash, mac`

// AppendAudit implements recordings.Store.
func (s *Store) AppendAudit(ctx context.Context, e recordings.AuditEntry) error {
	_, err := s.db.Exec(ctx, `INSERT INTO audit (`+auditColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, e.At.UnixNano(), e.Actor, e.Role, e.Action, e.Object, e.Reason, e.IP, e.PrevHash, e.Hash, e.MAC)
	return translate(err)
}

// LastAudit implements recordings.Store.
func (s *Store) LastAudit(ctx context.Context) (recordings.AuditEntry, error) {
	row := s.db.Read().QueryRowContext(ctx, `SELECT `+auditColumns+` FROM audit ORDER BY seq DESC LIMIT 1`)
	e, err := scanAudit(row.Scan)
	return e, translate(err)
}

func scanAudit(scan func(...any) error) (e recordings.AuditEntry, err error) {
	var at int64
	err = scan(&e.Seq, &at, &e.Actor, &e.Role, &e.Action, &e.Object, &e.Reason, &e.IP, &e.PrevHash, &e.Hash, &e.MAC)
	e.At = time.Unix(0, at).UTC()
	return e, err
}

// Audit implements recordings.Store.
func (s *Store) Audit(ctx context.Context, from int64, each func(recordings.AuditEntry) error) error {
	rows, err := s.db.Read().QueryContext(ctx, `SELECT `+auditColumns+` FROM audit WHERE seq >= ? ORDER BY seq`, from)
	if err != nil {
		return translate(err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanAudit(rows.Scan)
		if err != nil {
			return translate(err)
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return translate(rows.Err())
}
