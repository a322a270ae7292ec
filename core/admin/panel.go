package admin

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// panelFiles are the page for browsers. It holds nothing secret, so it is
// served without a token; what it shows it asks the API for.
//
//go:embed panel
var panelFiles embed.FS

// panelPolicy lets the page load its own files and ask its own origin, and
// nothing else: no other site, no script or style within the page.
const panelPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// contentTypes do not depend on what the machine knows about file names.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// panel serves the page at / and what belongs to it at /assets/.
func (h *Handler) panel() {
	err := fs.WalkDir(panelFiles, "panel", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := panelFiles.ReadFile(name)
		at := strings.TrimPrefix(name, "panel")
		if at == "/index.html" {
			at = "/{$}"
		}
		h.mux.HandleFunc("GET "+at, panelFile(b, contentTypes[path.Ext(name)]))
		return err
	})
	if err != nil {
		panic(err) // the program itself is broken
	}
}

// panelFile answers with the file. Browsers ask each time whether it is still
// the same, so that a newer program never runs with older pieces of the page.
func panelFile(b []byte, contentType string) http.HandlerFunc {
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Type", contentType)
		header.Set("Content-Security-Policy", panelPolicy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}

// ofPanel says that the path is the page's or a piece of it.
func ofPanel(p string) bool { return p == "/" || strings.HasPrefix(p, "/assets/") }
