// Package panel is the page for browsers. It holds nothing secret: what it
// shows, it asks the admin API for, from the browser.
package panel

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed index.html manifest.webmanifest assets
var files embed.FS

// Policy lets the page load its own files and ask its own origin, and nothing
// else: no other site, no script or style within the page.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// contentTypes do not depend on what the machine knows about file names.
var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webmanifest": "application/manifest+json",
}

// Register serves the page at / and its files below it. The page itself uses its modules
// and style sheets joined, as panel.js and panel.css.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /assets/panel.js", serve(func() ([]byte, error) { return joinModules("assets/main.js") }, contentTypes[".js"]))
	mux.HandleFunc("GET /assets/panel.css", serve(joinStyles, contentTypes[".css"]))
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		at := "/" + name
		if name == "index.html" {
			at = "/{$}"
		}
		mux.HandleFunc("GET "+at, serve(func() ([]byte, error) { return files.ReadFile(name) }, contentTypes[path.Ext(name)]))
		return nil
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
}

// serve answers with one file, which is read with the first request. Browsers ask each
// time whether it is unchanged, so that a newer program never runs with older pieces of
// the page.
func serve(read func() ([]byte, error), contentType string) http.HandlerFunc {
	file := sync.OnceValues(read)
	tag := sync.OnceValue(func() string {
		b, _ := file()
		sum := sha256.Sum256(b)
		return `"` + hex.EncodeToString(sum[:8]) + `"`
	})
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := file()
		if err != nil { // the tests read every file
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		header := w.Header()
		header.Set("Content-Type", contentType)
		header.Set("Content-Security-Policy", Policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", tag())
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}

// Owns reports whether the path is the page's or one of its files'.
func Owns(p string) bool {
	return p == "/" || p == "/manifest.webmanifest" || strings.HasPrefix(p, "/assets/")
}
