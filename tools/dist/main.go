// Dist builds the program for all systems, and packages what users download:
// archives, packages, manifests for package managers, an installer, and a list of
// components. The same source and Go version give the same bytes at any time and in any
// directory: with -verify it checks that, by building for one system in two directories.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// downloads is the URL of the releases.
const downloads = "https://github.com/aitunnel/aitunnel/releases/download/v"

func main() {
	version := flag.String("version", "0.0.0", "the version of the program")
	out := flag.String("out", "dist", "output directory")
	only := flag.String("only", "", "build only this platform, such as linux/amd64")
	verify := flag.Bool("verify", false, "build for this system in two directories, and compare")
	flag.Parse()
	run := func() error { return build(*out, *version, *only) }
	if *verify {
		run = func() error { return compare(*version) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// build writes the results for all platforms, or for one.
func build(out, version, only string) error {
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
	wanted := platforms
	if only != "" {
		wanted = []string{only}
	}
	results, err := r.results(wanted)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(results)) {
		if err := os.WriteFile(filepath.Join(out, name), results[name], 0o644); err != nil {
			return err
		}
		fmt.Printf("%s  %.1f MB\n", name, float64(len(results[name]))/1e6)
	}
	return nil
}

// results returns all files of a release by name.
func (r *release) results(platforms []string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, p := range platforms {
		name, content, err := r.archive(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		out[name] = content
		packages, err := r.packages(p)
		if r.optional && errors.Is(err, errNoNfpm) {
			fmt.Println("The packages are not compared:", err)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		maps.Copy(out, packages)
	}
	if err := r.manifests(out); err != nil {
		return nil, err
	}
	out["SHA256SUMS"] = sums(out)
	return out, nil
}

// sums returns the hashes of files, as sha256sum prints them.
func sums(files map[string][]byte) []byte {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&out, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return out.Bytes()
}

// compare builds for this system here and in a copy of the source.
func compare(version string) error {
	elsewhere, err := os.MkdirTemp("", "aitunnel-dist-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(elsewhere) }()
	if err := copyTree(elsewhere); err != nil {
		return err
	}
	host := runtime.GOOS + "/" + runtime.GOARCH
	var both [2]map[string][]byte
	for i, dir := range []string{".", elsewhere} {
		r, err := newRelease(dir, version)
		if err != nil {
			return err
		}
		r.time = time.Unix(1e9, 0) // a copy has no commit with a version
		r.optional = true
		if both[i], err = r.results([]string{host}); err != nil {
			return err
		}
	}
	fmt.Printf("%s", both[0]["SHA256SUMS"])
	var differ []error
	for name, content := range both[0] {
		if !bytes.Equal(content, both[1][name]) {
			differ = append(differ, fmt.Errorf("two builds of %s differ", name))
		}
	}
	return errors.Join(differ...)
}

// copyTree copies the source, without what was built from it.
func copyTree(to string) error {
	return filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
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
