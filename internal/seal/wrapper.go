package seal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

// Purpose separates key-encryption keys, so that what is wrapped for one use
// never opens for another.
type Purpose string

// The purposes.
const (
	ForRecording  Purpose = "recording"
	ForTranscript Purpose = "transcript"
	ForPII        Purpose = "pii"
	ForAudit      Purpose = "audit"
)

// ErrNoVersion says that the root version that wrapped something is not there.
var ErrNoVersion = errors.New("root key version is missing")

// KeyWrapper holds the root keys: a key file, or a key service. It wraps keys
// and other small secrets (at most 4 KiB) under the newest root version; what
// older versions wrapped still opens. aad is bound to the result and must be
// the same on Unwrap, which fails with ErrOpen otherwise, and with
// ErrNoVersion when the root that wrapped it is gone. It may be used by
// several goroutines at once.
type KeyWrapper interface {
	Wrap(ctx context.Context, p Purpose, plaintext, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, p Purpose, wrapped, aad []byte) ([]byte, error)
	// Version is the newest root version, which Wrap uses.
	Version() uint32
}

// wrapFormat is the first byte of what RootFile wraps; the root version
// follows as four bytes.
const (
	wrapFormat = 1
	wrapPrefix = 5
)

// WrappedVersion tells by which root version something was wrapped.
func WrappedVersion(wrapped []byte) (uint32, error) {
	if len(wrapped) < wrapPrefix || wrapped[0] != wrapFormat {
		return 0, fmt.Errorf("read wrapped key: %w: unknown format", ErrOpen)
	}
	return binary.BigEndian.Uint32(wrapped[1:wrapPrefix]), nil
}

func wrapAAD(p Purpose, prefix, aad []byte) []byte {
	return appendStrings(nil, "ivrd/wrap/v1", string(p), string(prefix), string(aad))
}

// Field names the place of a sealed value: a value copied to another row,
// column or table does not open there.
type Field struct{ Table, Column, Key string }

func (f Field) aad() []byte {
	return appendStrings(nil, "ivrd/field/v1", f.Table, f.Column, f.Key)
}

// SealField seals a small value directly under the root, for purpose ForPII.
func SealField(ctx context.Context, w KeyWrapper, f Field, value []byte) ([]byte, error) {
	sealed, err := w.Wrap(ctx, ForPII, value, f.aad())
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", f.Table, f.Column, err)
	}
	return sealed, nil
}

// OpenField opens what SealField sealed for the same place.
func OpenField(ctx context.Context, w KeyWrapper, f Field, sealed []byte) ([]byte, error) {
	value, err := w.Unwrap(ctx, ForPII, sealed, f.aad())
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", f.Table, f.Column, err)
	}
	return value, nil
}

// fieldInfo separates field keys from wrapping keys of the same subject.
const fieldInfo = "ivrd/field-key/v1"

// SealField seals a value under a subject's key, so that it dies with it.
func (k Key) SealField(f Field, value []byte) []byte {
	fk := k.derive(nil, fieldInfo)
	defer fk.Zero()
	return fk.sealRandom([]byte{fieldFormat}, value, f.aad())
}

// OpenField opens what Key.SealField sealed.
func (k Key) OpenField(f Field, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != fieldFormat {
		return nil, fmt.Errorf("open %s.%s: %w: unknown format", f.Table, f.Column, ErrOpen)
	}
	fk := k.derive(nil, fieldInfo)
	defer fk.Zero()
	value, err := fk.openRandom(sealed[1:], f.aad())
	if err != nil {
		return nil, fmt.Errorf("open %s.%s: %w", f.Table, f.Column, err)
	}
	return value, nil
}

const fieldFormat = 1
