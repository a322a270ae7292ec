// Package panel is the web page for browsers. It contains nothing secret: the browser
// gets everything it shows from the admin API.
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

// Policy is the Content-Security-Policy of the page: it may load its own files and
// call its own origin, but nothing else, and no inline scripts or styles.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// contentTypes are fixed, so that they do not depend on the machine.
var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webmanifest": "application/manifest+json",
}

// Register serves the page at / and its files below it. The page loads its modules and
// style sheets as one file each, panel.js and panel.css.
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

// serve serves one file, which is read at the first request. Browsers check each time
// whether it has changed, so that a newer program never runs with older parts of the
// page.
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

// Owns reports whether the path is that of the page or one of its files.
func Owns(p string) bool {
	return p == "/" || p == "/manifest.webmanifest" || strings.HasPrefix(p, "/assets/")
}
