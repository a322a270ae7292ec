package paneltest

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// past is a clock that starts in the past, so that minutes of history can be made in
// seconds.
type past struct {
	mu  sync.Mutex
	ago time.Duration
}

func (c *past) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(-c.ago)
}

func (c *past) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ago = max(0, c.ago-d)
}

// TestPortrait takes the picture in the README: ten minutes of some channels, with failures.
func TestPortrait(t *testing.T) {
	const steps = 60
	clock := &past{ago: steps * 10 * time.Second}
	s := startBusy(t, 6, func(o *daemon.Options) { o.Now = clock.now })
	for step := range steps {
		for i, site := range s.sites {
			wave := 8 + 3*float64(i) + 5*math.Sin(float64(step)/(4+float64(i))) + float64((step*7+i*5)%4)
			site.Always(fakesite.Delay(time.Duration(wave * float64(time.Millisecond))))
		}
		switch {
		case step > 24 && step < 28:
			s.sites[2].Always(fakesite.Status(502, "{}"))
		case step > steps-5:
			s.sites[3].Always(fakesite.Reset())
			s.sites[1].ForKey("sk-meadow-1-of-the-test", fakesite.RateLimited(2*time.Minute))
		}
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() { s.ask(models[(step+i)%len(models)]) })
		}
		wait.Wait()
		clock.pass(10 * time.Second)
	}
	p := s.open("/", 1280, 1180)
	p.theme("dark")
	p.press(`[data-name="harbour"]`, "Prefer harbour")
	p.shows(`[data-name="harbour"] .badges`, "Preferred")
	p.shows(`[data-name="quarry"] .why`, "")
	p.shows(`[data-name="meadow"] .keylist`, "rate limited, ")
	if points := eval[int](p, `document.querySelector('[data-name="harbour"] .line').getAttribute('d').length`); points < 200 {
		t.Error("no line is drawn for ten minutes of requests")
	}
	p.until(`!document.querySelector('.toast')`)
	p.run(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, 1, 1))
	p.until(`(scrollTo(0, 0), scrollY === 0)`)
	p.shot("panel")
}
