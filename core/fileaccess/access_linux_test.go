package fileaccess

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// as runs f with the account nobody, on a thread of its own that ends with it.
func as(t *testing.T, f func()) {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil || os.Getuid() != 0 {
		t.Skip("this needs root and the account nobody")
	}
	uid, _ := strconv.Atoi(u.Uid)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with this function
		const same = ^uintptr(0)
		for _, call := range []uintptr{syscall.SYS_SETRESGID, syscall.SYS_SETRESUID} {
			if _, _, e := syscall.RawSyscall(call, same, uintptr(uid), same); e != 0 {
				t.Error(e)
				return
			}
		}
		f()
	}()
	<-done
}

// TestExplain has the account nobody use files without permission: the error names the
// account, the file's owner, and what to do.
func TestExplain(t *testing.T) {
	top := t.TempDir()
	for dir := top; dir != "/"; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&1 == 0 {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	nobody := 65534
	if u, err := user.Lookup("nobody"); err == nil {
		nobody, _ = strconv.Atoi(u.Uid)
	}
	path := func(name string, mode fs.FileMode, owner int) string {
		path := filepath.Join(top, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if strings.HasSuffix(name, "/") {
			err = errors.Join(err, os.MkdirAll(path, 0o700))
		} else {
			err = errors.Join(err, os.WriteFile(path, nil, 0o600))
		}
		if err = errors.Join(err, os.Chmod(path, mode), os.Chown(path, owner, owner)); err != nil && os.Getuid() == 0 {
			t.Fatal(err)
		}
		return path
	}
	roots, own, spaced := path("roots", 0o600, 0), path("own", 0o200, nobody), path("with space", 0o640, 0)
	closed, shared := path("closed/", 0o700, 0), path("shared/", 0o755, 0)
	inside := path("closed/file", 0o644, nobody)
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	readOnly := path("read only", 0o444, 0)
	t.Setenv("PATH", filepath.Dir(path("bin/sudo", 0o755, 0)))
	may := path("may/", 0o700, nobody)
	as(t, func() {
		for _, x := range []struct {
			path  string
			write bool
			says  []string // empty: it is possible
		}{
			{roots, false, []string{"permission denied: the account nobody may not read it, as it belongs to root and has the mode 0600; run sudo chown nobody " + roots}},
			{own, false, []string{"the mode 0200; run sudo chmod u+r " + own}}, // with sudo, since no person logs in as nobody
			{spaced, false, []string{"run sudo chown nobody '" + spaced + "'"}},
			{inside, false, []string{"may not enter " + strings.TrimSuffix(closed, "/") + ", which belongs to root and has the mode 0700; run sudo chown nobody "}},
			{filepath.Join(shared, "log"), true, []string{"cannot be created", "may not write to ", "which belongs to root and has the mode 0755; make a directory for it, sudo install -d -o nobody " + filepath.Join(shared, "aitunnel")}},
			{readOnly, true, []string{"may not write to it, as it belongs to root and has the mode 0444; run sudo chown nobody '" + readOnly + "'"}},
			{filepath.Join(top, "none", "log"), true, []string{"no such file or directory"}},
			{filepath.Join(roots, "log"), true, []string{"not a directory"}},
			{filepath.Join(may, "log"), true, nil},
		} {
			var err error
			if x.write {
				err = CheckAppend(x.path)
			} else {
				_, err = os.ReadFile(x.path)
				err = Explain(x.path, err)
			}
			if (err == nil) != (x.says == nil) {
				t.Errorf("%s: %v", x.path, err)
			}
			for _, text := range x.says {
				if err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("%s: %v\nlacks %q", x.path, err, text)
				}
			}
		}
	})
	if got := Command("ssh-keygen", "/home/me"); got != "ssh-keygen" {
		t.Errorf("as root: %s", got)
	}
	as(t, func() {
		if got := Command("ssh-keygen", "/var/lib/a b"); !strings.Contains(got, "-u nobody ") || !strings.HasSuffix(got, " HOME='/var/lib/a b' ssh-keygen") {
			t.Errorf("as a service: %s", got)
		}
	})
	makePrivate := func(path string) string {
		info, err := os.Lstat(path)
		if err != nil {
			t.Error(err)
			return ""
		}
		return MakePrivate(path, info)
	}
	if got := makePrivate(own); got != "chmod 600 "+own {
		t.Errorf("as root: %s", got)
	}
	as(t, func() {
		for _, path := range []string{roots, own} {
			if got := makePrivate(path); got != "sudo chmod 600 "+path {
				t.Errorf("as a service: %s", got)
			}
		}
	})
	t.Setenv("PATH", may) // without sudo, as in a container
	as(t, func() {
		_, err := os.ReadFile(own)
		for got, want := range map[string]string{
			makePrivate(own):              "chmod 600 " + own + " as root",
			Explain(own, err).Error():     "; run chmod u+r " + own + " as root",
			Command("true", "/srv/state"): "runuser -u nobody -- env HOME=/srv/state true",
		} {
			if !strings.HasSuffix(got, want) {
				t.Errorf("without sudo: %s, expected %s", got, want)
			}
		}
	})
	if _, err := os.Stat(filepath.Join(may, "log")); err == nil {
		t.Error("the check created a file")
	}
}
