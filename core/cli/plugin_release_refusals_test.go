//go:build unix

package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/pluginsource/releasetest"
)

// checkRefusals publishes faulty releases. Each is refused with a clear message, and leaves no
// files.
func (a *person) checkRefusals(s *releasetest.Server, key *releasetest.Key, installed, next map[string][]byte) {
	a.t.Helper()
	archive := fmt.Sprintf("aitunnel-plugin-acme_1.1.0_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	packed := func(files ...releasetest.File) func() {
		return func() {
			s.Publish("1.1.0", map[string][]byte{archive: releasetest.TarGz(a.t, files...)}, key)
		}
	}
	program := func(text string) releasetest.File {
		return releasetest.File{Name: "aitunnel-plugin-acme", Content: []byte(text)}
	}
	served := func(h http.HandlerFunc) func() {
		return func() {
			publishFiles(s, "1.1.0", next, key)
			s.Handle(archive, h)
		}
	}
	for _, test := range []struct {
		name    string
		publish func()
		message string
	}{
		{"a changed archive", served(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(next[archive][1:]) }), archive + " is not the file that its author published"},
		{"another key", func() { publishFiles(s, "1.1.0", next, releasetest.NewKey(2)) }, "is signed with another key than signing_key"},
		{"no archive for this platform", func() {
			s.Publish("1.1.0", map[string][]byte{"aitunnel-plugin-acme_1.1.0_plan9_mips.tar.gz": []byte("x")}, key)
		}, "only for plan9/mips"},
		{"a path outside the archive", packed(releasetest.File{Name: "../../aitunnel-plugin-acme", Content: []byte("x")}), "leads out of the archive"},
		{"a link", packed(releasetest.File{Name: "aitunnel-plugin-acme", Type: tar.TypeSymlink, Link: "/bin/sh"}), "is a link or a device"},
		{"a file of 1 GiB", func() { s.Publish("1.1.0", map[string][]byte{archive: announced(1 << 30)}, key) }, "larger than 200 MiB"},
		{"a closed connection", served(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(make([]byte, 1000))
			panic(http.ErrAbortHandler)
		}), "cannot be downloaded: the server closed the connection"},
		{"a download that stalls", served(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write(make([]byte, 1000))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), "cannot be downloaded: no data was received for"},
		{"a program that exits", packed(program("#!/bin/sh\necho no license >&2\nexit 3\n")), "no license"},
		{"another plugin", packed(releasetest.File{Name: "aitunnel-plugin-other", Content: installedProgram(a.t, installed)}), `the archive of the plugin "acme" holds aitunnel-plugin-other`},
	} {
		before := a.tree()
		test.publish()
		program := "aitunnel"
		if test.name == "a download that stalls" {
			program = "aitunnel-altered" // waits for data only 3 s, which is enough for the list of releases
		}
		out, err := a.try(".", program, "plugin", "upgrade")
		if err == nil || !strings.Contains(out, test.message) || !strings.Contains(out, "acme was not installed: ") {
			a.t.Errorf("%s: %v, %q is missing:\n%s", test.name, err, test.message, out)
		}
		if diff := cmp.Diff(before, a.tree()); diff != "" {
			a.t.Errorf("%s changes files:\n%s", test.name, diff)
		}
		s.Handle(archive, nil)
	}
	a.checkChangedRelease(s, key, installed)
}

// checkChangedRelease publishes other content as the version that is locked.
func (a *person) checkChangedRelease(s *releasetest.Server, key *releasetest.Key, installed map[string][]byte) {
	a.t.Helper()
	dir := filepath.Join(a.home, ".config/aitunnel/.aitunnel")
	if err := os.RemoveAll(dir); err != nil {
		a.t.Fatal(err)
	}
	before := a.tree()
	name := fmt.Sprintf("aitunnel-plugin-acme_1.0.0_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	s.Publish("1.0.0", map[string][]byte{name: releasetest.TarGz(a.t, releasetest.File{Name: "aitunnel-plugin-acme", Content: []byte("x")})}, key)
	if out, err := a.try(".", "aitunnel", "plugin", "init"); err == nil || !strings.Contains(out, name+" has changed since it was locked") {
		a.t.Errorf("a changed release: %v\n%s", err, out)
	}
	if diff := cmp.Diff(before, a.tree()); diff != "" {
		a.t.Errorf("a changed release changes files:\n%s", diff)
	}
	publishFiles(s, "1.0.0", installed, key)
	a.prints("acme 1.0.0 was installed", "plugin", "init")
}

// tree returns the hash of each file in the home directory and in the directory for temporary
// files.
func (a *person) tree() map[string]string {
	a.t.Helper()
	out := map[string]string{}
	for _, root := range []string{a.home, a.temp} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				out[path] = fmt.Sprint(d.Type())
				return err
			}
			text, err := os.ReadFile(path)
			out[path] = fmt.Sprintf("%x", sha256.Sum256(text))
			return err
		})
		if err != nil {
			a.t.Fatal(err)
		}
	}
	return out
}

// installedProgram returns the executable of a release for this platform.
func installedProgram(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	name := fmt.Sprintf("aitunnel-plugin-acme_1.0.0_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH)
	z, err := gzip.NewReader(bytes.NewReader(files[name]))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	r := tar.NewReader(z)
	var out bytes.Buffer
	if _, err := r.Next(); err == nil {
		_, err = out.ReadFrom(r)
		if err == nil {
			return out.Bytes()
		}
	}
	t.Fatalf("%s is damaged", name)
	return nil
}

// announced returns an archive whose header announces a file of this size.
func announced(size int64) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_ = tar.NewWriter(z).WriteHeader(&tar.Header{Name: "aitunnel-plugin-acme", Mode: 0o755, Size: size})
	_ = z.Close()
	return b.Bytes()
}
