//go:build !linux

package service

import "os/exec"

// UseAccount makes u run with the account of that name.
func (u *Unit) UseAccount(name string, _ bool) error {
	if u.User = name; name == "root" {
		u.User = ""
	}
	return nil
}

// IsAccount reports whether this process runs with the account of the service. It is
// not known here.
func (u Unit) IsAccount() bool { return false }

// AsAccount makes a command run with the account of the service, where that is
// supported.
func (u Unit) AsAccount(*exec.Cmd) error { return nil }

// May reports whether the account of the service may use a path. It is not
// known here.
func (u Unit) May(string, string) bool { return true }

// makeStateDir leaves it to the program.
func (u Unit) makeStateDir() error { return nil }
