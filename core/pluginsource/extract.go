package pluginsource

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// entry is one file of an archive.
type entry struct {
	name string
	mode fs.FileMode
	size int64
	open func() (io.Reader, error)
}

// extract extracts the executable aitunnel-plugin-NAME from an archive to dir. It returns an
// error for an archive that contains anything but regular files and directories, or a path
// that leads out of it.
func extract(archive, name, dir string) (string, error) {
	found := ""
	left := int64(maxArchive)
	each := eachTar
	if strings.HasSuffix(name, ".zip") {
		each = eachZip
	}
	err := each(archive, func(e entry) error {
		if err := e.check(); err != nil || e.mode.IsDir() {
			return err
		}
		if left -= e.size; left < 0 {
			return tooLarge(maxArchive)
		}
		base := path.Base(e.name)
		if !strings.HasPrefix(base, "aitunnel-plugin-") || strings.Contains(strings.TrimSuffix(base, ".exe"), ".") {
			return nil
		}
		if found != "" {
			return fmt.Errorf("it contains two executables, %s and %s", path.Base(found), base)
		}
		found = filepath.Join(dir, base)
		return e.save(found)
	})
	if err == nil && found == "" {
		err = errors.New("it contains no file named aitunnel-plugin-NAME")
	}
	if err != nil && found != "" {
		_ = os.Remove(found)
	}
	return found, err
}

func (e entry) check() error {
	switch {
	case !filepath.IsLocal(filepath.FromSlash(e.name)) || strings.Contains(e.name, "\\"):
		return fmt.Errorf("the path %q leads out of the archive", e.name)
	case !e.mode.IsRegular() && !e.mode.IsDir():
		return fmt.Errorf("%q is a link or a device", e.name)
	}
	return nil
}

func (e entry) save(to string) error {
	from, err := e.open()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700) //nolint:gosec // it is an executable
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(from, maxArchive+1))
	if err == nil && n > maxArchive {
		err = tooLarge(maxArchive)
	}
	return errors.Join(err, f.Close())
}

func eachTar(archive string, do func(entry) error) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("it is not a .tar.gz archive: %w", err)
	}
	// Skipped files are decompressed too, so all of the data counts.
	limited := &io.LimitedReader{R: z, N: maxArchive + 1<<20}
	r := tar.NewReader(limited)
	for {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && limited.N <= 0:
			return tooLarge(maxArchive)
		case err != nil:
			return fmt.Errorf("it is damaged: %w", err)
		}
		mode := h.FileInfo().Mode()
		if h.Typeflag == tar.TypeLink { // its mode is that of a regular file
			mode |= fs.ModeSymlink
		}
		if err := do(entry{h.Name, mode, h.Size, func() (io.Reader, error) { return r, nil }}); err != nil {
			return err
		}
	}
}

func eachZip(archive string, do func(entry) error) error {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return fmt.Errorf("it is not a .zip archive: %w", err)
	}
	defer func() { _ = z.Close() }()
	for _, f := range z.File {
		var opened io.ReadCloser
		err := do(entry{f.Name, f.Mode(), int64(min(f.UncompressedSize64, maxArchive+1)), func() (r io.Reader, err error) {
			opened, err = f.Open()
			return opened, err
		}})
		if opened != nil {
			_ = opened.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
