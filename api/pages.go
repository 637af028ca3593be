package api

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// noncePlace is where the built page has room for the nonce of its styles.
const noncePlace = "__CSP_NONCE__"

// pagePaths are the addresses of pages: one document, which looks at its address.
func pagePaths() []string {
	return []string{"/agent", "/monitor", "/calls", "/calls/{id}", "/phone"}
}

// page serves the one document of all pages. Its policy lets nothing run or be
// styled that did not come from here.
func (s *Server) page(w http.ResponseWriter, r *http.Request, v visitor) error {
	if s.Pages == nil {
		return front(w, r, v)
	}
	document, err := fs.ReadFile(s.Pages, "index.html")
	if err != nil {
		return front(w, r, v) // not built: the API is all there is
	}
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Security-Policy", pagePolicy(nonce))
	h.Set("Permissions-Policy", "microphone=(self), speaker-selection=(self), camera=(), geolocation=()")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.ReplaceAll(document, []byte(noncePlace), []byte(nonce)))
	return nil
}

func pagePolicy(nonce string) string {
	return strings.Join([]string{
		"default-src 'self'", "script-src 'self'", "style-src 'self' 'nonce-" + nonce + "'", "img-src 'self' data:", "media-src 'self' blob:",
		"connect-src 'self'", "object-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
	}, "; ")
}

// asset serves a file of the pages. Its name holds a hash of what is in it: it
// never changes.
func (s *Server) asset(w http.ResponseWriter, r *http.Request, _ visitor) error {
	if s.Pages == nil {
		return notFound()
	}
	name := "assets/" + r.PathValue("file")
	if !fs.ValidPath(name) || strings.HasSuffix(name, "/") {
		return notFound()
	}
	if info, err := fs.Stat(s.Pages, name); err != nil || info.IsDir() {
		return notFound()
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if packed := s.packed(name); packed != nil && acceptsGzip(r) {
		h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(packed)))
		_, _ = w.Write(packed)
		return nil
	}
	http.ServeFileFS(w, r, s.Pages, name)
	return nil
}

// packed is a file compressed, once; nil where that wins nothing.
func (s *Server) packed(name string) []byte {
	if b, ok := s.gzipped.Load(name); ok {
		return b.([]byte)
	}
	plain, err := fs.ReadFile(s.Pages, name)
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is one of gzip's
	_, _ = z.Write(plain)
	_ = z.Close() // a buffer does not fail
	packed := out.Bytes()
	if len(packed) >= len(plain) {
		packed = nil
	}
	s.gzipped.Store(name, packed)
	return packed
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		if coding, q, _ := strings.Cut(part, ";"); strings.TrimSpace(coding) == "gzip" && !strings.Contains(strings.ReplaceAll(q, " ", ""), "q=0") {
			return true
		}
	}
	return false
}
