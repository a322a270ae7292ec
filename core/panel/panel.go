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

// Register serves the page at / and its files below it.
func Register(mux *http.ServeMux) {
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := files.ReadFile(name)
		at := "/" + name
		if name == "index.html" {
			at, b = "/{$}", withPreloads(b)
		}
		mux.HandleFunc("GET "+at, serve(b, contentTypes[path.Ext(name)]))
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
}

// withPreloads has the browser fetch all modules at once, and not each when the one
// that imports it has arrived.
func withPreloads(page []byte) []byte {
	var links strings.Builder
	err := fs.WalkDir(files, "assets", func(name string, _ fs.DirEntry, err error) error {
		if path.Ext(name) == ".js" && name != "assets/theme.js" { // a script, not a module
			links.WriteString(`<link rel="modulepreload" href="/` + name + "\">\n")
		}
		return err
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return bytes.Replace(page, []byte("</head>"), []byte(links.String()+"</head>"), 1)
}

// serve answers with one file. Browsers ask each time whether it is unchanged,
// so that a newer program never runs with older pieces of the page.
func serve(b []byte, contentType string) http.HandlerFunc {
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Type", contentType)
		header.Set("Content-Security-Policy", Policy)
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		header.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	}
}

// Owns reports whether the path is the page's or one of its files'.
func Owns(p string) bool {
	return p == "/" || p == "/manifest.webmanifest" || strings.HasPrefix(p, "/assets/")
}
