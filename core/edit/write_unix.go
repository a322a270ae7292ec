//go:build !windows

package edit

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/google/renameio/v2"
)

func replace(path string, content []byte, was os.FileInfo) error {
	// The bits above the permissions are none of a file of text.
	next, err := renameio.NewPendingFile(path, renameio.WithStaticPermissions(was.Mode().Perm()))
	if err != nil {
		return err
	}
	defer func() { _ = next.Cleanup() }() // after the replacement there is nothing to clean up
	if s, ok := was.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := next.Chown(int(s.Uid), int(s.Gid)); err != nil {
			return err
		}
	}
	if _, err := next.Write(content); err != nil {
		return err
	}
	err = next.CloseAtomicallyReplace()
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: the file is mounted by itself, so it cannot be replaced; mount its directory", err)
	}
	return err
}
