//go:build unix

package cli

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/pluginsource/releasetest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestFromAuthorToUser follows a plugin from its creation to the requests of a user, with two
// releases and a rollback.
func TestFromAuthorToUser(t *testing.T) {
	testhelp.Real(t)
	t.Parallel()
	writer := newPerson(t)
	writer.run(".", "aitunnel", "plugin", "new", "strategy", "acme", "--sdk", repository(t, "sdk"))
	const project = "aitunnel-plugin-acme"
	first := writer.release(project, "1.0.0")
	writer.rewrite(project+"/strategy.go", `"by weight and successes"`, `"the second version"`)
	second := writer.release(project, "1.1.0")

	server, key := releasetest.New(t), releasetest.NewKey(1)
	publishFiles(server, "1.0.0", first, key)
	user := newUser(t, server)
	one, two := newSite(t, "one"), newSite(t, "two")
	user.configure(fmt.Sprintf(`plugin "acme" {
  source      = "github.com/acme/aitunnel-plugin-acme"
  version     = ">= 1.0, < 2.0"
  signing_key = %q
}
route "/v1/**" {
  channels = [channel.one, channel.two]
  strategy "acme" { refresh = "100ms" }
}
`, key.Public()), one, two)
	if out, err := user.try(".", "aitunnel", "validate"); err == nil || !strings.Contains(out, "run: aitunnel plugin init") {
		t.Errorf("before the plugin is installed: %v\n%s", err, out)
	}
	user.prints("acme 1.0.0 was installed", "plugin", "init")
	user.checkRefusals(server, key, first, second)

	user.start()
	user.awaitPlan("by weight and successes")
	publishFiles(server, "1.1.0", second, key)
	stop := user.hammer(500)
	defer stop()
	user.prints(`acme +1\.0\.0 +1\.1\.0 +1\.1\.0`, "plugin", "outdated")
	user.prints("acme 1.1.0 was upgraded from 1.0.0", "plugin", "upgrade")
	user.awaitPlan("the second version")
	user.prints("All plugins are up to date", "plugin", "outdated")
	user.prints("acme is version 1.0.0 again; 1.1.0 is kept", "plugin", "rollback", "acme")
	user.awaitPlan("by weight and successes")
	if n := stop(); n == 0 || one.Count() == 0 || two.Count() == 0 {
		t.Errorf("%d requests, %d at one and %d at two", n, one.Count(), two.Count())
	}
}

// TestReleasesOfEveryKind runs the release workflow that `plugin new` writes, for every kind of
// component.
func TestReleasesOfEveryKind(t *testing.T) {
	if !testhelp.Soak() {
		t.Skip("builds four plugins for six systems: run by make soak")
	}
	for _, kind := range []string{"strategy", "router", "key-selector", "health-checker"} {
		t.Run(kind, func(t *testing.T) {
			a := newAuthor(t)
			a.run(".", "aitunnel", "plugin", "new", kind, "mine", "--sdk", repository(t, "sdk"))
			a.workflow("aitunnel-plugin-mine", "v1.2.0-rc1")
			created := a.read("created")
			for _, want := range []string{
				"release create v1.2.0-rc1", "--prerelease", "dist/SHA256SUMS\n", "dist/SHA256SUMS.minisig",
				"dist/aitunnel-plugin-mine_1.2.0-rc1_windows_arm64.tar.gz", "dist/aitunnel-plugin-mine_1.2.0-rc1_linux_amd64.tar.gz",
			} {
				if !strings.Contains(strings.ReplaceAll(created, " dist/", "\ndist/")+"\n", want) {
					t.Errorf("%q is missing in: gh %s", want, created)
				}
			}
			a.run("aitunnel-plugin-mine", "tar", "-xzf", fmt.Sprintf("dist/aitunnel-plugin-mine_1.2.0-rc1_%s_%s.tar.gz", runtime.GOOS, runtime.GOARCH))
			if out := a.run("aitunnel-plugin-mine", "aitunnel", "plugin", "verify", "./aitunnel-plugin-mine"); !strings.Contains(out, "mine 1.2.0-rc1") {
				t.Errorf("plugin verify prints\n%s", out)
			}
		})
	}
}

// runStep matches the commands of a workflow, in one line or in a block.
var runStep = regexp.MustCompile(`(?m)^( +)(?:- )?run: (?:\|\n((?:\s*\n|\s{10,}.*\n)+)|(.*)$)`)

// workflow runs the commands of the generated workflow, with a signing key, and with a script
// in place of gh that records its arguments.
func (a *person) workflow(dir, tag string) {
	a.t.Helper()
	bin := a.t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho \"$@\" > '%s/created'\n", a.home)
	if err := testhelp.WriteProgram(filepath.Join(bin, "gh"), []byte(script), 0o700); err != nil {
		a.t.Fatal(err)
	}
	if _, err := exec.LookPath("minisign"); err != nil {
		a.t.Skip("minisign is not installed")
	}
	a.run(".", "minisign", "-G", "-W", "-p", "minisign.pub", "-s", "minisign.key")
	set := filepath.Join(a.home, "github.env")
	a.env = append(a.env, "PATH="+bin+":"+filepath.Dir(a.self)+":"+os.Getenv("PATH"), "GITHUB_REF_NAME="+tag, "GITHUB_ENV="+set, "RUNNER_TEMP="+a.t.TempDir(), "MINISIGN_KEY="+a.read("minisign.key"))
	steps := runStep.FindAllStringSubmatch(a.read(dir+"/.github/workflows/ci.yml"), -1)
	if len(steps) != 4 {
		a.t.Fatalf("the workflow has %d commands", len(steps))
	}
	for _, step := range steps {
		a.run(dir, "bash", "-e", "-c", step[2]+step[3])
		if text, err := os.ReadFile(set); err == nil {
			a.env = append(a.env, strings.Fields(string(text))...)
		}
	}
}

// release builds the files of a release: in the long form for all platforms.
func (a *person) release(dir, version string) map[string][]byte {
	a.t.Helper()
	args := []string{"release-snapshot", "VERSION=" + version}
	if os.Getenv("AITUNNEL_REAL") == "" {
		args = append(args, "PLATFORMS="+runtime.GOOS+"/"+runtime.GOARCH)
	}
	a.run(dir, "make", args...)
	files := map[string][]byte{}
	paths, err := filepath.Glob(filepath.Join(a.home, dir, "dist", "*"))
	if err != nil || len(paths) < 2 {
		a.t.Fatalf("make release-snapshot made %q, %v", paths, err)
	}
	for _, path := range paths {
		files[filepath.Base(path)] = []byte(a.read(dir + "/dist/" + filepath.Base(path)))
	}
	return files
}

func publishFiles(s *releasetest.Server, version string, files map[string][]byte, key *releasetest.Key) {
	signed := map[string][]byte{"SHA256SUMS.minisig": key.Sign(files["SHA256SUMS"])}
	for name, content := range files {
		signed[name] = content
	}
	s.Put(version, signed)
}

// newUser returns a user who installs plugins from a server.
func newUser(t *testing.T, s *releasetest.Server) *person {
	t.Helper()
	u := newPerson(t)
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}); err != nil {
		t.Fatal(err)
	}
	u.write("cert.pem", b.String())
	temp, err := os.MkdirTemp("", "u")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	u.temp = temp
	u.env = append(u.env, "SSL_CERT_FILE="+filepath.Join(u.home, "cert.pem"), "AITUNNEL_GITHUB_API="+s.API(), "TMPDIR="+temp)
	return u
}

func (a *person) read(path string) string {
	a.t.Helper()
	text, err := os.ReadFile(filepath.Join(a.home, path))
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

func (a *person) rewrite(path, old, with string) {
	a.t.Helper()
	text := a.read(path)
	if !strings.Contains(text, old) {
		a.t.Fatalf("%s has no %s", path, old)
	}
	a.write(path, strings.ReplaceAll(text, old, with))
}

// prints runs a command of aitunnel and checks its output.
func (a *person) prints(pattern string, args ...string) {
	a.t.Helper()
	if out := a.run(".", "aitunnel", args...); !regexp.MustCompile(pattern).MatchString(out) {
		a.t.Errorf("aitunnel %s does not print %q:\n%s", strings.Join(args, " "), pattern, out)
	}
}

// awaitPlan waits for a plan with a reason.
func (a *person) awaitPlan(reason string) {
	a.t.Helper()
	testhelp.Eventually(a.t, "plans have the reason "+reason, func() bool {
		a.ask() // plans are renewed when requests come
		r := a.route()
		return !r.CorePlan && r.Reason == reason
	})
}

// hammer sends requests at a rate per second until stop is called, which returns their number.
// It is an error if one fails.
func (a *person) hammer(rate int) (stop func() int) {
	const workers = 20
	var sent atomic.Int64
	end := make(chan struct{})
	var all sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers}}
	for range workers {
		all.Go(func() {
			tick := time.NewTicker(time.Second * workers / time.Duration(rate))
			defer tick.Stop()
			for {
				select {
				case <-end:
					return
				case <-tick.C:
				}
				if err := post200(client, "http://"+a.proxy+"/v1/chat/completions"); err != nil {
					a.t.Errorf("request %d: %v", sent.Load(), err)
				}
				sent.Add(1)
			}
		})
	}
	return sync.OnceValue(func() int {
		close(end)
		all.Wait()
		client.CloseIdleConnections()
		return int(sent.Load())
	})
}

func post200(client *http.Client, url string) error {
	resp, err := client.Post(url, "application/json", strings.NewReader(`{"model":"gpt-4o","messages":[]}`))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return err
}
