package hclfile

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile returns a file that exists in memory only.
func memoryFile(name string, text []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("configuration", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err = f.Write(text); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
