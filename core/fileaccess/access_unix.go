//go:build unix

package fileaccess

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// isPerson reports whether people log in to an account and can run commands with it.
func isPerson(uid int) bool {
	if runtime.GOOS == "darwin" {
		return uid == 0 || uid > 500
	}
	return uid == 0 || uid >= 1000 && uid < 60000
}

// Command returns how to run a command with the account of this process, which nobody
// logs in to if it is that of a service. home is the directory with the files of the
// account.
func Command(command, home string) string {
	me := os.Geteuid()
	if isPerson(me) {
		return command
	}
	if hasSudo() {
		return fmt.Sprintf("sudo -u %s HOME=%s %s", name(me), wording.ShellWord(home), command)
	}
	return fmt.Sprintf("runuser -u %s -- env HOME=%s %s", name(me), wording.ShellWord(home), command)
}

// asRoot returns how a command is run as root. Containers often have no sudo.
func asRoot(command string) string {
	switch {
	case os.Geteuid() == 0:
		return command
	case hasSudo():
		return "sudo " + command
	}
	return command + " as root"
}

func hasSudo() bool {
	_, err := exec.LookPath("sudo")
	return err == nil
}

// asOwner returns how a command on a file of this account is run. Nobody logs in to the
// account of a service.
func asOwner(command string) string {
	if isPerson(os.Geteuid()) {
		return command
	}
	return asRoot(command)
}

// MakePrivate returns the command that makes a file accessible only to its owner.
func MakePrivate(path string, info os.FileInfo) string {
	return change("600", path, info)
}

// DenyOthers returns the command after which only the owner of a directory and its group may
// write to it; "" if that is so.
func DenyOthers(dir string) string {
	info, err := os.Stat(dir)
	if err != nil || info.Mode()&0o002 == 0 {
		return ""
	}
	return change("o-w", dir, info)
}

// change returns the command that changes the mode of a file.
func change(mode, path string, info os.FileInfo) string {
	command := fmt.Sprintf("chmod %s %s", mode, wording.ShellWord(path))
	if is, known := info.Sys().(*syscall.Stat_t); known && int(is.Uid) != os.Geteuid() {
		return asRoot(command)
	}
	return asOwner(command)
}

// What an account needs to do with a file, as bits of its mode.
const (
	read  = 4
	write = 2
	enter = 1
)

// Explain adds to an error why the file at the path may not be read. Other errors are
// returned unchanged.
func Explain(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return explain(path, read, err)
}

// CheckAppend returns why a file cannot be appended to, or created if it does not
// exist. It does not create the file.
func CheckAppend(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrPermission):
		return explain(path, write, err)
	case errors.Is(err, syscall.ENXIO):
		return fmt.Errorf("%w: it is a pipe that no program reads, or a socket", err)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		err = fmt.Errorf("%s cannot be created: %w", path, err)
		if errors.Is(err, fs.ErrPermission) {
			return explain(dir, write, err)
		}
		return err
	}
	return nil
}

// explain returns what prevents the account from using the path: the file itself, or a
// directory above it.
func explain(path string, need uint32, err error) error {
	full, failed := filepath.Abs(path)
	if failed != nil {
		return err
	}
	barrier := full
	for dir := full; dir != "/"; dir = filepath.Dir(dir) {
		if _, failed := os.Lstat(dir); errors.Is(failed, fs.ErrPermission) {
			barrier, need = filepath.Dir(dir), enter
		}
	}
	info, failed := os.Stat(barrier)
	if failed != nil {
		return err
	}
	is, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return err
	}
	me, owner := os.Geteuid(), int(is.Uid)
	what := fmt.Sprintf("the account %s may not %s %s, which belongs to %s and has the mode %04o", name(me), verb(need, info), barrier, name(owner), info.Mode().Perm())
	if barrier == full && !info.IsDir() {
		what = fmt.Sprintf("the account %s may not %s it, as it belongs to %s and has the mode %04o", name(me), verb(need, info), name(owner), info.Mode().Perm())
	}
	return fmt.Errorf("%w: %s; %s", err, what, remedy(barrier, info, is, need))
}

func verb(need uint32, info os.FileInfo) string {
	switch {
	case need == enter:
		return "enter"
	case need == write:
		return "write to"
	case info.IsDir():
		return "list"
	}
	return "read"
}

// remedy returns what to do about a file or directory.
func remedy(path string, info os.FileInfo, is *syscall.Stat_t, need uint32) string {
	me, owner := os.Geteuid(), int(is.Uid)
	mode, word := uint32(info.Mode().Perm()), wording.ShellWord(path)
	letters := map[uint32]string{read: "r", write: "rw", enter: "x"}[need]
	if info.IsDir() {
		letters = map[uint32]string{read: "rx", write: "rwx", enter: "x"}[need]
	}
	switch {
	case me == owner && mode>>6&need != 0, me != owner && belongs(int(is.Gid)) && mode>>3&need != 0, me != owner && !belongs(int(is.Gid)) && mode&need != 0:
		return "the mode allows it, so look for a rule of SELinux or AppArmor, an access list or a read-only file system"
	case me == owner:
		return "run " + asOwner(fmt.Sprintf("chmod u+%s %s", letters, word))
	case info.IsDir() && isHome(path, owner):
		return fmt.Sprintf("that is the home directory of another account, so put the file elsewhere, such as in /etc/aitunnel, and give it to %s", name(me))
	case info.IsDir() && owner == 0 && mode&(read|enter) == read|enter: // of the system, such as /var/log
		return fmt.Sprintf("make a directory for it, %s, and use a file there", asRoot(fmt.Sprintf("install -d -o %s %s", name(me), wording.ShellWord(filepath.Join(path, "aitunnel")))))
	}
	if me != 0 && isPerson(me) && owner != 0 { // a service may need the file unchanged
		if hasSudo() {
			return "run the command with sudo"
		}
		return "run the command as root"
	}
	return "run " + asRoot(fmt.Sprintf("chown %s %s", name(me), word))
}

func belongs(group int) bool {
	groups, _ := os.Getgroups()
	return group == os.Getegid() || slices.Contains(groups, group)
}

// isHome reports whether a directory is in the home directory of an account.
func isHome(dir string, owner int) bool {
	u, err := user.LookupId(strconv.Itoa(owner))
	return err == nil && u.HomeDir != "/" && u.HomeDir != "" && strings.HasPrefix(dir+"/", filepath.Clean(u.HomeDir)+"/")
}

// name returns the name of an account.
func name(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}
