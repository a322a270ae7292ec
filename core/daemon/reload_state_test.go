package daemon_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// learned is what a daemon has learned, as the API shows it.
type learned struct {
	states   map[string]string
	requests uint64
	latency  float64
	enabled  bool
	plan     int
}

func (r *running) learned() learned {
	r.t.Helper()
	l := learned{states: map[string]string{}}
	c := r.channel("limited")
	for _, k := range c.Keys.List {
		l.states[k.ID] = k.State
	}
	l.requests, l.latency = c.Stats.TotalRequests, c.Latency
	l.enabled = r.channel("paused").Enabled
	var status admin.Status
	r.adminGet("/api/status", &status)
	for _, route := range status.Routes {
		if route.Path == "/turns/**" {
			l.plan, _ = strconv.Atoi(strings.TrimPrefix(route.Reason, "plan "))
		}
	}
	return l
}

// What was learned survives an unrelated edit, a key list in another order, a restart, and
// all of them together.
func TestLearnedStateSurvivesAReload(t *testing.T) {
	t.Parallel()
	keys := []string{"key-long-limited", "key-not-valid", "key-good-one"}
	limited := site(t, "limited")
	limited.ForKey(keys[0], fakesite.RateLimited(20*time.Minute))
	limited.ForKey(keys[1], fakesite.Unauthorized())
	config := func(keys []string, slowness string) string {
		return fmt.Sprintf(byHand+`
channel "limited" {
  target = %q
  keys   = ["%s"]
  key_selector "sequential" {}
}
channel "paused" {
  target = %q
  auth   = "none"
}
channel "other" {
  target = %q
  auth   = "none"
  timeouts {
    connect = %q
  }
}
route "/turns/**" {
  channels = [channel.limited, channel.paused, channel.other]
  strategy "counting" {}
}
route "/**" {
  channels = [channel.limited]
}
`, limited.URL(), strings.Join(keys, `", "`), limited.URL(), limited.URL(), slowness)
	}
	r := start(t, config(keys, "1s"))
	for range 3 {
		if got := r.post(chat, ask); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	var toggled struct{ Enabled bool }
	if status := r.command("/api/channels/paused/toggle", &toggled); status != http.StatusOK || toggled.Enabled {
		t.Fatalf("toggle: %d %+v", status, toggled)
	}
	before := r.learned()
	if states := fmt.Sprint(before.states); strings.Count(states, "ready") != 1 || !strings.Contains(states, "rate_limited") || !strings.Contains(states, "invalid_key") {
		t.Fatalf("before any edit: %s", states)
	}
	if before.enabled || before.requests < 3 || before.latency <= 0 || before.plan < 1 {
		t.Fatalf("before any edit: %+v", before)
	}
	check := func(after string) {
		t.Helper()
		now := r.learned()
		if fmt.Sprint(now.states) != fmt.Sprint(before.states) || now.enabled != before.enabled || now.requests != before.requests || now.latency != before.latency {
			t.Errorf("after %s: %+v, before %+v", after, now, before)
		}
		if now.plan < before.plan {
			t.Errorf("after %s the strategy has made plan %d, before %d", after, now.plan, before.plan)
		}
		before.plan = now.plan
	}
	r.save(config(keys, "2s"))
	r.reload()
	check("an unrelated edit")
	slices.Reverse(keys)
	r.save(config(keys, "2s"))
	r.reload()
	check("a key list in another order")
	kept := keys
	keys = keys[:2] // without the one that is limited
	r.save(config(keys, "2s"))
	r.reload()
	keys = kept
	r.save(config(keys, "2s"))
	r.reload()
	check("a key that was removed and added again")
	r = r.again()
	check("a restart")
	if before.plan < 2 {
		t.Errorf("after a restart the strategy lost its state and made plan %d", before.plan)
	}
	if left := r.channel("limited").Keys.List[2].Until; left == nil || time.Until(*left) > 20*time.Minute || time.Until(*left) < 15*time.Minute {
		t.Errorf("the limit ends at %v", left)
	}
	limited.ForKey(keys[2], nil)
	n := limited.Count()
	if got := r.post(chat, ask); got.status != 200 || limited.Count() != n+1 {
		t.Errorf("%+v, %d attempts", got, limited.Count()-n)
	}
}

// Round-robin continues where it was after edits and a restart.
func TestRoundRobinContinuesAfterAReload(t *testing.T) {
	t.Parallel()
	var channels, names []string
	var order []string
	for _, name := range []string{"a", "b", "c", "d"} {
		s := site(t, name, fakesite.Text(name))
		channels = append(channels, fmt.Sprintf("channel %q {\n target = %q\n auth = \"none\"\n}\n", name, s.URL()))
		names = append(names, "channel."+name)
	}
	config := func(level string) string {
		return byHand + strings.Join(channels, "") + fmt.Sprintf("route \"/**\" {\n channels = [%s]\n strategy \"round-robin\" {}\n}\nlog {\n level = %q\n}\n", strings.Join(names, ", "), level)
	}
	r := start(t, config("debug"))
	next := func(n int) {
		for range n {
			order = append(order, r.post(chat, ask).header.Get("X-Site"))
		}
	}
	next(2)
	r.save(config("info"))
	r.reload()
	next(3)
	r = r.again()
	next(2)
	slices.Reverse(channels) // the routes name them in the same order
	r.save(config("info"))
	r.reload()
	next(1)
	if got := strings.Join(order, ""); got != "abcdabcd" {
		t.Errorf("the channels were used in the order %s", got)
	}
}

// A state file that is damaged or of a newer version is kept under another name, and the
// reason is reported.
func TestADamagedStateFile(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	r := start(t, one(s.URL(), ""))
	r.stop()
	file := filepath.Join(r.dir, "state", "state.json")
	for name, content := range map[string]string{"cut": `{"version":1,"state":{"chan`, "empty": "", "newer": `{"version":99}`, "zeros": strings.Repeat("\x00", 4096)} {
		t.Run(name, func(t *testing.T) {
			must(t, os.WriteFile(file, []byte(content), 0o600))
			r := &running{t: t, log: &lockedBuffer{}, dir: r.dir, time: &clock{}}
			r.run()
			if got := r.post(chat, ask); got.status != 200 {
				t.Errorf("%+v", got)
			}
			why, reported := "damaged-", "is damaged"
			if name == "newer" {
				why, reported = "newer-v99-", "was written by a newer aitunnel"
			}
			testhelp.Eventually(t, "the log says why the file is not used", func() bool {
				log := r.log.String()
				return strings.Contains(log, reported) && strings.Contains(log, "state.json."+why)
			})
			r.stop()
			kept, _ := filepath.Glob(file + "." + why + "*")
			if len(kept) != 1 {
				t.Fatalf("kept are %v", kept)
			}
			if b, _ := os.ReadFile(kept[0]); string(b) != content {
				t.Error("the kept file was changed")
			}
			must(t, os.Remove(kept[0]))
		})
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the new one: %v %v", info, err)
	}
}

// The state file never contains a key.
func TestTheStateFileHoldsNoSecret(t *testing.T) {
	t.Parallel()
	s := site(t, "a")
	s.Next(fakesite.Status(http.StatusUnauthorized, `{"error":{"message":"the key key-of-a-1 is wrong"}}`))
	r := start(t, one(s.URL(), ""))
	r.post(chat, ask)
	r.stop()
	b, err := os.ReadFile(filepath.Join(r.dir, "state", "state.json"))
	must(t, err)
	if strings.Contains(string(b), "key-of-a") {
		t.Errorf("the state is %s", b)
	}
}
