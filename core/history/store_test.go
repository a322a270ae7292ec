package history

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

func TestRecordsComeBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	want := one("req_1")
	want.Retries, want.Stream = 1, true
	want.Attempts = []event.Attempt{
		{Channel: "b", Key: "k2", Model: "other", Status: 429, Verdict: "key", Means: "rate_limited", Rule: "429", Egress: "socks", Total: event.Millis(time.Millisecond), Sent: true},
		want.Attempts[0],
	}
	want.Message = "the client is at its limit"
	want.PassedOver = []event.PassedOver{{Channel: "z \"1\"", Why: "paused"}, {Channel: "y", Why: "breaker_open"}}
	r.Add(day0, want)
	r.flush()
	got, err := r.reader().Request(t.Context(), "req_1")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&got.Request, want) {
		t.Errorf("got  %+v\nwant %+v", got.Request, *want)
	}
	if !got.Time.Equal(day0.Add(-50*time.Millisecond)) || got.Verdict != "good" || got.Failed {
		t.Errorf("%+v", got)
	}
	if _, err := r.reader().Request(t.Context(), "req_2"); err == nil || !strings.Contains(err.Error(), `no request "req_2"`) {
		t.Error(err)
	}
}

// TestErrorsAreCodes: no text of a site is kept, since it may quote the request or a key.
func TestErrorsAreCodes(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for i, c := range []struct {
		status       int
		error, means string
		want         string
		failed       bool
	}{
		{200, "", "good", "", false},
		{499, "the caller disconnected", "", "client_gone", false},
		{503, "channel_unavailable", "", "channel_unavailable", true},
		{401, "invalid key: sk-canary", "invalid_key", "invalid_key", true},
		{200, "the site cut the answer off: canary", "good", "broken_off", true},
	} {
		q := one(fmt.Sprint("req_", i))
		q.Status, q.Error, q.Attempts[0].Means, q.Attempts[0].Error, q.Attempts[0].Reason = c.status, c.error, c.means, "canary", "canary"
		r.Add(day0, q)
		r.flush()
		got, err := r.reader().Request(t.Context(), q.ID)
		if err != nil || got.Error != c.want || got.Failed != c.failed {
			t.Errorf("%d %q: %q %v, want %q (%v)", c.status, c.error, got.Error, got.Failed, c.want, err)
		}
	}
	r.stop()
	content, err := os.ReadFile(r.path)
	if err != nil || strings.Contains(string(content), "canary") {
		t.Errorf("the file has the text of an error (%v)", err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.Add(day0, one("req_1"))
	r.flush()
	files, err := filepath.Glob(r.path + "*")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestPagesAndFilters(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for i := range 25 {
		q := one(fmt.Sprintf("req_%02d", i))
		q.Client = []string{"laptop", "phone"}[i%2]
		if i%5 == 0 {
			q.Model, q.Channel, q.Status, q.Error, q.Attempts[0].Means = "claude-[1]", "b", 502, "channel_unavailable", "broken"
		}
		if i%7 == 0 {
			q.Attempts = append(q.Attempts, q.Attempts[0])
		}
		r.Add(day0.Add(time.Duration(i/2)*time.Minute), q)
	}
	r.flush()
	reader := r.reader()
	var all []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, err := reader.Requests(t.Context(), Filter{}, cursor, 10)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ids(page.Records)...)
		if cursor = page.Next; pages > 5 {
			t.Fatal("pages do not end")
		}
	}
	if len(all) != 25 || all[0] != "req_24" || all[24] != "req_00" {
		t.Errorf("%v", all)
	}
	for what, c := range map[string]struct {
		filter Filter
		want   []string
	}{
		"retried":          {Filter{Retried: true, Client: "phone"}, []string{"req_21", "req_07"}},
		"failed":           {Filter{Failed: true, Client: "laptop"}, []string{"req_20", "req_10", "req_00"}},
		"model":            {Filter{Model: "claude-[1]", Client: "phone"}, []string{"req_15", "req_05"}},
		"models":           {Filter{Model: "claude-[*", Client: "phone"}, []string{"req_15", "req_05"}},
		"status":           {Filter{Status: "502", Client: "phone"}, []string{"req_15", "req_05"}},
		"class":            {Filter{Status: "5xx", Client: "phone"}, []string{"req_15", "req_05"}},
		"verdict":          {Filter{Verdict: "broken", Channel: "b", Client: "phone"}, []string{"req_15", "req_05"}},
		"time":             {Filter{From: day0.Add(59 * time.Second), To: day0.Add(150 * time.Second)}, []string{"req_05", "req_04", "req_03", "req_02"}},
		"text":             {Filter{From: day0.Add(-time.Hour), Text: "Q_07"}, []string{"req_07"}},
		"text as it is":    {Filter{From: day0.Add(-time.Hour), Text: "%"}, nil},
		"nothing like it":  {Filter{Key: "k2"}, nil},
		"key and no other": {Filter{Key: "k*", Model: "gpt-5", To: day0.Add(59 * time.Second)}, []string{"req_01"}},
	} {
		page, err := reader.Requests(t.Context(), c.filter, "", 100)
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		same(t, what, ids(page.Records), c.want)
	}
	for _, wrong := range []Filter{{Text: "x"}, {Status: "6xx"}, {Status: "bad"}, {Status: "42"}} {
		if _, err := reader.Requests(t.Context(), wrong, "", 1); err == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
	if _, err := reader.Requests(t.Context(), Filter{}, "x.y", 1); err == nil {
		t.Error("a wrong cursor is accepted")
	}
}

func TestAddAllocatesNothing(t *testing.T) {
	s := Start(Options{Dir: t.TempDir()})
	defer s.Close(t.Context())
	s.settings.Store(&Settings{Enabled: true, Keep: time.Hour, MaxSize: 1 << 30, Zone: time.UTC}) // the writer is not woken
	r := one("req_1")
	if n := testing.AllocsPerRun(400, func() { s.Add(day0, r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	s := Start(Options{Dir: b.TempDir()})
	defer s.Close(b.Context())
	s.Configure(Settings{Enabled: true, Keep: time.Hour, MaxSize: 1 << 30})
	r := one("req_1")
	b.ReportAllocs()
	for b.Loop() {
		s.Add(day0, r)
	}
}

// BenchmarkAddWithoutRoom measures rows that are dropped: only their sums are kept.
func BenchmarkAddWithoutRoom(b *testing.B) {
	s := Start(Options{Dir: b.TempDir()})
	defer s.Close(b.Context())
	s.settings.Store(&Settings{Enabled: true, Keep: time.Hour, MaxSize: 1 << 30, Zone: zone}) // the writer does nothing
	s.room = 0
	var requests []*event.Request
	generated(500, time.Hour, func(i item) { requests = append(requests, i.request) })
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		s.Add(day0, requests[i%len(requests)])
		i++
	}
}

func TestNothingIsKeptUnlessEnabled(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.Configure(Settings{Keep: time.Hour, MaxSize: 1 << 30})
	r.Add(day0, one("req_1"))
	r.flush()
	if _, err := os.Stat(r.path); !os.IsNotExist(err) {
		t.Error("there is a file although the history is disabled", err)
	}
	if _, err := r.Read(); err == nil {
		t.Error("there is a history although it is disabled")
	}
}

// Days in the history of a stopped program begin at the same time as while it ran.
func TestTheZoneOfDaysIsKept(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	for _, name := range []string{"Pacific/Kiritimati", "Asia/Kolkata"} {
		far, err := time.LoadLocation(name)
		if err != nil {
			t.Skip(err)
		}
		r.Configure(Settings{Enabled: true, Keep: time.Hour, MaxSize: 1 << 30, Zone: far})
		r.Add(day0, one("req_"+far.String()))
		r.flush()
		reader, closeIt, err := Open(r.dir, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		if reader.Zone().String() != name {
			t.Errorf("%s, want %s", reader.Zone(), name)
		}
		closeIt()
	}
}

func TestAStoppedProgramsHistoryIsRead(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	if _, _, err := Open(r.dir, zone); err != ErrNoHistory { //nolint:errorlint // it is returned as it is
		t.Error(err)
	}
	r.Add(day0, one("req_1"))
	r.flush()
	for _, state := range []string{"running", "stopped"} {
		reader, closeIt, err := Open(r.dir, zone)
		if err != nil {
			t.Fatal(state, err)
		}
		page, err := reader.Requests(t.Context(), Filter{}, "", 10)
		closeIt()
		if err != nil || len(page.Records) != 1 {
			t.Error(state, page, err)
		}
		r.stop()
	}
}
