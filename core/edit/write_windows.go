package edit

import (
	"errors"
	"os"
	"path/filepath"
)

func replace(path string, content []byte, _ os.FileInfo) error {
	next, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = next.Write(content)
	err = errors.Join(err, next.Sync(), next.Close())
	if err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		_ = os.Remove(next.Name()) // it may be gone
	}
	return err
}
