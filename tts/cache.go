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

	"golang.org/x/sync/singleflight"

	"github.com/ivrd/ivrd/media"
)

// Cache renders each text once and keeps the sound. Texts that a flow always
// says are kept as files; what is said to one caller may be personal (a
// balance, a name) and is kept in memory only, the least used dropped first.
type Cache struct {
	engine Engine
	dir    string
	limit  int
	log    *slog.Logger
	flight singleflight.Group

	mu     sync.Mutex
	byKey  map[string]*list.Element
	recent *list.List // of *entry, most recently used first
	held   int        // bytes of all entries that may be dropped
	kept   map[string]*media.Prompt
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
	// Dir is where the sounds of fixed texts are kept; empty means nowhere.
	Dir string
	// Memory bounds what is held of other texts, in bytes; 0 means 32 MiB,
	// which is about half an hour of speech.
	Memory int
	Log    *slog.Logger
}

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
		engine: c.Engine, dir: c.Dir, limit: c.Memory, log: c.Log,
		byKey: map[string]*list.Element{}, recent: list.New(), kept: map[string]*media.Prompt{},
	}, nil
}

// Say returns the sound of a text, rendering it when it is not held. It may
// wait for another call's rendering of the same text.
func (c *Cache) Say(ctx context.Context, language, text string) (*media.Prompt, error) {
	key := c.key(language, text)
	if p := c.find(key); p != nil {
		return p, nil
	}
	return c.once(ctx, key, func(ctx context.Context) (*media.Prompt, error) {
		p, pcm, err := c.render(ctx, language, text)
		if err == nil {
			c.hold(key, p, 2*len(pcm))
		}
		return p, err
	})
}

// Keep is Say for a text that is the same for every caller: its sound is never
// dropped and outlives the process as a file.
func (c *Cache) Keep(ctx context.Context, language, text string) error {
	key := c.key(language, text)
	_, err := c.once(ctx, "keep "+key, func(ctx context.Context) (*media.Prompt, error) {
		if p := c.load(key); p != nil {
			c.keep(key, p)
			return p, nil
		}
		p, pcm, err := c.render(ctx, language, text)
		if err != nil {
			return nil, err
		}
		c.keep(key, p)
		return p, c.save(key, pcm)
	})
	return err
}

// once runs work for all who ask for the same key at the same time. Whoever
// gives up leaves; the work goes on for the others, for synthesisMax at most.
func (c *Cache) once(ctx context.Context, key string, work func(context.Context) (*media.Prompt, error)) (*media.Prompt, error) {
	done := c.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), synthesisMax)
		defer cancel()
		return work(ctx)
	})
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		p, _ := r.Val.(*media.Prompt)
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *Cache) render(ctx context.Context, language, text string) (*media.Prompt, []int16, error) {
	pcm, err := Render(ctx, c.engine, language, text)
	if err != nil {
		return nil, nil, err
	}
	return media.NewPrompt("speech", pcm), pcm, nil
}

// key is the SHA-256 of all that the sound depends on. shapeVersion counts
// changes in how speech is shaped.
func (c *Cache) key(language, text string) string {
	const shapeVersion = "1"
	sum := sha256.Sum256([]byte(strings.Join([]string{shapeVersion, c.engine.Name(), language, text}, "\x00")))
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
