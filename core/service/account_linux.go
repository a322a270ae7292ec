package service

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// UseAccount sets the account that u runs with. The account [Account] is created if it
// does not exist, unless dryRun.
func (u *Unit) UseAccount(name string, dryRun bool) error {
	u.User = name
	if name == "root" {
		u.User = ""
	}
	account, err := user.Lookup(name)
	if unknown := user.UnknownUserError(""); errors.As(err, &unknown) && name == Account {
		u.Home = StateDir
		if dryRun {
			return nil
		}
		return createAccount()
	}
	if err != nil {
		return fmt.Errorf("the account %q cannot be used: %w", name, err)
	}
	u.Home = account.HomeDir
	return nil
}

func createAccount() error {
	arguments := []string{"--system", "--home-dir", StateDir, "--no-create-home", "--shell", "/usr/sbin/nologin", "--comment", "aitunnel"}
	if _, err := user.LookupGroup(Account); err == nil { // left by an account that was deleted
		arguments = append(arguments, "--gid", Account)
	} else {
		arguments = append(arguments, "--user-group")
	}
	out, err := exec.Command("useradd", append(arguments, Account)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("the account %q cannot be created: %w: %s", Account, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// credential returns the credential of the service's account, nil if commands need no other.
func (u Unit) credential() (*syscall.Credential, error) {
	if !u.System || u.User == "" {
		return nil, nil
	}
	account, err := user.Lookup(u.User)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// IsCurrentUser reports whether this process runs with the account of the service. It is
// false for root.
func (u Unit) IsCurrentUser() bool {
	as, err := u.credential()
	return err == nil && as != nil && int(as.Uid) == os.Getuid()
}

// AsAccount makes a command run with the account and the home directory of the
// service.
func (u Unit) AsAccount(c *exec.Cmd) error {
	as, err := u.credential()
	if err != nil || as == nil {
		return err
	}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	c.Dir = "/"
	if c.Env == nil {
		c.Env = []string{"PATH=" + os.Getenv("PATH")}
	}
	c.Env = append(c.Env, "HOME="+u.Home, "USER="+u.User, "LOGNAME="+u.User)
	return nil
}

// makeStateDir creates the state directory of a system service if systemd does not do
// so: a unit may only name directories that exist.
func (u Unit) makeStateDir() error {
	if _, err := os.Stat(u.StateDir); err == nil || !u.System || u.StateDir == StateDir {
		return nil
	}
	if err := os.MkdirAll(u.StateDir, 0o700); err != nil {
		return err
	}
	as, err := u.credential()
	if err != nil || as == nil {
		return err
	}
	return os.Chown(u.StateDir, int(as.Uid), int(as.Gid))
}

// CanAccess reports whether the account of the service has access to a path. mode is a flag of
// test(1): -r, -w or -x.
func (u Unit) CanAccess(path, mode string) bool {
	test := exec.Command("test", mode, path)
	if err := u.AsAccount(test); err != nil {
		return false
	}
	return test.Run() == nil
}
