package daemon_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// heldStreams are streams through the daemon that continue until they are released.
type heldStreams struct {
	release chan struct{}
	wg      sync.WaitGroup
	whole   atomic.Int32
}

// hold opens n streams, in which the site sends an event from time to time until they are
// released.
func (r *running) hold(s *fakesite.Site, n int) *heldStreams {
	h := &heldStreams{release: make(chan struct{})}
	s.Always(func(x *fakesite.Exchange) {
		x.W.Header().Set("Content-Type", "text/event-stream")
		control := http.NewResponseController(x.W)
		for going := true; going; {
			_, _ = io.WriteString(x.W, "data: {\"on\":true}\n\n")
			_ = control.Flush()
			select {
			case <-h.release:
				going = false
			case <-time.After(200 * time.Millisecond):
			case <-x.R.Context().Done():
				panic(http.ErrAbortHandler)
			}
		}
		_, _ = io.WriteString(x.W, "data: [DONE]\n\n")
	})
	var begun sync.WaitGroup
	for range n {
		begun.Add(1)
		h.wg.Go(func() {
			resp, err := client.Post(r.url+"/stream/x", "application/json", strings.NewReader(`{"stream":true}`))
			if err != nil {
				begun.Done()
				r.t.Error(err)
				return
			}
			defer func() { _ = resp.Body.Close() }()
			lines := bufio.NewScanner(resp.Body)
			lines.Scan()
			begun.Done()
			last := lines.Text()
			for lines.Scan() {
				if t := lines.Text(); t != "" {
					last = t
				}
			}
			if lines.Err() != nil || last != "data: [DONE]" {
				r.t.Errorf("a stream was cut off: %v, last %q", lines.Err(), last)
				return
			}
			h.whole.Add(1)
		})
	}
	begun.Wait()
	return h
}

// finish releases the streams, and returns how many end properly.
func (h *heldStreams) finish() int {
	close(h.release)
	h.wg.Wait()
	return int(h.whole.Load())
}

// edit returns the configuration of one step of the reload test: each step changes
// something else.
func edit(step int, sites [3]string, stream, listen, behavior string) string {
	keys := []string{`"key-a-1"`, `"key-a-2"`, `"key-a-3"`}
	rotate := step % 3
	keys = append(keys[rotate:], keys[:rotate]...)[:2+step/2%2] // moved, added and removed
	strategy := []string{
		"strategy \"priority\" {}", "strategy \"weighted\" {}", "strategy \"lowest-latency\" {}", "strategy \"least-busy\" {}",
		fmt.Sprintf("strategy \"scripted\" {\n file = %q\n }", behavior), fmt.Sprintf("strategy \"scripted\" {\n file = %q\n }", behavior+".2"),
	}[step%6]
	channels, third := "channel.a, channel.b", ""
	if step%4 > 1 {
		channels += ", channel.c"
		third = fmt.Sprintf("channel \"c\" {\n target = %q\n auth = \"none\"\n weight = 2\n}\n", sites[2])
	}
	return fmt.Sprintf(`hot_reload = false
proxy {
  listen = %q
}
channel "a" {
  target = %q
  weight = %d
  keys   = [%s]
}
channel "b" {
  target = %q
  keys   = ["key-b-1"]
}
%schannel "s" {
  target = %q
  auth   = "none"
}
route "/stream/**" {
  channels = [channel.s]
}
route "/**" {
  channels = [%s]
  %s
}
log {
  level = "warn"
}
`, listen, sites[0], 1+step%5, strings.Join(keys, ", "), sites[1], third, stream, channels, strategy)
}

// Reloads under load affect no request and no stream, and leave no goroutine, descriptor,
// process or memory behind.
func TestReloadsUnderLoad(t *testing.T) {
	reloads, rate, streams := 10, 100, 40
	if testhelp.Soak() {
		reloads, rate, streams = 200, 500, 100
	}
	before := goleak.IgnoreCurrent()
	behavior := filepath.Join(t.TempDir(), "behavior")
	for _, f := range []string{behavior, behavior + ".2"} {
		if err := os.WriteFile(f, []byte("good"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var sites [3]string
	for i, name := range []string{"a", "b", "c"} {
		s := site(t, name)
		s.Record(false)
		sites[i] = s.URL()
	}
	streaming := site(t, "s")
	addresses := [2]string{freePort(t), freePort(t)}
	config := func(step int) string {
		return edit(step, sites, streaming.URL(), addresses[step/5%2], behavior)
	}
	r := start(t, config(0))
	held := r.hold(streaming, streams)
	load := r.hammer(rate, chat, ask)
	defer load()
	for step := range 6 { // every kind of edit once
		r.save(config(step))
		r.command("/api/config/reload", &struct{}{})
	}
	base := r.holds()
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for step := range reloads {
		<-pace.C
		r.save(config(step))
		out := r.reload()
		if step > 0 && len(out.Changes) == 0 {
			t.Errorf("step %d changed nothing", step)
		}
		r.moveTo("http://" + r.ProxyAddr())
	}
	r.save(config(5))
	r.command("/api/config/reload", &struct{}{})
	if n := load(); n < reloads*rate/50 {
		t.Errorf("only %d requests", n)
	}
	if n := held.finish(); n != streams {
		t.Errorf("%d of %d streams are complete", n, streams)
	}
	client.CloseIdleConnections()
	var now holdings
	testhelp.Within(t, 60*time.Second, "everything that the reloads started has ended", func() bool {
		now = r.holds()
		return now.processes <= base.processes && now.descriptors <= base.descriptors+8 && now.goroutines <= base.goroutines+8
	})
	if now.heap > base.heap+8<<20 {
		t.Errorf("the heap was %d KiB and is %d", base.heap>>10, now.heap>>10)
	}
	r.stop()
	client.CloseIdleConnections()
	streaming.Close()
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http.(*Server).Serve"))
}

// moveTo makes the next requests use another address of the daemon.
func (r *running) moveTo(url string) { r.current.Store(&url) }

// holdings are the resources of this process and its children.
type holdings struct {
	goroutines, descriptors, processes int
	heap                               uint64
}

func (r *running) holds() holdings {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h := holdings{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		h.descriptors = len(entries)
	}
	if lists, err := filepath.Glob("/proc/self/task/*/children"); err == nil {
		for _, f := range lists {
			b, _ := os.ReadFile(f)
			h.processes += len(strings.Fields(string(b)))
		}
	}
	return h
}

// Requests finish however many generations come after theirs. The oldest generations are
// closed, with their plugins, and an event says so.
func TestManyGenerationsDrain(t *testing.T) {
	t.Parallel()
	a, streaming := site(t, "a"), site(t, "s")
	config := func(n int) string {
		return byHand + fmt.Sprintf("channel \"a\" {\n target = %q\n weight = %d\n keys = [\"key-a-1\"]\n}\nchannel \"s\" {\n target = %q\n auth = \"none\"\n}\n"+
			"route \"/stream/**\" {\n channels = [channel.s]\n}\nroute \"/**\" {\n channels = [channel.a]\n strategy \"round-robin\" {}\n}\n", a.URL(), n, streaming.URL())
	}
	r := start(t, config(1))
	var held []*heldStreams
	const generations = 12
	for n := range generations {
		held = append(held, r.hold(streaming, 2))
		r.save(config(n + 2))
		r.reload()
		if got := r.post(chat, ask); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	told := 0
	for _, e := range r.events() {
		if e.Type == event.TypeReload && strings.Contains(e.Message, "still has 2 requests") {
			told++
		}
	}
	if told != generations-8 {
		t.Errorf("%d events say that a generation was closed", told)
	}
	for n, h := range held {
		if whole := h.finish(); whole != 2 {
			t.Errorf("of generation %d, %d of 2 streams are complete", n+1, whole)
		}
	}
}
