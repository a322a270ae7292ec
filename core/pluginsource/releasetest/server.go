// Package releasetest serves releases of plugins like GitHub, for tests.
package releasetest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Repository is the repository of a [Server].
const Repository = "acme/aitunnel-plugin-acme"

// Server serves the releases of one repository.
type Server struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	releases []release
	handlers map[string]http.HandlerFunc // by file name
	Tokens   []string                    // of requests to the API
}

type release struct {
	version string
	files   map[string][]byte
}

// New starts a server.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, handlers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// API returns the base URL of the API.
func (s *Server) API() string { return s.URL + "/api/v3" }

// Publish publishes a release with archives by name, SHA256SUMS and, if there is a key,
// SHA256SUMS.minisig. It replaces a version that is already published.
func (s *Server) Publish(version string, archives map[string][]byte, key *Key) {
	files := map[string][]byte{}
	var sums bytes.Buffer
	for name, content := range archives {
		files[name] = content
		sum := sha256.Sum256(content)
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	files["SHA256SUMS"] = sums.Bytes()
	if key != nil {
		files["SHA256SUMS.minisig"] = key.Sign(sums.Bytes())
	}
	s.Put(version, files)
}

// Put publishes a release with exactly these files.
func (s *Server) Put(version string, files map[string][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range s.releases {
		if r.version == version {
			s.releases[i].files = files
			return
		}
	}
	s.releases = append(s.releases, release{version, files})
}

// Handle serves a file with a handler.
func (s *Server) Handle(name string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[name] = h
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	releases, handler := s.releases, s.handlers[path.Base(r.URL.Path)]
	if strings.HasPrefix(r.URL.Path, "/api/v3/") {
		s.Tokens = append(s.Tokens, r.Header.Get("Authorization"))
	}
	s.mu.Unlock()
	switch {
	case r.URL.Path == "/api/v3/repos/"+Repository+"/releases":
		_ = json.NewEncoder(w).Encode(s.listing(releases))
		return
	case handler != nil:
		handler(w, r)
		return
	}
	for _, release := range releases {
		file := strings.TrimPrefix(r.URL.Path, "/"+Repository+"/releases/download/v"+release.version+"/")
		asset := strings.TrimPrefix(r.URL.Path, "/api/v3/assets/"+release.version+"/")
		if content, ok := release.files[file]; ok {
			_, _ = w.Write(content)
			return
		}
		if _, ok := release.files[asset]; ok { // as GitHub does
			http.Redirect(w, r, "/"+Repository+"/releases/download/v"+release.version+"/"+asset, http.StatusFound)
			return
		}
	}
	http.NotFound(w, r)
}

func (s *Server) listing(releases []release) []map[string]any {
	out := []map[string]any{}
	for _, r := range releases {
		assets := []map[string]any{}
		for name := range r.files {
			assets = append(assets, map[string]any{
				"name": name, "url": s.URL + "/api/v3/assets/" + r.version + "/" + name,
				"browser_download_url": s.URL + "/" + Repository + "/releases/download/v" + r.version + "/" + name,
			})
		}
		out = append(out, map[string]any{"tag_name": "v" + r.version, "draft": false, "prerelease": strings.Contains(r.version, "-"), "assets": assets})
	}
	return out
}

// File is one file of an archive.
type File struct {
	Name    string
	Content []byte
	Type    byte   // of tar; 0: a regular file
	Link    string // target of a link
	Size    int64  // of a file of zeros, instead of Content
}

// TarGz returns an archive of files.
func TarGz(t testing.TB, files ...File) []byte {
	t.Helper()
	var b bytes.Buffer
	size := 0
	for _, f := range files {
		size += len(f.Content) + 2048
	}
	b.Grow(size + size>>8)      // programs are large, and the race detector makes copies slow
	level := gzip.NoCompression // compression is slow for the same reason
	if slices.ContainsFunc(files, func(f File) bool { return f.Size > 0 }) {
		level = gzip.BestSpeed
	}
	z, _ := gzip.NewWriterLevel(&b, level)
	w := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: 0o755, Size: max(int64(len(f.Content)), f.Size), Typeflag: f.Type, Linkname: f.Link}
		if f.Type == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if f.Size > 0 {
			zeros := make([]byte, 1<<20)
			for left := f.Size; left > 0; left -= int64(len(zeros)) {
				if _, err := w.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
					t.Fatal(err)
				}
			}
			continue
		}
		if _, err := w.Write(f.Content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
