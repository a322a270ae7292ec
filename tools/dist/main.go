// Dist builds the program for all systems and packs what users download. The
// same source and Go give the same bytes, whenever and wherever it is run:
// with -verify it shows that, by building one system's archive in two folders.
package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// alongside is packed beside the program.
var alongside = []string{"LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "config.hcl.example", "docs"}

func main() {
	version := flag.String("version", "0.0.0", "the version of the program")
	out := flag.String("out", "dist", "the folder of the archives")
	verify := flag.Bool("verify", false, "build the archive of this system twice, in two folders, and compare")
	flag.Parse()
	run := func() error { return build(*out, *version) }
	if *verify {
		run = func() error { return compare(*version) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// build makes the archives of all platforms, and SHA256SUMS.
func build(out, version string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	r, err := newRelease(".", version)
	if err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, p := range platforms {
		name, content, err := r.archive(p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), name)
		fmt.Printf("%s  %.1f MB\n", name, float64(len(content))/1e6)
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// compare builds this system's archive here and in a copy of the source.
func compare(version string) error {
	elsewhere, err := os.MkdirTemp("", "aitunnel-dist-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(elsewhere) }()
	if err := copyTree(elsewhere, "."); err != nil {
		return err
	}
	host := runtime.GOOS + "/" + runtime.GOARCH
	var sums [2][32]byte
	for i, dir := range []string{".", elsewhere} {
		r, err := newRelease(dir, version)
		if err != nil {
			return err
		}
		r.time = time.Unix(0, 0) // a copy has no commit to take it from
		name, content, err := r.archive(host)
		if err != nil {
			return err
		}
		sums[i] = sha256.Sum256(content)
		fmt.Printf("%x  %s (in %s)\n", sums[i], name, dir)
	}
	if sums[0] != sums[1] {
		return fmt.Errorf("two builds of %s differ", host)
	}
	return nil
}

// copyTree copies the source, less what was built from it.
func copyTree(to, from string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{".git", "bin", "dist", "node_modules"}, path):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o644)
	})
}

// release is what the archives of all platforms have in common.
type release struct {
	dir, version string
	time         time.Time
	files        []file
}

type file struct {
	name    string
	mode    int64
	content []byte
}

func newRelease(dir, version string) (*release, error) {
	r := &release{dir: dir, version: version, time: sourceTime(dir)}
	for _, top := range alongside {
		err := filepath.WalkDir(filepath.Join(dir, top), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(dir, path)
			r.files = append(r.files, file{filepath.ToSlash(name), 0o644, content})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return r, r.completions()
}

// sourceTime is that of the last commit, or what SOURCE_DATE_EPOCH says.
func sourceTime(dir string) time.Time {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		git := exec.Command("git", "log", "-1", "--format=%ct")
		git.Dir = dir
		out, _ := git.Output() // outside a repository: the epoch
		text = strings.TrimSpace(string(out))
	}
	seconds, _ := strconv.ParseInt(text, 10, 64)
	return time.Unix(seconds, 0)
}

// completions has the program of this system write the scripts for shells.
func (r *release) completions() error {
	program, err := r.program(runtime.GOOS, runtime.GOARCH)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(program) }()
	for shell, name := range map[string]string{"bash": "aitunnel.bash", "zsh": "_aitunnel", "fish": "aitunnel.fish", "powershell": "aitunnel.ps1"} {
		script, err := exec.Command(program, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("the completion for %s: %w", shell, err)
		}
		r.files = append(r.files, file{"completions/" + name, 0o644, script})
	}
	return nil
}

// program builds the program into a file of its own.
func (r *release) program(goos, goarch string) (string, error) {
	f, err := os.CreateTemp("", "aitunnel-*.exe")
	if err != nil {
		return "", err
	}
	_ = f.Close()
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X github.com/aitunnel/aitunnel/core/cli.version="+r.version, "-o", f.Name(), ".")
	c.Dir = r.dir
	c.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if said, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, said)
	}
	return f.Name(), nil
}

// archive packs the program for one platform.
func (r *release) archive(platform string) (name string, content []byte, err error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	path, err := r.program(goos, goarch)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = os.Remove(path) }()
	program, err := os.ReadFile(path)
	if err != nil {
		return "", nil, err
	}
	top := fmt.Sprintf("aitunnel-%s-%s-%s", r.version, goos, goarch)
	executable, pack, extension := "aitunnel", r.tar, ".tar.gz"
	if goos == "windows" {
		executable, pack, extension = "aitunnel.exe", r.zip, ".zip"
	}
	files := append([]file{{executable, 0o755, program}}, r.files...)
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	for i := range files {
		files[i].name = top + "/" + files[i].name
	}
	var out bytes.Buffer
	err = pack(&out, files)
	return top + extension, out.Bytes(), err
}

func (r *release) tar(w io.Writer, files []file) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.content)), ModTime: r.time, Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.content); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func (r *release) zip(w io.Writer, files []file) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.time.UTC()}
		h.SetMode(os.FileMode(f.mode))
		out, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := out.Write(f.content); err != nil {
			return err
		}
	}
	return z.Close()
}
