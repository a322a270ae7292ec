package pluginsource_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/pluginsource"
	"github.com/aitunnel/aitunnel/core/pluginsource/releasetest"
)

const (
	source  = "github.com/" + releasetest.Repository
	archive = "aitunnel-plugin-acme_1.2.0_linux_amd64.tar.gz"
	other   = "aitunnel-plugin-acme_1.2.0_darwin_arm64.tar.gz"
)

func client(s *releasetest.Server) *pluginsource.Client {
	return &pluginsource.Client{API: s.API(), HTTP: s.Client(), Idle: 2 * time.Second, Total: 20 * time.Second}
}

func good(t *testing.T) []byte {
	return releasetest.TarGz(t, releasetest.File{Name: "README.md", Content: []byte("read me")}, releasetest.File{Name: "dir/aitunnel-plugin-acme", Content: []byte("program")})
}

// fetch downloads the newest release, for linux/amd64 by default.
func fetch(t *testing.T, c *pluginsource.Client, want pluginsource.Expected) (*pluginsource.Download, error) {
	t.Helper()
	releases, err := c.Releases(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	release, err := pluginsource.Choose(releases, "", "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if want.Platform == "" {
		want.Platform = "linux/amd64"
	}
	got, err := c.Fetch(t.Context(), release, want, dir)
	if left, _ := os.ReadDir(dir); err != nil && len(left) > 0 {
		t.Errorf("files left: %v", left)
	}
	return got, err
}

func TestSignedRelease(t *testing.T) {
	s, key := releasetest.New(t), releasetest.NewKey(1)
	s.Publish("1.1.0", map[string][]byte{"aitunnel-plugin-acme_1.1.0_linux_amd64.tar.gz": []byte("old")}, key)
	s.Publish("1.2.0", map[string][]byte{archive: good(t), other: []byte("for others")}, key)
	s.Publish("2.0.0-rc1", map[string][]byte{archive: []byte("not yet")}, key)
	c := client(s)
	got, err := fetch(t, c, pluginsource.Expected{SigningKey: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(got.Executable)
	if err != nil || string(text) != "program" || !strings.HasSuffix(got.Executable, "aitunnel-plugin-acme") {
		t.Errorf("%s holds %q, %v", got.Executable, text, err)
	}
	if len(got.Archives) != 2 || len(got.Archives["darwin/arm64"]) != 64 {
		t.Errorf("sums of %v", got.Archives)
	}
	c.Token = "canary"
	if _, err := fetch(t, c, pluginsource.Expected{SigningKey: key.Public(), Archives: got.Archives}); err != nil {
		t.Errorf("the same release again, with a token: %v", err)
	}
	if last := s.Tokens[len(s.Tokens)-1]; last != "Bearer canary" {
		t.Errorf("the API got the token %q", last)
	}
}

func TestChoose(t *testing.T) {
	s := releasetest.New(t)
	for _, v := range []string{"1.0.0", "2.0.0", "1.10.0", "1.9.0"} {
		s.Publish(v, nil, nil)
	}
	releases, err := client(s).Releases(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range [][3]string{{"", "", "2.0.0"}, {">= 1.2, < 2.0", "", "1.10.0"}, {"", "v1.9.0", "1.9.0"}, {"", "3.0.0", "is not published; available: 2.0.0, 1.10.0"}, {"> 5", "", "is not published"}} {
		r, err := pluginsource.Choose(releases, test[0], test[1])
		if got := r.Version + fmt.Sprint(err); !strings.Contains(got, test[2]) {
			t.Errorf("%q %q: %s", test[0], test[1], got)
		}
	}
}

func TestRefusedReleases(t *testing.T) {
	key := releasetest.NewKey(1)
	aborts := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(make([]byte, 1000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	hangs := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	pack := func(files ...releasetest.File) func(*testing.T, *releasetest.Server) {
		return func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: releasetest.TarGz(t, files...)}, key)
		}
	}
	for name, test := range map[string]struct {
		publish func(*testing.T, *releasetest.Server)
		want    pluginsource.Expected
		message string
	}{
		"tampered archive": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, key)
			s.Handle(archive, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("evil")) })
		}, pluginsource.Expected{SigningKey: key.Public()}, "is not the file that its author published"},
		"changed asset": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, key)
		}, pluginsource.Expected{Archives: map[string]string{"linux/amd64": strings.Repeat("a", 64)}}, "has changed since it was locked"},
		"wrong key": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, releasetest.NewKey(2))
		}, pluginsource.Expected{SigningKey: key.Public()}, "is signed with another key"},
		"forged signature": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, key)
			s.Handle("SHA256SUMS.minisig", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(key.Sign([]byte("other"))) })
		}, pluginsource.Expected{SigningKey: key.Public()}, "the signature of SHA256SUMS is wrong"},
		"not signed": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, nil)
		}, pluginsource.Expected{SigningKey: key.Public()}, "the release is not signed"},
		"no sums": {func(t *testing.T, s *releasetest.Server) {
			s.Put("1.2.0", map[string][]byte{archive: good(t)})
		}, pluginsource.Expected{}, "the release has no file SHA256SUMS"},
		"missing platform": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{other: good(t)}, key)
		}, pluginsource.Expected{}, "no archive for linux/amd64, only for darwin/arm64"},
		"traversal":       {pack(releasetest.File{Name: "../aitunnel-plugin-acme", Content: []byte("x")}), pluginsource.Expected{}, "leads out of the archive"},
		"absolute path":   {pack(releasetest.File{Name: "/tmp/aitunnel-plugin-acme", Content: []byte("x")}), pluginsource.Expected{}, "leads out of the archive"},
		"symbolic link":   {pack(releasetest.File{Name: "aitunnel-plugin-acme", Type: tar.TypeSymlink, Link: "/bin/sh"}), pluginsource.Expected{}, "is a link or a device"},
		"hard link":       {pack(releasetest.File{Name: "aitunnel-plugin-acme", Type: tar.TypeLink, Link: "/bin/sh"}), pluginsource.Expected{}, "is a link or a device"},
		"two executables": {pack(releasetest.File{Name: "aitunnel-plugin-acme", Content: []byte("x")}, releasetest.File{Name: "aitunnel-plugin-evil", Content: []byte("x")}), pluginsource.Expected{}, "two executables"},
		"no executable":   {pack(releasetest.File{Name: "README", Content: []byte("x")}), pluginsource.Expected{}, "no file named aitunnel-plugin-NAME"},
		"201 MiB":         {pack(releasetest.File{Name: "aitunnel-plugin-acme", Size: 201 << 20}), pluginsource.Expected{}, "larger than 200 MiB"},
		"not an archive": {func(_ *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: []byte("text")}, key)
		}, pluginsource.Expected{}, "is not a .tar.gz archive"},
		"huge download": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, key)
			s.Handle(archive, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", fmt.Sprint(1<<30)) })
		}, pluginsource.Expected{}, "larger than 200 MiB"},
		"aborting server": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, key)
			s.Handle(archive, aborts)
		}, pluginsource.Expected{}, "cannot be downloaded: the server closed the connection"},
		"hanging server": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, key)
			s.Handle(archive, hangs)
		}, pluginsource.Expected{}, "no data was received for 3s"},
		"plain http": {func(t *testing.T, s *releasetest.Server) {
			s.Publish("1.2.0", map[string][]byte{archive: good(t)}, key)
			s.Handle(archive, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://files.example/x", http.StatusFound)
			})
		}, pluginsource.Expected{}, "which is not encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := releasetest.New(t)
			test.publish(t, s)
			c := client(s)
			if name == "hanging server" {
				c.Idle = 3 * time.Second // enough for the list of releases
			}
			if _, err := fetch(t, c, test.want); err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("%v, want %q", err, test.message)
			}
		})
	}
}

// A server that sends a byte from time to time is not idle, but exceeds the total limit.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	s := releasetest.New(t)
	s.Publish("1.2.0", map[string][]byte{archive: good(t)}, nil)
	s.Handle(archive, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	})
	c := client(s)
	c.Total = 3 * time.Second
	if _, err := fetch(t, c, pluginsource.Expected{}); err == nil || !strings.Contains(err.Error(), "it was not complete within 3s") {
		t.Error(err)
	}
}

func TestArchiveAtAnAddress(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, _ := z.Create("aitunnel-plugin-acme.exe")
	_, _ = f.Write([]byte("program"))
	_ = z.Close()
	s, key := releasetest.New(t), releasetest.NewKey(3)
	name := "aitunnel-plugin-acme_1.2.0_windows_amd64.zip"
	s.Publish("1.2.0", map[string][]byte{name: b.Bytes()}, key)
	address := s.URL + "/" + releasetest.Repository + "/releases/download/v1.2.0/" + name
	releases, err := client(s).Releases(t.Context(), address)
	if err != nil || releases[0].Version != "1.2.0" {
		t.Fatalf("%+v, %v", releases, err)
	}
	got, err := client(s).Fetch(t.Context(), releases[0], pluginsource.Expected{Platform: "windows/amd64", SigningKey: key.Public()}, t.TempDir())
	if err != nil || !strings.HasSuffix(got.Executable, "aitunnel-plugin-acme.exe") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := client(s).Releases(t.Context(), s.URL+"/page.html"); err == nil {
		t.Error("a page was taken for an archive")
	}
}

func TestMissingRepository(t *testing.T) {
	s := releasetest.New(t)
	_, err := client(s).Releases(t.Context(), "github.com/acme/nothing")
	if err == nil || !strings.Contains(err.Error(), "set GITHUB_TOKEN") {
		t.Error(err)
	}
	if _, err := client(s).Releases(t.Context(), source); err == nil || !strings.Contains(err.Error(), "has published no releases") {
		t.Error(err)
	}
}
