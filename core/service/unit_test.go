package service

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestServiceFiles compares what the service managers of all systems get. A
// script of core/cli has systemd-analyze read the unit.
func TestServiceFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the goldens have the line ends of Unix")
	}
	for _, c := range []struct {
		golden, goos, executable, config, state string
		system                                  bool
	}{
		{"user.service", "linux", "/home/me/bin/aitunnel", "/home/me/.config/aitunnel/aitunnel.hcl", "/home/me/.local/state/aitunnel", false},
		{"system.service", "linux", "/usr/local/bin/aitunnel", "/etc/aitunnel/aitunnel.hcl", "/var/lib/aitunnel", true},
		{"quoted.service", "linux", "/opt/$my %tools/aitunnel", `/home/me/100%/"$HOME"\aitunnel.hcl`, "/var/lib/aitunnel", false},
		{"agent.plist", "darwin", "/Users/me/bin/aitunnel", "/Users/me/R&D <new>/aitunnel.hcl", "/Users/me/.local/state/aitunnel", false},
		{"windows.txt", "windows", `C:\Tools\aitunnel.exe`, `C:\Users\me\aitunnel.hcl`, `C:\Users\me\AppData\Local\aitunnel`, true},
	} {
		text := Unit{System: c.system, Executable: c.executable, Config: c.config, StateDir: c.state}.Text(c.goos)
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
