package daemon_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

func checked(primary, backup *fakesite.Site) string {
	config := two(primary, backup, quickRetry)
	return strings.Replace(config, "weight = 10", `weight = 10
  health_check "http" {
    interval = "100ms"
    fall     = 2
  }`, 1)
}

func TestAChannelThatFailsItsChecksIsSkipped(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, checked(primary, backup))
	testhelp.Eventually(t, "the check passes", func() bool { return r.channel("primary").Health == "up" })
	primary.Always(fakesite.Status(503, "{}"))
	testhelp.Eventually(t, "the check fails", func() bool { return r.channel("primary").Health == "down" })
	if c := r.channel("primary"); c.Keys.Alive != 2 {
		t.Errorf("a failed check changed the keys: %+v", c.Keys)
	}
	for range 5 {
		if got := r.post(chat, ask); got.header.Get("X-Site") != "backup" {
			t.Fatalf("%+v", got)
		}
	}
	for _, q := range primary.Requests() {
		if q.Path == chat {
			t.Errorf("the primary got a request although it is down")
		}
	}
	primary.ResetScript()
	testhelp.Eventually(t, "it is up again", func() bool { return r.channel("primary").Health == "up" })
	if got := r.post(chat, ask); got.header.Get("X-Site") != "primary" {
		t.Errorf("%+v", got)
	}
}

// When checks or breakers make all channels unavailable, the one that has been unavailable
// longest gets the request, since it may work again.
func TestALastResort(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, strings.Replace(alone(s, "retry {\n max_retries = 0\n}\n"), "keys =", "health_check \"http\" {\n interval = \"100ms\"\n fall = 1\n path = \"/nowhere\"\n}\n keys =", 1))
	testhelp.Eventually(t, "the check fails", func() bool { return r.channel("only").Health == "down" })
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("%+v", got)
	}
	s.Always(fakesite.Status(502, "{}")) // the checks fail as before
	for range 10 {
		if got := r.post(chat, ask); got.status != 502 {
			t.Fatalf("%+v", got)
		}
	}
	s.ResetScript()
	if got := r.post(chat, ask); got.status != 200 {
		t.Errorf("with an open breaker: %+v", got)
	}
}

func TestABreakerOpensAndCloses(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, quickRetry))
	primary.Always(fakesite.Reset())
	for range 5 {
		if got := r.post(chat, ask); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	if c := r.channel("primary"); c.Out != "breaker_open" || c.OutUntil == nil {
		t.Fatalf("after 5 failures: %+v", c)
	}
	n := primary.Count()
	_ = r.post(chat, ask)
	if primary.Count() != n {
		t.Error("a channel with an open breaker got a request")
	}
	primary.ResetScript()
	r.time.jump(11 * time.Second)
	if got := r.post(chat, ask); got.header.Get("X-Site") != "primary" {
		t.Errorf("half-open: %+v", got)
	}
	if c := r.channel("primary"); c.Out != "" {
		t.Errorf("after a success: %+v", c)
	}
}

// A shutdown ends everything, also a stream and a check in progress.
func TestShutdownEndsEverything(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := fakesite.New("only", fakesite.Tokens(10), fakesite.Pace(50*time.Millisecond))
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	r := start(t, fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [\"k\"]\n health_check \"http\" {\n interval = \"100ms\"\n }\n}\n", s.URL()))
	done := make(chan answer)
	go func() { done <- r.post(chat, askStream) }()
	if _, err := s.WaitRequests(2, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	testhelp.Eventually(t, "the stream is in progress", func() bool { return r.active() > 0 })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if got := <-done; got.err != nil || !strings.HasSuffix(got.body, "data: [DONE]\n\n") {
		t.Errorf("the stream that was in progress: %+v", got)
	}
	s.Close()
	client.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}

func TestADisabledChannelStartsPaused(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, strings.Replace(two(primary, backup, ""), "weight = 10", "weight = 10\n  disabled = true", 1))
	if got := r.post(chat, ask); got.header.Get("X-Site") != "backup" || primary.Count() != 0 {
		t.Errorf("%+v", got)
	}
	if c := r.channel("primary"); c.Enabled || c.Out != "paused" {
		t.Errorf("%+v", c)
	}
}
