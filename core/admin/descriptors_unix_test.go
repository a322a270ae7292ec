//go:build unix

package admin

import "syscall"

// descriptors returns how many files and connections this process may have open.
// Go has raised the limit as far as possible.
func descriptors() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0
	}
	return uint64(l.Cur) //nolint:unconvert // it is signed on some systems
}
