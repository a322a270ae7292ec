//go:build linux

package tunnel

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func knownHostsLine(s *sshdtest.Server) string {
	return knownhosts.Line([]string{s.Addr()}, s.HostKey) + "\n"
}

// TestKeyTrustedLater shows that a failed tunnel connects by itself when the known hosts
// change.
func TestKeyTrustedLater(t *testing.T) {
	t.Parallel()
	s := sshdtest.Start(t, sshdtest.Options{})
	s.Know()
	c := tunnelTo(t, s)
	r := open(t, s, c)
	r.awaitFault(Failed, s.Fingerprint())
	route := func(c *config.Tunnel) *sshclient.Route {
		r, err := sshclient.Environment{Home: s.Home}.Resolve(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	ask := func(answer bool, seen *[]sshclient.HostKey) func(sshclient.HostKey) (bool, error) {
		return func(k sshclient.HostKey) (bool, error) {
			*seen = append(*seen, k)
			return answer, nil
		}
	}
	var asked []sshclient.HostKey
	if _, err := sshclient.Trust(t.Context(), route(c), c.Keepalive, ask(false, &asked)); err == nil || !strings.Contains(err.Error(), "not accepted") {
		t.Errorf("a refusal: %v", err)
	}
	if r.status().State != Failed {
		t.Error("the refusal changed the known hosts")
	}
	got, err := sshclient.Trust(t.Context(), route(c), c.Keepalive, ask(true, &asked))
	if err != nil || len(got) != 1 || got[0].Fingerprint != s.Fingerprint() || got[0].Known {
		t.Fatalf("%+v, %v", got, err)
	}
	r.await(Up)
	r.mustAnswer()
	asked = nil
	if got, err := sshclient.Trust(t.Context(), route(c), c.Keepalive, ask(false, &asked)); err != nil || len(got) != 1 || !got[0].Known || len(asked) > 0 {
		t.Errorf("again: %+v, %v, asked %v", got, err, asked)
	}
	s.Know(sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "").PublicKey())
	if _, err := sshclient.Trust(t.Context(), route(c), c.Keepalive, ask(true, &asked)); err == nil || !strings.Contains(err.Error(), "HAS CHANGED") || len(asked) > 0 {
		t.Errorf("a changed key: %v, asked %v", err, asked)
	}
}

// TestSteps shows that the test of a tunnel reports each step.
func TestSteps(t *testing.T) {
	t.Parallel()
	sshdtest.Require(t, "ssh", "openssh-client")
	s := sshdtest.Start(t, sshdtest.Options{})
	c := tunnelTo(t, s)
	c.Forwards = append(c.Forwards, &config.Forward{Address: freeAddress(t)})
	var results []Result
	held := func(address string) bool { return address == c.Forwards[1].Address }
	run := func(ctx context.Context, c *config.Tunnel) bool {
		results = nil
		return Test(ctx, Options{Home: s.Home, Agent: "/nowhere"}, c, TestOptions{IsOpen: held, Report: func(r Result) { results = append(results, r) }})
	}
	if !run(t.Context(), c) {
		t.Errorf("it failed: %+v", results)
	}
	if text := results[0].Text; !strings.Contains(text, s.Addr()) || !strings.Contains(text, "according to ssh -G") {
		t.Errorf("the route is %q, want the way in which ssh_config was read", text)
	}
	var steps []sshclient.Step
	for _, r := range results {
		steps = append(steps, r.Step)
	}
	want := []sshclient.Step{sshclient.StepResolve, sshclient.StepConnect, sshclient.StepHostKey, sshclient.StepLogin, StepCommand, StepProbe, StepForward}
	if len(steps) != len(want) {
		t.Fatalf("steps %v", results)
	}
	for i := range want {
		if steps[i] != want[i] {
			t.Errorf("step %d is %q, want %q", i, steps[i], want[i])
		}
	}
	for step, change := range map[sshclient.Step]func(*config.Tunnel){
		sshclient.StepResolve: func(c *config.Tunnel) { c.Host = "no-such-host.invalid" },
		sshclient.StepConnect: func(c *config.Tunnel) { c.Host = freeAddress(t) },
		sshclient.StepHostKey: func(c *config.Tunnel) { c.HostKey = "SHA256:other" },
		sshclient.StepLogin:   func(c *config.Tunnel) { c.User = "unknown-user" },
		StepForward:           func(c *config.Tunnel) { c.Forwards = []*config.Forward{{Address: s.Addr()}} },
	} {
		wrong := *c
		change(&wrong)
		if run(t.Context(), &wrong) || len(results) == 0 || results[len(results)-1].OK || results[len(results)-1].Step != step {
			t.Errorf("it should fail at %q: %+v", step, results)
		}
	}
}
