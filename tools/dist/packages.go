package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/aitunnel/aitunnel/core/service"
)

//go:embed package/nfpm.yaml
var nfpmText string

// The scripts that run when a package is installed and removed, for dpkg and rpm.
var (
	//go:embed package/postinstall.sh
	postInstall []byte
	//go:embed package/preremove.sh
	preRemove []byte
	//go:embed package/postremove.sh
	postRemove []byte
)

var nfpmTemplate = template.Must(template.New("").Parse(nfpmText))

// formats are the package formats, with their names of architectures.
var formats = map[string]map[string]string{
	"deb": {"amd64": "amd64", "arm64": "arm64"},
	"rpm": {"amd64": "x86_64", "arm64": "aarch64"},
}

// packages returns those of a platform by name; nfpm creates them.
func (r *release) packages(platform string) (map[string][]byte, error) {
	goos, goarch, _ := strings.Cut(platform, "/")
	if goos != "linux" {
		return nil, nil
	}
	program, err := r.program(platform)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for format, names := range formats {
		name := fmt.Sprintf("aitunnel_%s_%s.%s", r.version, names[goarch], format)
		if out[name], err = r.pack(format, goarch, program); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// zshPlace is where zsh searches for completions of packages.
var zshPlace = map[string]string{"deb": "zsh/vendor-completions/_aitunnel", "rpm": "zsh/site-functions/_aitunnel"}

// lay writes the files of a package to the paths at which they are installed, below dir.
func (r *release) lay(dir, format string, program []byte) error {
	files := []file{
		{"root/usr/bin/aitunnel", 0o755, program},
		{"root/usr/lib/systemd/system/aitunnel.service", 0o644, packageUnit()},
		{"postinstall.sh", 0o755, postInstall},
		{"preremove.sh", 0o755, preRemove},
		{"postremove.sh", 0o755, postRemove},
	}
	places := map[string]string{
		"LICENSE":                   "doc/aitunnel/copyright",
		"README.md":                 "doc/aitunnel/README.md",
		"CHANGELOG.md":              "doc/aitunnel/CHANGELOG.md",
		"config.hcl.example":        "doc/aitunnel/config.hcl.example",
		"completions/aitunnel.bash": "bash-completion/completions/aitunnel",
		"completions/_aitunnel":     zshPlace[format],
		"completions/aitunnel.fish": "fish/vendor_completions.d/aitunnel.fish",
	}
	for _, f := range r.files {
		if place, ok := places[f.name]; ok {
			files = append(files, file{"root/usr/share/" + place, 0o644, f.content})
		} else if page, ok := strings.CutPrefix(f.name, "docs/man/"); ok {
			files = append(files, file{"root/usr/share/man/man1/" + page + ".gz", 0o644, compressed(f.content)})
		}
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.content, os.FileMode(f.mode)); err != nil {
			return err
		}
		if err := os.Chtimes(path, r.time, r.time); err != nil {
			return err
		}
	}
	return nil
}

func compressed(content []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level exists
	_, _ = z.Write(content)                                 // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// packageUnit returns the unit that 'service install' would write, adapted to a package.
func packageUnit() []byte {
	text := service.Unit{
		System: true, Executable: "/usr/bin/aitunnel", Config: "/etc/aitunnel/aitunnel.hcl",
		StateDir: service.StateDir, User: service.Account, Home: service.StateDir, Drain: time.Minute,
	}.Text("linux")
	_, unit, _ := strings.Cut(text, "[Unit]\n")
	return []byte("# Of the package aitunnel. Change it with 'systemctl edit aitunnel'.\n[Unit]\nConditionPathExists=/etc/aitunnel/aitunnel.hcl\n" + unit)
}

// pack runs nfpm.
func (r *release) pack(format, goarch string, program []byte) ([]byte, error) {
	dir, err := os.MkdirTemp("", "aitunnel-package-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := r.lay(dir, format, program); err != nil {
		return nil, err
	}
	var config bytes.Buffer
	err = nfpmTemplate.Execute(&config, map[string]string{
		"Arch": goarch, "Version": r.version, "Dir": dir, "Time": r.time.UTC().Format(time.RFC3339),
	})
	if err != nil {
		return nil, err
	}
	path, target := filepath.Join(dir, "nfpm.yaml"), filepath.Join(dir, "package."+format)
	if err := os.WriteFile(path, config.Bytes(), 0o600); err != nil {
		return nil, err
	}
	c, err := nfpm("package", "--config", path, "--packager", format, "--target", target)
	if err != nil {
		return nil, err
	}
	c.Env = append(c.Env, fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix()))
	if said, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("nfpm: %w\n%s", err, said)
	}
	return os.ReadFile(target)
}

// errNoNfpm says that nfpm, which is not in the program's modules, cannot be built here, as
// on a machine without a network.
var errNoNfpm = errors.New("nfpm cannot be built")

// nfpm returns a command that runs nfpm.
func nfpm(arguments ...string) (*exec.Cmd, error) {
	modfile, err := filepath.Abs("tools/external/go.mod")
	if err != nil {
		return nil, err
	}
	command := func(arguments ...string) *exec.Cmd {
		c := exec.Command("go", append([]string{"tool", "-modfile=" + modfile, "nfpm"}, arguments...)...)
		c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		return c
	}
	if said, err := command("--version").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %w\n%s", errNoNfpm, err, said)
	}
	return command(arguments...), nil
}
