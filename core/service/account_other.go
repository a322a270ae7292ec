//go:build !linux

package service

import "os/exec"

// UseAccount sets the account that u runs with.
func (u *Unit) UseAccount(name string, _ bool) error {
	if u.User = name; name == "root" {
		u.User = ""
	}
	return nil
}

// IsCurrentUser reports whether this process runs with the account of the service. It is
// unknown here.
func (u Unit) IsCurrentUser() bool { return false }

// AsAccount makes a command run with the account of the service. It is not supported
// here, so the command runs with that of the caller.
func (u Unit) AsAccount(*exec.Cmd) error { return nil }

// CanAccess reports whether the account of the service has access to a path. It is
// unknown here.
func (u Unit) CanAccess(string, string) bool { return true }

// makeStateDir is not needed here: the program creates the directory.
func (u Unit) makeStateDir() error { return nil }
