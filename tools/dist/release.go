package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
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

// alongside lists the files that are packed with the program.
var alongside = []string{"LICENSE", "README.md", "README.zh-CN.md", "CHANGELOG.md", "config.hcl.example", "docs"}

// release has what is the same for all platforms.
type release struct {
	dir, version string
	time         time.Time
	files        []file
	programs     map[string][]byte // by platform
	optional     bool              // go on without packages where they cannot be made
}

type file struct {
	name    string
	mode    int64
	content []byte
}

func newRelease(dir, version string) (*release, error) {
	r := &release{dir: dir, version: version, time: sourceTime(dir), programs: map[string][]byte{}}
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

// sourceTime returns the time of the last commit, or SOURCE_DATE_EPOCH.
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

// completions returns the scripts for shells, which the program for this system writes.
func (r *release) completions() error {
	content, err := r.program(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil {
		return err
	}
	program, err := os.CreateTemp("", "aitunnel-*.exe")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(program.Name()) }()
	_, err = program.Write(content)
	if closed := program.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(program.Name(), 0o700)
	}
	if err != nil {
		return err
	}
	for shell, name := range map[string]string{"bash": "aitunnel.bash", "zsh": "_aitunnel", "fish": "aitunnel.fish", "powershell": "aitunnel.ps1"} {
		script, err := exec.Command(program.Name(), "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("the completion for %s: %w", shell, err)
		}
		r.files = append(r.files, file{"completions/" + name, 0o644, script})
	}
	slices.SortFunc(r.files, byName)
	return nil
}

func byName(a, b file) int { return strings.Compare(a.name, b.name) }

// program builds the executable for a platform.
func (r *release) program(platform string) ([]byte, error) {
	if built, ok := r.programs[platform]; ok {
		return built, nil
	}
	goos, goarch, _ := strings.Cut(platform, "/")
	dir, err := os.MkdirTemp("", "aitunnel-build-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "aitunnel")
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X github.com/aitunnel/aitunnel/core/cli.version="+r.version, "-o", path, ".")
	c.Dir = r.dir
	c.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if said, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, said)
	}
	r.programs[platform], err = os.ReadFile(path)
	return r.programs[platform], err
}

// archive packs the program for one platform.
func (r *release) archive(platform string) (name string, content []byte, err error) {
	program, err := r.program(platform)
	if err != nil {
		return "", nil, err
	}
	executable, pack, extension := "aitunnel", r.tar, ".tar.gz"
	if strings.HasPrefix(platform, "windows/") {
		executable, pack, extension = "aitunnel.exe", r.zip, ".zip"
	}
	top := r.archiveName(platform)
	files := append([]file{{executable, 0o755, program}}, r.files...)
	slices.SortFunc(files, byName)
	for i := range files {
		files[i].name = top + "/" + files[i].name
	}
	var out bytes.Buffer
	err = pack(&out, files)
	return top + extension, out.Bytes(), err
}

// archiveName returns the name of an archive without its extension, which is also the
// directory in it.
func (r *release) archiveName(platform string) string {
	return "aitunnel-" + r.version + "-" + strings.ReplaceAll(platform, "/", "-")
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
