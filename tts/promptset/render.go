package promptset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/ivrd/ivrd/tts"
	"github.com/ivrd/ivrd/tts/ssml"
)

// Report says what Render did.
type Report struct {
	Rendered, Kept, Removed int
	Bytes                   int64 // of all sounds
}

// Render brings the sounds in dir in step with its texts.yaml. A sound whose
// text has not changed is left as it is. What is no longer named is removed.
// With the same engine the same bytes come out.
func Render(ctx context.Context, dir string, e tts.Engine) (Report, error) {
	files := os.DirFS(dir)
	texts, err := ReadTexts(files)
	if err != nil {
		return Report{}, err
	}
	before, err := readRendered(files)
	if err != nil {
		return Report{}, err
	}
	r := renderer{dir: dir, engine: e, before: before.Texts, after: rendered{Engine: e.Name(), Texts: map[string]string{}}}
	for _, s := range texts.sounds() {
		if err := r.sound(ctx, s); err != nil {
			return r.report, fmt.Errorf("render %s: %w", s.file, err)
		}
	}
	for language := range texts.Phrases {
		index := map[string]any{"phrases": texts.phraseIndex(language)}
		if err := r.writeJSON(path.Join(language, "phrases", "index.json"), index); err != nil {
			return r.report, err
		}
	}
	if err := r.removeStale(); err != nil {
		return r.report, err
	}
	return r.report, r.writeJSON(renderedFile, r.after)
}

type renderer struct {
	dir    string
	engine tts.Engine
	before map[string]string
	after  rendered
	report Report
}

func (r *renderer) sound(ctx context.Context, s sound) error {
	r.after.Texts[s.file] = hash(s.text)
	info, err := os.Stat(r.path(s.file))
	if err == nil && r.before[s.file] == hash(s.text) {
		r.report.Kept++
		r.report.Bytes += info.Size()
		return nil
	}
	pcm, err := tts.Render(ctx, r.engine, s.language, ssml.Plain(s.text))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	tts.WriteULaw(&b, pcm)
	r.report.Rendered++
	r.report.Bytes += int64(b.Len())
	return r.write(s.file, b.Bytes())
}

// removeStale deletes the sounds that an earlier Render made and that no text
// names any more.
func (r *renderer) removeStale() error {
	for file := range r.before {
		if r.after.Texts[file] != "" || !filepath.IsLocal(file) {
			continue
		}
		if err := os.Remove(r.path(file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove stale prompt: %w", err)
		}
		r.report.Removed++
	}
	return nil
}

func (r *renderer) writeJSON(file string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return r.write(file, append(b, '\n'))
}

func (r *renderer) write(file string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(r.path(file)), 0o755); err != nil {
		return err
	}
	return os.WriteFile(r.path(file), b, 0o644)
}

func (r *renderer) path(file string) string { return filepath.Join(r.dir, filepath.FromSlash(file)) }
