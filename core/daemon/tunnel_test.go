//go:build linux

package daemon_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// startWithHome runs a daemon whose user's SSH files are in home.
func startWithHome(t *testing.T, home, config string) *running {
	t.Helper()
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}, home: home}
	r.save(config)
	r.run()
	return r
}

// tunnelBlock returns a tunnel to the server.
func tunnelBlock(s *sshdtest.Server, name string, forwards ...string) string {
	text := fmt.Sprintf("tunnel %q {\n host = %q\n user = %q\n", name, s.Addr(), s.User)
	for _, f := range forwards {
		text += " forward " + f + "\n"
	}
	return text + "}\n"
}

func (r *running) tunnel(name string) (out admin.Tunnel) {
	r.t.Helper()
	var all []admin.Tunnel
	r.adminGet("/api/tunnels", &all)
	for _, t := range all {
		if t.Name == name {
			return t
		}
	}
	r.t.Fatalf("no tunnel %q in %+v", name, all)
	return out
}

func (r *running) awaitTunnel(name, state string) (out admin.Tunnel) {
	r.t.Helper()
	testhelp.Within(r.t.(*testing.T), 30*time.Second, "the tunnel is "+state, func() bool {
		out = r.tunnel(name)
		return out.State == state
	})
	return out
}

// patient returns a configuration of two channels with the default timeouts, since 500
// streams on a busy machine are slower than other tests.
func patient(primary, backup *fakesite.Site, more string) string {
	return fmt.Sprintf("channel \"primary\" {\n target = %q\n weight = 10\n keys = [\"key-primary-1\"]\n}\nchannel \"backup\" {\n target = %q\n keys = [\"key-backup-1\"]\n fallback = true\n}\n%s", primary.URL(), backup.URL(), more)
}

// from sends a request to an address on the host.
func (r *running) from(address, path, body string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.do(req)
}

func TestRequestsThroughATunnel(t *testing.T) {
	s := sshdtest.Start(t, sshdtest.Options{})
	primary, backup := site(t, "primary", fakesite.Tokens(20), fakesite.Pace(50*time.Millisecond)), site(t, "backup")
	entry, alone, added := freePort(t), freePort(t), freePort(t)
	forwards := []string{fmt.Sprintf("%q {}", entry), fmt.Sprintf("%q {\n channel = channel.backup\n }", alone)}
	r := startWithHome(t, s.Home, byHand+patient(primary, backup, tunnelBlock(s, "vps", forwards...)))
	if st := r.awaitTunnel("vps", "up"); st.Probe <= 0 || len(st.Forwards) != 2 || st.Forwards[1].Channel != "backup" || st.User != s.User {
		t.Errorf("status %+v", st)
	}
	for address, want := range map[string]string{entry: "primary", alone: "backup"} {
		if got := r.from(address, chat, ask); got.status != http.StatusOK || got.header.Get("X-Site") != want {
			t.Errorf("%s: %+v", address, got)
		}
	}
	var status admin.Status
	r.adminGet("/api/status", &status)
	if len(status.Tunnels) != 1 || !slices.ContainsFunc(status.Warnings, func(w string) bool { return strings.Contains(w, "Every account of the VPS can use the keys") }) {
		t.Errorf("tunnels %+v, warnings %q", status.Tunnels, status.Warnings)
	}
	if !slices.ContainsFunc(r.events(), func(e event.Event) bool {
		return e.Type == event.TypeTunnel && e.Tunnel == "vps" && strings.Contains(e.Message, "up: "+entry)
	}) {
		t.Error("no event says that the tunnel is up")
	}

	t.Run("a failure of the first site is not noticed", func(t *testing.T) {
		primary.Next(fakesite.Status(http.StatusBadGateway, "{}"))
		if got := r.from(entry, chat, ask); got.status != http.StatusOK || got.header.Get("X-Site") != "backup" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("many streams at once are complete", func(t *testing.T) {
		streams := 100
		if testhelp.LongForm() {
			streams = 500
		}
		var whole atomic.Int32
		var wg sync.WaitGroup
		for range streams {
			wg.Go(func() {
				got := r.from(entry, chat, `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
				if got.err != nil || got.status != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(got.body), "data: [DONE]") {
					t.Logf("an incomplete stream: %d, %d bytes, %v", got.status, len(got.body), got.err)
					return
				}
				whole.Add(1)
			})
		}
		wg.Wait()
		if int(whole.Load()) != streams {
			t.Errorf("%d of %d are complete", whole.Load(), streams)
		}
	})
	t.Run("the site notices that a caller disconnects", func(t *testing.T) {
		primary.Forget()
		primary.Next(fakesite.HangAfterEvents(2))
		resp, err := client.Post("http://"+entry+chat, "application/json", strings.NewReader(`{"model":"m","stream":true,"messages":[]}`))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAtLeast(resp.Body, make([]byte, 1), 1)
		begun := time.Now()
		_ = resp.Body.Close()
		if _, err := primary.WaitDisconnected(1, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it took %s", took)
		}
	})
	t.Run("a reload changes only what differs", func(t *testing.T) {
		primary.ResetScript()
		held := r.hold(backup, 0)
		streamed := make(chan answer, 1)
		go func() { streamed <- r.from(alone, "/x", "{}") }()
		testhelp.Eventually(t, "the stream runs", func() bool { return r.tunnel("vps").Active > 0 })
		forwards = append(forwards, fmt.Sprintf("%q {}", added))
		r.save(byHand + patient(primary, backup, tunnelBlock(s, "vps", forwards...)))
		var planned admin.Reload
		if code := r.command("/api/config/plan", &planned); code != http.StatusOK {
			t.Fatalf("plan: %d", code)
		}
		done := r.reload()
		want := []string{"open " + added + ` of tunnel "vps"`}
		for name, got := range map[string][]string{"plan": planned.Effects, "reload": done.Effects} {
			got = slices.DeleteFunc(slices.Clone(got), func(e string) bool { return !strings.Contains(e, "tunnel") })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("effects of the %s (-want +got):\n%s", name, diff)
			}
		}
		testhelp.Eventually(t, "the added forward answers", func() bool { return r.from(added, chat, ask).status == http.StatusOK })
		// Another generation does not affect the tunnel.
		r.save(byHand + patient(primary, backup, "retry {\n max_retries = 1\n}\n"+tunnelBlock(s, "vps", forwards...)))
		r.reload()
		if st := r.tunnel("vps"); st.Connects != 1 || st.State != "up" {
			t.Errorf("%+v", st)
		}
		held.finish()
		if got := <-streamed; got.err != nil || !strings.HasSuffix(strings.TrimSpace(got.body), "[DONE]") {
			t.Errorf("the stream broke: %v", got.err)
		}
	})
	t.Run("a tunnel that fails affects nothing else", func(t *testing.T) {
		wrong := strings.Replace(tunnelBlock(s, "wrong", `"127.0.0.1:0" {}`), "user =", "identity = \"/nowhere/key\"\n user =", 1)
		r.save(byHand + patient(primary, backup, wrong+tunnelBlock(s, "vps", forwards...)))
		r.reload()
		st := r.awaitTunnel("wrong", "failed")
		if !strings.Contains(st.LastError, "/nowhere/key does not exist") || st.NextTry == nil {
			t.Fatalf("%+v", st)
		}
		r.reload() // of the same
		testhelp.Eventually(t, "the tunnel is tried again", func() bool {
			now := r.tunnel("wrong")
			return now.State == "failed" && now.NextTry != nil && now.NextTry.After(*st.NextTry)
		})
		if got := r.from(entry, chat, ask); got.status != http.StatusOK {
			t.Errorf("%+v", got)
		}
		if got := r.post(chat, ask); got.status != http.StatusOK {
			t.Errorf("%+v", got)
		}
		testhelp.Eventually(t, "the log has the failure", func() bool {
			return strings.Contains(r.log.String(), `[ERROR] aitunnel.tunnel: tunnel "wrong": failed: the key file /nowhere/key does not exist`)
		})
	})
	r.stop()
	if _, err := client.Post("http://"+entry+chat, "application/json", strings.NewReader(ask)); err == nil {
		t.Error("the port on the host is still answered after the shutdown")
	}
}
