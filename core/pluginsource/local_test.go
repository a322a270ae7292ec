//go:build unix

package pluginsource_test

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/pluginsource"
	"github.com/aitunnel/aitunnel/core/pluginsource/releasetest"
)

// write writes the files of releases into a folder; SHA256SUMS lists the archives.
func write(t *testing.T, archives map[string][]byte, key *releasetest.Key) string {
	t.Helper()
	dir, sums := t.TempDir(), ""
	files := map[string][]byte{}
	for name, content := range archives {
		files[name] = content
		sum := sha256.Sum256(content)
		sums += fmt.Sprintf("%s  %s\n", hex.EncodeToString(sum[:]), name)
	}
	files["SHA256SUMS"] = []byte(sums)
	if key != nil {
		files["SHA256SUMS.minisig"] = key.Sign([]byte(sums))
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// local gets the newest release at a path.
func local(t *testing.T, path, platform string, want pluginsource.Expected) (pluginsource.Release, *pluginsource.Download, error) {
	t.Helper()
	releases, err := pluginsource.Local(path)
	if err != nil {
		return pluginsource.Release{}, nil, err
	}
	dir := t.TempDir()
	want.Platform = platform
	got, err := (&pluginsource.Client{}).Fetch(t.Context(), releases[0], want, dir)
	if left, _ := os.ReadDir(dir); err != nil && len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return releases[0], got, err
}

func TestReleasesInAFolder(t *testing.T) {
	key := releasetest.NewKey(1)
	dir := write(t, map[string][]byte{archive: good(t), other: good(t), "aitunnel-plugin-acme_1.10.0_linux_amd64.tar.gz": good(t), "notes.txt": []byte("x")}, key)
	release, got, err := local(t, dir, "linux/amd64", pluginsource.Expected{SigningKey: key.Public()})
	if err != nil || release.Version != "1.10.0" || filepath.Base(got.Executable) != "aitunnel-plugin-acme" {
		t.Fatalf("%+v, %+v, %v", release, got, err)
	}
	release, got, err = local(t, filepath.Join(dir, archive), "darwin/arm64", pluginsource.Expected{SigningKey: key.Public()}) // next to the archive
	if err != nil || release.Version != "1.2.0" || len(got.Archives) != 2 {
		t.Errorf("%+v, %+v, %v", release, got, err)
	}
	for _, name := range []string{"SHA256SUMS", "SHA256SUMS.minisig"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, archive)} { // neither sums nor a key
		if _, _, err := local(t, path, "linux/amd64", pluginsource.Expected{}); err != nil {
			t.Error(err)
		}
		if _, _, err := local(t, path, "linux/amd64", pluginsource.Expected{SigningKey: key.Public()}); err == nil || !strings.Contains(err.Error(), "the release has no file SHA256SUMS") {
			t.Error(err)
		}
	}
}

func TestRefusedLocalReleases(t *testing.T) {
	key := releasetest.NewKey(1)
	signed := pluginsource.Expected{SigningKey: key.Public()}
	pack := func(files ...releasetest.File) string {
		return write(t, map[string][]byte{archive: releasetest.TarGz(t, files...)}, key)
	}
	program := releasetest.File{Name: "aitunnel-plugin-acme", Content: []byte("x")}
	changed := func(name string, change func(path string) error) string {
		dir := write(t, map[string][]byte{archive: good(t)}, key)
		if err := change(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	put := func(text []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, text, 0o600) }
	}
	for name, test := range map[string]struct {
		dir     string
		want    pluginsource.Expected
		message string
	}{
		"changed archive":  {changed(archive, put([]byte("evil"))), signed, "is not the file that its author published"},
		"locked sums":      {pack(program), pluginsource.Expected{Archives: map[string]string{"linux/amd64": strings.Repeat("a", 64)}}, "has changed since it was locked"},
		"another key":      {write(t, map[string][]byte{archive: good(t)}, releasetest.NewKey(2)), signed, "is signed with another key"},
		"forged signature": {changed("SHA256SUMS.minisig", put(key.Sign([]byte("other")))), signed, "the signature of SHA256SUMS is wrong"},
		"not signed":       {write(t, map[string][]byte{archive: good(t)}, nil), signed, "the release is not signed"},
		"not in the sums":  {changed("SHA256SUMS", put(nil)), pluginsource.Expected{}, "SHA256SUMS does not list"},
		"traversal":        {pack(releasetest.File{Name: "../aitunnel-plugin-acme", Content: []byte("x")}), signed, "leads out of the archive"},
		"symbolic link":    {pack(releasetest.File{Name: "aitunnel-plugin-acme", Type: tar.TypeSymlink, Link: "/bin/sh"}), signed, "is a link or a device"},
		"hard link":        {pack(releasetest.File{Name: "aitunnel-plugin-acme", Type: tar.TypeLink, Link: "/bin/sh"}), signed, "is a link or a device"},
		"two programs":     {pack(program, releasetest.File{Name: "aitunnel-plugin-evil", Content: []byte("x")}), signed, "two executables"},
		"no archive":       {write(t, map[string][]byte{archive: []byte("text")}, key), signed, "is not a .tar.gz archive"},
		"missing platform": {write(t, map[string][]byte{other: good(t)}, key), signed, "no archive for linux/amd64, only for darwin/arm64"},
		"1 GiB":            {changed(archive, func(path string) error { return os.Truncate(path, 1<<30) }), signed, "larger than 200 MiB"},
		"sums of 2 MiB":    {changed("SHA256SUMS", func(path string) error { return os.Truncate(path, 2<<20) }), signed, "larger than 1 MiB"},
		"unreadable sums": {changed("SHA256SUMS", func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}), pluginsource.Expected{}, "it is not a regular file"},
		"pipe":                 {changed(archive, func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) }), pluginsource.Expected{}, "it is not a regular file"},
		"two plugins":          {write(t, map[string][]byte{archive: good(t), strings.Replace(archive, "acme", "other", 1): good(t)}, key), signed, "has archives of two plugins"},
		"nothing of a release": {t.TempDir(), signed, "has no archive of a release"},
		"not there":            {filepath.Join(t.TempDir(), "no"), signed, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := local(t, test.dir, "linux/amd64", test.want); err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("%v, want %q", err, test.message)
			}
		})
	}
}
