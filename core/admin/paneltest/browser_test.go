package paneltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is the one Chromium that all tests share; each has a profile of its
// own in it.
var browser struct {
	once   sync.Once
	ctx    context.Context
	cancel []context.CancelFunc
	err    error
}

// flags keep Chromium to itself: no name is resolved, so that nothing but
// addresses of this machine can be reached.
var flags = append(chromedp.DefaultExecAllocatorOptions[:0:0],
	chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
	chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
	chromedp.Flag("disable-sync", true), chromedp.Flag("disable-extensions", true), chromedp.Flag("disable-dev-shm-usage", true),
	chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
	chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter"),
	chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"),
	chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("no-proxy-server", true),
)

func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("chromium is not installed, and CI may not skip the tests of the panel: apt-get install chromium")
		}
		t.Skip("chromium is not installed (Debian: apt-get install chromium), so the panel is not tested")
	}
	browser.once.Do(func() {
		dir, err := os.MkdirTemp("", "aitunnel-chromium-")
		if err != nil {
			browser.err = err
			return
		}
		allocator, end := chromedp.NewExecAllocator(context.Background(), append(slices.Clone(flags), chromedp.ExecPath(path), chromedp.UserDataDir(dir), chromedp.WSURLReadTimeout(time.Minute))...)
		ctx, endBrowser := chromedp.NewContext(allocator)
		browser.ctx, browser.err = ctx, chromedp.Run(ctx)
		browser.cancel = []context.CancelFunc{endBrowser, end, func() { _ = os.RemoveAll(dir) }}
	})
	if browser.err != nil {
		t.Fatalf("chromium does not start: %v", browser.err)
	}
	return browser.ctx
}

func stopBrowser() {
	for _, end := range browser.cancel {
		end()
	}
}

// tab is a page of the browser.
type tab struct {
	t      *testing.T
	ctx    context.Context
	origin string

	mu      sync.Mutex
	foreign []string // what was asked of others than the origin
	faults  []string // what the console says is wrong
	allowed []string // faults that the test causes
}

// open opens the panel at origin + path in a fresh profile, in a window of the
// width. At its end the test fails if the page asked anything of anyone else,
// or if the console has errors.
func open(t *testing.T, origin, path string, width, height int64) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(startBrowser(t), chromedp.WithNewBrowserContext())
	p := &tab{t: t, ctx: ctx, origin: origin}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, url := range p.foreign {
			t.Errorf("the page asked for %s", url)
		}
		for _, fault := range p.faults {
			if !slices.ContainsFunc(p.allowed, func(s string) bool { return strings.Contains(fault, s) }) {
				t.Errorf("the console says: %s", fault)
			}
		}
		cancel()
	})
	chromedp.ListenTarget(ctx, p.listen)
	p.run(network.Enable(), log.Enable(), runtime.Enable(), size(width, height), chromedp.Navigate(origin+path))
	return p
}

func size(width, height int64) chromedp.Action {
	return emulation.SetDeviceMetricsOverride(width, height, 1, width < 500)
}

func (p *tab) listen(e any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, p.origin+"/") && !strings.HasPrefix(url, "data:") {
			p.foreign = append(p.foreign, url)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			p.faults = append(p.faults, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		p.faults = append(p.faults, e.ExceptionDetails.Error())
	}
}

// expect says that the test itself causes errors with this text.
func (p *tab) expect(text ...string) { p.allowed = append(p.allowed, text...) }

func (p *tab) run(actions ...chromedp.Action) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 45*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Helper()
		p.t.Fatalf("%v\nthe page says:\n%s", err, p.all())
	}
}

// all is the text of the page.
func (p *tab) all() (text string) {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Evaluate(`document.body.innerText`, &text)); err != nil {
		return err.Error()
	}
	return text
}

// eval returns the value of an expression.
func eval[T any](p *tab, expression string, values ...any) (out T) {
	p.t.Helper()
	quoted := make([]any, len(values))
	for i, v := range values {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	p.run(chromedp.Evaluate(fmt.Sprintf(expression, quoted...), &out))
	return out
}

// until waits for an expression to become true. The values are put into it as
// strings.
func (p *tab) until(expression string, values ...any) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(25 * time.Millisecond) {
		if eval[bool](p, "Boolean("+expression+")", values...) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("never: "+expression+"\nthe page says:\n%s", append(values, p.all())...)
		}
	}
}

// shows waits until the text of what the selector finds contains a text.
func (p *tab) shows(selector, text string) {
	p.t.Helper()
	p.until(`[...document.querySelectorAll(%s)].some((n) => n.checkVisibility() && n.innerText.includes(%s))`, selector, text)
}

// click clicks as a person would, with the mouse at what the selector finds.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.run(chromedp.WaitVisible(selector, chromedp.ByQuery), chromedp.Click(selector, chromedp.ByQuery))
}

// press clicks the button with these words, or this label, inside of what the
// selector finds.
func (p *tab) press(within, words string) {
	p.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll(%q)].flatMap((n) => [...n.querySelectorAll('button, a')]).find((b) => b.checkVisibility() && (b.innerText.trim() === %q || b.ariaLabel === %q))`, within, words, words)
	p.until(find)
	p.run(chromedp.Click(find, chromedp.ByJSPath))
}

// fill types into a field, in the place of what is there.
func (p *tab) fill(selector, text string) {
	p.t.Helper()
	p.run(chromedp.WaitVisible(selector, chromedp.ByQuery), chromedp.Focus(selector, chromedp.ByQuery), chromedp.SetValue(selector, "", chromedp.ByQuery), chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// shot writes a picture of the window to AITUNNEL_SCREENSHOTS, for people to
// look at.
func (p *tab) shot(name string) {
	p.t.Helper()
	dir := os.Getenv("AITUNNEL_SCREENSHOTS")
	if dir == "" {
		dir = p.t.TempDir()
	}
	var png []byte
	p.run(chromedp.ActionFunc(func(ctx context.Context) (err error) {
		png, err = page.CaptureScreenshot().Do(ctx)
		return err
	}))
	if len(png) < 2000 {
		p.t.Errorf("the picture %s is empty", name)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(dir+"/"+name+".png", png, 0o644)); err != nil {
		p.t.Fatal(err)
	}
}

// theme is what the system prefers.
func (p *tab) theme(name string) {
	p.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}))
}
