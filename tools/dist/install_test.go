package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"text/template"
)

// TestInstaller runs install.sh with a server: it installs only files with the right checksum.
func TestInstaller(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("install.sh is for Linux and macOS")
	}
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	r := &release{version: "9.9.9", files: []file{{"docs/man/aitunnel.1", 0o644, []byte("a page\n")}}, programs: map[string][]byte{}}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	r.programs[platform] = []byte("#!/bin/sh\necho the program\n")
	name, archive, err := r.archive(platform)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{name: archive}
	files["SHA256SUMS"] = sums(files)
	script := filepath.Join(t.TempDir(), "install.sh")
	write(t, script, installerText, map[string]any{"Version": r.version, "URL": downloads + r.version})

	for _, c := range []struct {
		name    string
		change  func(map[string][]byte)
		problem string
	}{
		{"right", func(map[string][]byte) {}, ""},
		{"changed", func(f map[string][]byte) { f[name] = append(bytes.Clone(archive), 0) }, "the file is damaged or was changed; nothing was installed"},
		{"without a checksum", func(f map[string][]byte) { f["SHA256SUMS"] = nil }, "has no checksum of " + name},
		{"missing", func(f map[string][]byte) { delete(f, name) }, name + " cannot be downloaded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			served := map[string][]byte{}
			for name, content := range files {
				served[name] = content
			}
			c.change(served)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				content, ok := served[strings.TrimPrefix(r.URL.Path, "/")]
				if !ok {
					http.NotFound(w, r)
					return
				}
				_, _ = w.Write(content)
			}))
			defer server.Close()
			prefix := t.TempDir()
			install := exec.Command("sh", script)
			install.Env = append(os.Environ(), "PREFIX="+prefix, "AITUNNEL_DOWNLOADS="+server.URL)
			out, err := install.CombinedOutput()
			said, ran := exec.Command(filepath.Join(prefix, "bin/aitunnel")).Output()
			if c.problem == "" {
				if err != nil || ran != nil || string(said) != "the program\n" {
					t.Errorf("%v, %v, %q\n%s", err, ran, said, out)
				}
				return
			}
			if err == nil || ran == nil || !strings.Contains(string(out), c.problem) {
				t.Errorf("%v, want %q:\n%s", err, c.problem, out)
			}
		})
	}
}

func write(t *testing.T, path, text string, data any) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := template.Must(template.New("").Parse(text)).Execute(f, data); err != nil {
		t.Fatal(err)
	}
}

// TestManifests generates the manifests for package managers.
func TestManifests(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	r := &release{version: "9.9.9", programs: map[string][]byte{"linux/amd64": program}}
	files := map[string][]byte{}
	for _, p := range platforms {
		extension := ".tar.gz"
		if strings.HasPrefix(p, "windows") {
			extension = ".zip"
		}
		files[r.archiveName(p)+extension] = []byte(p)
	}
	if err := r.manifests(files); err != nil {
		t.Fatal(err)
	}
	for name, wants := range map[string][]string{
		"aitunnel.rb":             {`url "https://github.com/aitunnel/aitunnel/releases/download/v9.9.9/aitunnel-9.9.9-darwin-arm64.tar.gz"`, `aitunnel-9.9.9-linux-amd64.tar.gz`, `version "9.9.9"`},
		"aitunnel.json":           {`"url": "https://github.com/aitunnel/aitunnel/releases/download/v9.9.9/aitunnel-9.9.9-windows-amd64.zip"`, `"extract_dir": "aitunnel-9.9.9-windows-arm64"`, `"hash": "`},
		"aitunnel-9.9.9.cdx.json": {`"bomFormat": "CycloneDX"`, `"name": "std"`, `"version": "9.9.9"`},
		"install.sh":              {"version=9.9.9\n"},
	} {
		for _, want := range wants {
			if !strings.Contains(string(files[name]), want) {
				t.Errorf("%s lacks %s:\n%s", name, want, files[name])
			}
		}
	}
}
