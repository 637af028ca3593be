package recordings

import (
	"context"
	"fmt"
	"slices"
)

// KeyVersion says how many stored keys one root version wraps.
type KeyVersion struct {
	Version uint32 `json:"version"`
	Keys    int    `json:"keys"`
	Newest  bool   `json:"newest,omitzero"`
}

// KeyStatus lists the root versions that wrap stored keys, oldest first. A
// version that is not the newest and wraps none may be destroyed.
func (a *Vault) KeyStatus(ctx context.Context) ([]KeyVersion, error) {
	counts, err := a.deps.Store.KeyVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("count keys: %w", err)
	}
	list := make([]KeyVersion, 0, len(counts))
	for version, n := range counts {
		list = append(list, KeyVersion{Version: version, Keys: n, Newest: version == a.deps.Keys.Version()})
	}
	slices.SortFunc(list, func(a, b KeyVersion) int { return int(a.Version) - int(b.Version) })
	return list, nil
}

// Rewrap wraps every stored key by the newest root version and returns how
// many there were. No sealed data is touched.
func (a *Vault) Rewrap(ctx context.Context) (int, error) {
	n, err := a.ring.Rewrap(ctx)
	if err != nil {
		return n, fmt.Errorf("rewrap keys: %w", err)
	}
	return n, nil
}
