//go:build unix && !linux

package cli

import "syscall"

// asSibling is only needed for systemd.
func asSibling() *syscall.SysProcAttr { return nil }
