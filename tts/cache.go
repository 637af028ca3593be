package tts

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/ivrd/ivrd/internal/breaker"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

// Cache renders each text once and keeps the sound. Texts that a flow always
// says are kept as files; what is said to one caller may be personal (a
// balance, a name) and is kept in memory only, the least used dropped first.
type Cache struct {
	engine   Engine
	fallback Engine // nil: none
	breaker  breaker.Breaker
	dir      string
	limit    int
	log      *slog.Logger
	flight   singleflight.Group
	counts   counts

	mu      sync.Mutex
	byKey   map[string]*list.Element
	recent  *list.List // of *entry, most recently used first
	held    int        // bytes of all entries that may be dropped
	kept    map[string]*media.Prompt
	running map[string]*job
	gains   map[string]float64 // that a voice needs, by engine and language
}

// entry is a sound that may be dropped.
type entry struct {
	key    string
	prompt *media.Prompt
	bytes  int
}

// CacheConfig configures a Cache.
type CacheConfig struct {
	Engine Engine
	// Fallback speaks what Engine cannot, so that the call goes on; it may be nil.
	Fallback Engine
	// Dir is where the sounds of fixed texts are kept; empty means nowhere.
	Dir string
	// Memory bounds what is held of other texts, in bytes; 0 means 32 MiB,
	// which is about half an hour of speech.
	Memory int
	Log    *slog.Logger
}

// After breakAfter failures in a row the engine rests, and the fall-back speaks.
const (
	breakAfter = 3
	rest       = 30 * time.Second
)

// NewCache makes a cache in front of an engine.
func NewCache(c CacheConfig) (*Cache, error) {
	if c.Engine == nil {
		return nil, errors.New("make speech cache: no engine")
	}
	if c.Memory == 0 {
		c.Memory = 32 << 20
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Dir != "" {
		if err := os.MkdirAll(c.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make speech cache: %w", err)
		}
	}
	return &Cache{
		engine: c.Engine, fallback: c.Fallback, breaker: breaker.Breaker{Failures: breakAfter, Rest: rest},
		dir: c.Dir, limit: c.Memory, log: c.Log,
		byKey: map[string]*list.Element{}, recent: list.New(), kept: map[string]*media.Prompt{}, running: map[string]*job{}, gains: map[string]float64{},
	}, nil
}

// Stats count since the cache was made.
type Stats struct {
	Syntheses int64 // texts that an engine was asked for, the fall-back included
	Failures  int64 // of the engine: late, wrong, gone; texts that it was not asked for are not among them
	Fallbacks int64 // texts that the fall-back spoke, or the rest of which
	Hits      int64 // texts that were there already
	Starved   int64 // pauses that callers heard because sound came too slowly
}

type counts struct{ syntheses, failures, fallbacks, hits, starved atomic.Int64 }

// Stats are the counts.
func (c *Cache) Stats() Stats {
	return Stats{
		Syntheses: c.counts.syntheses.Load(), Failures: c.counts.failures.Load(), Fallbacks: c.counts.fallbacks.Load(),
		Hits: c.counts.hits.Load(), Starved: c.counts.starved.Load(),
	}
}

// Say returns the sound of a text, rendering it when it is not held. It waits for the
// first of it only: the prompt may be growing. Others who ask for the same text
// meanwhile get the same prompt.
func (c *Cache) Say(ctx context.Context, language string, text ssml.Speech) (*media.Prompt, error) {
	key := c.key(c.engine, language, text)
	if p := c.find(key); p != nil {
		c.counts.hits.Add(1)
		return p, nil
	}
	return c.job(ctx, key, language, text).wait(ctx)
}

// Keep is Say for a text that is the same for every caller: its sound is never
// dropped and outlives the process as a file. The fall-back does not speak it: what it
// says would stay when the engine is there again.
func (c *Cache) Keep(ctx context.Context, language string, text ssml.Speech) error {
	key := c.key(c.engine, language, text)
	done := c.flight.DoChan(key, func() (any, error) {
		if p := c.load(key); p != nil {
			c.keep(key, p)
			return nil, nil
		}
		r := newRendering(1, nil)
		if _, err := c.ask(speakContext{context.WithoutCancel(ctx), c.engine, language}, r, text); err != nil {
			return nil, err
		}
		p, pcm, err := c.finish(r, c.engine, language)
		if err != nil {
			return nil, err
		}
		c.keep(key, p)
		return nil, c.save(key, pcm)
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// key is the SHA-256 of all that the sound depends on. shapeVersion counts
// changes in how speech is shaped.
func (c *Cache) key(e Engine, language string, text ssml.Speech) string {
	const shapeVersion = "1"
	said := text.Words()
	if !text.IsPlain() {
		said = fmt.Sprintf("\x00%+v", text)
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{shapeVersion, e.Name(), language, said}, "\x00")))
	return hex.EncodeToString(sum[:])
}

func (c *Cache) find(key string) *media.Prompt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.kept[key]; p != nil {
		return p
	}
	e := c.byKey[key]
	if e == nil {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*entry).prompt
}

// hold remembers a prompt and drops the least recently used beyond the limit.
func (c *Cache) hold(key string, p *media.Prompt, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil || bytes > c.limit {
		return
	}
	c.byKey[key] = c.recent.PushFront(&entry{key: key, prompt: p, bytes: bytes})
	c.held += bytes
	for c.held > c.limit {
		oldest := c.recent.Back()
		e := c.recent.Remove(oldest).(*entry)
		delete(c.byKey, e.key)
		c.held -= e.bytes
	}
}

func (c *Cache) keep(key string, p *media.Prompt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept[key] = p
}

func (c *Cache) file(key string) string { return filepath.Join(c.dir, key+".wav") }

// load returns the file of a kept text, or nil. A damaged file is as good as
// none: the text is rendered again and the file replaced.
func (c *Cache) load(key string) *media.Prompt {
	if c.dir == "" {
		return nil
	}
	pcm, err := readSound(os.DirFS(c.dir), key+".wav")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || len(pcm) == 0 {
		c.log.Warn("cached speech is damaged and rendered again", "file", key+".wav", "error", err)
		return nil
	}
	return media.NewPrompt("speech", pcm)
}

// save writes the file under another name first, so that no reader ever finds
// half of it.
func (c *Cache) save(key string, pcm []int16) error {
	if c.dir == "" {
		return nil
	}
	tmp, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return fmt.Errorf("save speech: %w", err)
	}
	var b bytes.Buffer
	WriteULaw(&b, pcm)
	_, err = tmp.Write(b.Bytes())
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), c.file(key))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("save speech: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}
