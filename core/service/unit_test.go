package service

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// systemUnit is the unit that 'service install' installs for root.
var systemUnit = Unit{System: true, Executable: "/usr/local/bin/aitunnel", Config: "/etc/aitunnel/aitunnel.hcl", StateDir: StateDir, User: Account, Home: StateDir, Drain: time.Minute}

// TestServiceFiles compares the service files for all systems with the golden files.
func TestServiceFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the golden files have the line endings of Unix")
	}
	for _, c := range []struct {
		golden, goos string
		Unit
	}{
		{"user.service", "linux", Unit{Executable: "/home/me/bin/aitunnel", Config: "/home/me/.config/aitunnel/aitunnel.hcl", StateDir: "/home/me/.local/state/aitunnel"}},
		{"system.service", "linux", systemUnit},
		{"root.service", "linux", Unit{System: true, Executable: "/usr/local/bin/aitunnel", Config: "/root/aitunnel.hcl", StateDir: "/root/.local/state/aitunnel", Home: "/root", Drain: 5 * time.Minute}},
		{"account.service", "linux", Unit{System: true, Executable: "/usr/local/bin/aitunnel", Config: "/home/me/aitunnel.hcl", StateDir: StateDir, User: "me", Home: "/home/me"}},
		{"quoted.service", "linux", Unit{Executable: "/opt/$my %tools/aitunnel", Config: `/home/me/100%/"$HOME"\aitunnel.hcl`, StateDir: "/var/lib/aitunnel"}},
		{"agent.plist", "darwin", Unit{Executable: "/Users/me/bin/aitunnel", Config: "/Users/me/R&D <new>/aitunnel.hcl", StateDir: "/Users/me/.local/state/aitunnel"}},
		{"daemon.plist", "darwin", Unit{System: true, Executable: "/usr/local/bin/aitunnel", Config: "/etc/aitunnel/aitunnel.hcl", StateDir: "/var/aitunnel", User: "me"}},
		{"windows.txt", "windows", Unit{System: true, Executable: `C:\Tools\aitunnel.exe`, Config: `C:\Users\me\aitunnel.hcl`, StateDir: `C:\Users\me\AppData\Local\aitunnel`}},
	} {
		text := c.Text(c.goos)
		path := filepath.Join("testdata", c.golden)
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.golden, diff)
		}
	}
}

// TestUnitIsHardened asks systemd-analyze whether the units are valid, and how exposed the
// system is to them (10 is the worst).
func TestUnitIsHardened(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	for _, c := range []struct {
		name string
		Unit
		exposure float64
	}{
		{"system", systemUnit, 3},
		{"root", Unit{System: true, Config: "/root/aitunnel.hcl", StateDir: "/root/.local/state/aitunnel", Home: "/root"}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.Executable, err = os.Executable(); err != nil { // one that exists
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "aitunnel.service")
			if err := os.WriteFile(path, []byte(c.Text("linux")), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("verify: %v\n%s", err, out)
			}
			out, err := exec.Command(analyze, "security", "--offline=yes", "--no-pager", path).CombinedOutput()
			if strings.Contains(string(out), "unrecognized option") {
				t.Skip("this systemd-analyze cannot rate a unit that is not installed")
			}
			found := regexp.MustCompile(`exposure level for aitunnel\.service: ([0-9.]+)`).FindSubmatch(out)
			if found == nil {
				t.Fatalf("security: %v\n%s", err, out)
			}
			level, err := strconv.ParseFloat(string(found[1]), 64)
			t.Logf("exposure %v", level)
			if err != nil || level >= c.exposure {
				t.Errorf("exposure %v, want less than %v\n%s", level, c.exposure, out)
			}
		})
	}
}

// TestUpdateKeepsAccountAndState reads units of this and of earlier versions.
func TestUpdateKeepsAccountAndState(t *testing.T) {
	for _, c := range []struct{ text, user, state, config string }{
		{systemUnit.systemd(), Account, StateDir, systemUnit.Config},
		{"[Service]\nExecStart=/usr/bin/aitunnel start --foreground --config /root/a.hcl --state-dir /root/.local/state/100%%\n", "", "/root/.local/state/100%", "/root/a.hcl"},
		{"ExecStart=/usr/bin/aitunnel start --config /a.hcl --state-dir \"/root/my state\"\nUser=me\n", "me", "/root/my state", "/a.hcl"},
		{systemUnit.systemd() + "\n[Service]\nUser=other\n", "other", StateDir, systemUnit.Config}, // with a drop-in
		{systemUnit.systemd() + "\n[Service]\nUser=root\n", "", StateDir, systemUnit.Config},
		{"ExecStart=/usr/bin/aitunnel start --config \"/etc/my $$files/100%%.hcl\" --state-dir /var/lib/aitunnel\nUser=me\n", "me", StateDir, "/etc/my $files/100%.hcl"},
	} {
		u := Unit{User: "another", StateDir: "/elsewhere"}
		if u.readUnit(c.text); u.User != c.user || u.StateDir != c.state || u.Config != c.config {
			t.Errorf("account %q, state %q and configuration %q of\n%s", u.User, u.StateDir, u.Config, c.text)
		}
	}
	for text, home := range map[string]string{systemUnit.systemd(): StateDir, "Environment=\"HOME=/home/a b\"\nEnvironment=A=b\n": "/home/a b", "User=me\n": ""} {
		if got := homeOf(text); got != home {
			t.Errorf("home %q, want %q, of\n%s", got, home, text)
		}
	}
}

// TestAUnitIsReadable by all accounts, whose commands find the service by its unit. The mode of an
// existing unit is corrected.
func TestAUnitIsReadable(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	file := filepath.Join(t.TempDir(), "aitunnel.service")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeReadable(file, "[Unit]\n"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
