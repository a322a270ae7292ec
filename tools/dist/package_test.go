package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestPackage installs the .deb in a container with systemd, whose root is an overlay of this
// machine's. It uses the service, upgrades it from an earlier version during streams, and
// removes it; then the same with 'aitunnel service install'. This machine is not changed.
func TestPackage(t *testing.T) {
	if os.Getenv("AITUNNEL_REAL") == "" {
		t.Skip("takes minutes; run by make test-real")
	}
	for _, tool := range []string{"systemd-nspawn", "dpkg", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("only root can start a system")
	}
	t.Chdir("../..")
	r, err := newRelease(".", "9.9.9")
	if err != nil {
		t.Fatal(err)
	}
	platform := "linux/" + runtime.GOARCH
	program, err := r.program(platform)
	if err != nil {
		t.Fatal(err)
	}
	deb, err := r.pack("deb", runtime.GOARCH, program)
	if errors.Is(err, errNoNfpm) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("tools/dist/testdata/trial.sh")
	if err != nil {
		t.Fatal(err)
	}
	earlier, err := earlierRelease(t, "9.9.8")
	if err != nil {
		t.Fatal(err)
	}
	before, err := earlier.program(platform)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(before, program) {
		t.Fatal("both packages have the same program")
	}
	earlierDeb, err := earlier.pack("deb", runtime.GOARCH, before)
	if err != nil {
		t.Fatal(err)
	}
	out := boot(t, map[string][]byte{"aitunnel.deb": deb, "earlier.deb": earlierDeb, "aitunnel": program, "trial.sh": script})
	if !strings.Contains(out, "all checks passed") {
		t.Errorf("\n%s", out)
	}
}

// earlierCommit is the version that is upgraded, if the repository has it.
const earlierCommit = "af47b2da0d3b16fc8b4628a2db03885f179a3f90"

// earlierRelease builds a release of an earlier commit. In a shallow clone without it, the
// current source is used, so only the version differs.
func earlierRelease(t *testing.T, version string) (*release, error) {
	t.Helper()
	dir := t.TempDir()
	c := exec.Command("sh", "-c", `git archive "$1" | tar -x -C "$2"`, "sh", earlierCommit, dir)
	if exec.Command("git", "cat-file", "-e", earlierCommit+"^{commit}").Run() != nil || c.Run() != nil {
		t.Log("the earlier commit is missing: only the version of the earlier package differs")
		dir = "."
	}
	return newRelease(dir, version)
}

// trialUnit runs the script once, and shuts the system down.
const trialUnit = `[Unit]
Requires=basic.target
After=basic.target
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/bash /trial.sh
StandardOutput=file:/trial.out
TimeoutStartSec=infinity
`

// bootScript starts the system. Its root is an overlay of this machine's, with a
// /tmp of its own: what systemd cleans up and writes is not this machine's.
const bootScript = `set -e
mount --make-rprivate /
mount -t proc proc /proc
mkdir "$DIR/mount"
mount -t tmpfs tmpfs "$DIR/mount"
cd "$DIR/mount"
mkdir upper work root
cp -r "$DIR/files/." upper/
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
systemd-nspawn --register=no --keep-unit --quiet --directory=root --private-network --link-journal=no --console=pipe \
  --boot -- --unit=trial.service --show-status=no --log-level=warning || echo "the system ended with $?"
cat upper/trial.out
`

// boot starts a system with these files at its root, and returns what the script
// trial.sh printed.
func boot(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	files["etc/systemd/system/trial.service"] = []byte(trialUnit)
	for name, content := range files {
		path := filepath.Join(dir, "files", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", bootScript)
	c.Env = append(os.Environ(), "DIR="+dir)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(15*time.Minute, func() { _ = c.Process.Kill() })
	defer limit.Stop()
	if err := c.Wait(); err != nil {
		if strings.Contains(out.String(), "Operation not permitted") {
			t.Skipf("this machine does not allow containers: %s", out.String())
		}
		t.Errorf("%v", err)
	}
	return out.String()
}
