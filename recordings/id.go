package recordings

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var idForm = regexp.MustCompile(`^[A-Z]{2}[0-9]{18}$`)

// newID draws the ID of a call: channel, 13 digits of Unix ms, 5 random ones.
func newID(channel string, at time.Time) (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(100000))
	if err != nil {
		return "", fmt.Errorf("draw call ID: %w", err)
	}
	id := fmt.Sprintf("%s%013d%05d", channel, at.UnixMilli(), n.Int64())
	if !idForm.MatchString(id) {
		return "", fmt.Errorf("draw call ID: channel %q is not two capital letters", channel)
	}
	return id, nil
}

const (
	audioDir    = "audio"
	audioSuffix = ".ivr"
)

// audioName is where the sealed sound of a call lies; the day (UTC) follows
// from the ID.
func audioName(id string) (string, error) {
	if !idForm.MatchString(id) {
		return "", fmt.Errorf("find recording of %q: %w", id, ErrNotFound)
	}
	ms, err := strconv.ParseInt(id[2:15], 10, 64)
	if err != nil {
		return "", fmt.Errorf("find recording of %q: %w", id, ErrNotFound)
	}
	return path.Join(audioDir, time.UnixMilli(ms).UTC().Format("2006/01/02"), id+audioSuffix), nil
}

// idOfName is the reverse of audioName, for files that are found.
func idOfName(name string) string {
	return strings.TrimSuffix(path.Base(name), audioSuffix)
}
