package pluginsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// IsLocal reports whether a path is that of a release: of one archive, or of a folder.
func IsLocal(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || isArchiveName(filepath.Base(path))
}

// Local returns the releases that are at a path, the newest first: that of an archive,
// or those of the archives in a folder.
func Local(path string) ([]Release, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return folder(path)
	}
	r := Release{single: true, noSums: true, assets: append([]asset{{name: filepath.Base(path), path: path}}, sumsIn(filepath.Dir(path))...)}
	if m := archiveSyntax().FindStringSubmatch(filepath.Base(path)); m != nil {
		r.Version = m[2]
	}
	return []Release{r}, nil
}

// folder returns the releases whose archives are in a folder, as 'make release-snapshot'
// leaves them there. They share one list of sums.
func folder(dir string) ([]Release, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []Release
	plugin := ""
	for _, e := range entries {
		m := archiveSyntax().FindStringSubmatch(e.Name())
		switch {
		case m == nil:
			continue
		case plugin != "" && plugin != m[1]:
			return nil, fmt.Errorf("the folder %s has archives of two plugins, %s and %s: name an archive", dir, plugin, m[1])
		}
		plugin = m[1]
		i := slices.IndexFunc(out, func(r Release) bool { return r.Version == m[2] })
		if i < 0 {
			i, out = len(out), append(out, Release{Version: m[2], noSums: true, assets: sumsIn(dir)})
		}
		out[i].assets = append(out[i].assets, asset{name: e.Name(), path: filepath.Join(dir, e.Name())})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the folder %s has no archive of a release, called aitunnel-plugin-NAME_VERSION_OS_ARCH.tar.gz or .zip: name that of 'make release-snapshot', which is dist, or the executable itself", dir)
	}
	slices.SortStableFunc(out, func(a, b Release) int { return compare(b.Version, a.Version) })
	return out, nil
}

func sumsIn(dir string) []asset {
	return []asset{{name: sumsName, path: filepath.Join(dir, sumsName)}, {name: signatureName, path: filepath.Join(dir, signatureName)}}
}

// read writes a file of a release, of up to max bytes, to w.
func (c *Client) read(ctx context.Context, a asset, max int64, w io.Writer) error {
	if a.path == "" {
		return c.download(ctx, a.url, "application/octet-stream", max, w)
	}
	info, err := os.Stat(a.path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular(): // a pipe would never end
		return errors.New("it is not a regular file")
	case info.Size() > max:
		return tooLarge(max)
	}
	f, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	n, err := io.Copy(w, io.LimitReader(f, max+1))
	if err == nil && n > max {
		err = tooLarge(max)
	}
	return err
}

// unavailable says that a file of a release could not be read.
func (a asset) unavailable(err error) error {
	if a.path == "" {
		return fmt.Errorf("%s cannot be downloaded: %w", a.name, err)
	}
	var failed *os.PathError
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("%s cannot be read: %w", a.path, err)
}
