package clients

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// installTime is enough for about 1.2 GB of packages over a slow connection.
const installTime = 10 * time.Minute

// npm is a cache folder with the packages of js/package.json.
type npm struct{ dir string }

// clientsOfNPM installs the packages if they are missing. It skips the test if "make clients"
// does not run it, or if npm cannot be reached.
func clientsOfNPM(t *testing.T) npm {
	t.Helper()
	if os.Getenv("AITUNNEL_CLIENTS") == "" {
		t.Skip("make clients runs this: it installs clients from npm")
	}
	dir, err := installed()
	if err != nil {
		t.Skip("the clients cannot be installed from npm:", err)
	}
	return npm{dir}
}

var installed = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "aitunnel-clients")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	script, err := os.ReadFile("js/sdk.mjs")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "sdk.mjs"), script, 0o600); err != nil {
		return "", err
	}
	packages, err := os.ReadFile("js/package.json")
	if err != nil {
		return "", err
	}
	mark := filepath.Join(dir, "installed.json")
	if before, err := os.ReadFile(mark); err == nil && bytes.Equal(before, packages) {
		return dir, nil
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), packages, 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), installTime)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		return "", errors.Join(err, errors.New(strings.TrimSpace(string(out))))
	}
	return dir, os.WriteFile(mark, packages, 0o600)
})

func (n npm) path(parts ...string) string {
	return filepath.Join(append([]string{n.dir, "node_modules"}, parts...)...)
}

// node returns the folder with the Node.js that the clients require, if there is a package
// for this machine.
func (n npm) node() string {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return n.path("node-"+runtime.GOOS+"-"+arch, "bin")
}

// env returns the environment of a client: an empty home, and no access to other machines.
func (n npm) env(home string, more ...string) []string {
	const nowhere = "http://127.0.0.1:9"
	return append([]string{
		"HOME=" + home, "TERM=dumb", "NO_COLOR=1",
		"PATH=" + n.node() + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"HTTP_PROXY=" + nowhere, "HTTPS_PROXY=" + nowhere, "http_proxy=" + nowhere, "https_proxy=" + nowhere,
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	}, more...)
}

// nodeOf returns the Node.js of the clients, or the machine's.
func nodeOf(n npm) string {
	if path := filepath.Join(n.node(), "node"); exists(path) {
		return path
	}
	path, err := exec.LookPath("node")
	if err != nil {
		return "node"
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
