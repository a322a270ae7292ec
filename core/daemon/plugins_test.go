package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// hammer sends requests at a steady rate until stop is called, which returns
// how many there were; each that fails is an error of the test.
func (r *running) hammer(rate int, path, body string) (stop func() int) {
	const workers = 25
	var sent atomic.Int64
	end := make(chan struct{})
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			pause := time.Second * workers / time.Duration(rate)
			time.Sleep(pause * time.Duration(i) / workers)
			for tick := time.NewTicker(pause); ; {
				select {
				case <-end:
					tick.Stop()
					return
				case <-tick.C:
				}
				if got := r.post(path, body); got.status != 200 || got.err != nil {
					r.t.Errorf("a request failed: %d %s %v", got.status, got.body, got.err)
				}
				sent.Add(1)
			}
		})
	}
	return sync.OnceValue(func() int {
		close(end)
		wg.Wait()
		return int(sent.Load())
	})
}

func (r *running) process(plugin string) admin.Process {
	r.t.Helper()
	var status admin.Status
	r.adminGet("/api/status", &status)
	for _, p := range status.Plugins.Processes {
		if p.Plugin == plugin && p.State != "leaving" {
			return p
		}
	}
	r.t.Fatalf("no process of %q: %+v", plugin, status.Plugins)
	return admin.Process{}
}

// Whatever a strategy returns, requests use its last valid plan.
func TestAFaultyStrategyDoesNotAffectRequests(t *testing.T) {
	t.Parallel()
	for name, behaviors := range map[string][]string{
		"invalid plans": {"unknown id", "NaN", "negative", "empty", "twice", "no such rule", "error"},
		"panic":         {"panic"}, "exit": {"exit"}, "hang": {"hang"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, last := site(t, "first"), site(t, "last")
			file := filepath.Join(t.TempDir(), "behavior")
			set := func(behavior string) {
				if err := os.WriteFile(file+".new", []byte(behavior), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Rename(file+".new", file); err != nil {
					t.Fatal(err)
				}
			}
			set("good")
			r := start(t, fmt.Sprintf(`
channel "first" {
  target = %q
  auth   = "none"
}
channel "last"  {
  target = %q
  auth   = "none"
}
route "/v1/**" {
  channels = [channel.first, channel.last]
  strategy "scripted" { file = %q }
}`, first.URL(), last.URL(), file))
			if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "last" {
				t.Fatalf("with a valid plan: %+v", got)
			}
			warnings := func() (n int) {
				for _, e := range r.events() {
					if e.Type == "plugin" && e.Level == "warn" && e.Message != "" {
						n++
					}
				}
				return n
			}
			for _, behavior := range behaviors {
				seq, warned := r.plan().Plan, warnings()
				set(behavior)
				testhelp.Eventually(t, "an event reports the fault: "+behavior, func() bool {
					if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "last" {
						t.Fatalf("with the last valid plan: %+v", got)
					}
					return warnings() > warned
				})
				if behavior == "panic" {
					testhelp.Eventually(t, "the log has the panic", func() bool { return strings.Contains(r.log.String(), "the file says panic") })
				}
				set("good")
				fixed := time.Now().Truncate(time.Millisecond)
				testhelp.Eventually(t, "its next valid plan is used after: "+behavior, func() bool {
					_ = r.post(chat, ask)
					p := r.plan()
					return p.Plan > seq && !p.CorePlan && p.Reason == "by the file" && !p.PlannedAt.Before(fixed)
				})
			}
		})
	}
}

func (r *running) plan() admin.Route {
	r.t.Helper()
	var status admin.Status
	r.adminGet("/api/status", &status)
	return status.Routes[0]
}

func TestAStrategyThatNeverPlansDoesNotAffectRequests(t *testing.T) {
	t.Parallel()
	first, last := site(t, "first"), site(t, "last")
	file := filepath.Join(t.TempDir(), "behavior")
	if err := os.WriteFile(file, []byte("error"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, fmt.Sprintf(`
channel "first" {
  target = %q
  auth   = "none"
}
channel "last"  {
  target = %q
  auth   = "none"
}
route "/v1/**" {
  channels = [channel.first, channel.last]
  strategy "scripted" { file = %q }
}`, first.URL(), last.URL(), file))
	first.Next(fakesite.Status(502, "{}"))
	if got := r.post(chat, ask); got.status != 200 || got.header.Get("X-Site") != "last" {
		t.Errorf("%+v", got)
	}
	if p := r.plan(); !p.CorePlan {
		t.Errorf("%+v", p)
	}
}
