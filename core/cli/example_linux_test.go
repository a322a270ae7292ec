package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestTheExampleConfigurationStarts without any variables of the user. It uses the default
// ports, so it runs in its own network namespace. Its placeholder is not accepted as a client
// token.
func TestTheExampleConfigurationStarts(t *testing.T) {
	t.Parallel()
	const example = "../../config.hcl.example"
	netns := []string{"--net"}
	if os.Getuid() != 0 {
		netns = append(netns, "--map-root-user")
	}
	if out, err := exec.Command("unshare", append(netns, "true")...).CombinedOutput(); err != nil {
		t.Skipf("this machine forbids network namespaces: %v %s", err, out)
	}
	home := t.TempDir()
	in := func(script string) *exec.Cmd {
		c := exec.Command("unshare", append(netns, "sh", "-c", "ip link set lo up; "+script, example)...)
		c.Env = []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "NO_COLOR=1"}
		c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return c
	}
	out, err := in(`exec aitunnel validate "$0"`).CombinedOutput()
	for _, want := range []string{`A key of the channel "primary" is a placeholder`, "api-site.example is an example", "is valid: 2 channels, 1 route."} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("validate (%v) does not print %q:\n%s", err, want, out)
		}
	}

	log := filepath.Join(home, "log")
	c := in(`curl -s --retry 30 --retry-delay 1 --retry-connrefused -o "$HOME/answer" -H 'Authorization: Bearer put-a-token-here' http://127.0.0.1:9000/v1/models & exec aitunnel start -f -c "$0" >"$HOME/log" 2>&1`)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	text := func(file string) string {
		b, _ := os.ReadFile(filepath.Join(home, file))
		return string(bytes.TrimSpace(b))
	}
	t.Cleanup(func() { t.Log(text("log")) })
	testhelp.Eventually(t, "the proxy answers", func() bool { return text("answer") != "" })
	if got := text("answer"); !strings.Contains(got, "invalid_client_token") {
		t.Errorf("a placeholder as client token: %s", got)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("the program ended with: %v", err)
	}
	if got := text(filepath.Base(log)); !strings.Contains(got, "laceholder") {
		t.Errorf("the log does not say what to edit:\n%s", got)
	}
}
