package paneltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

// browser is the Chromium that all tests share; each test has its own profile.
var browser struct {
	once   sync.Once
	ctx    context.Context
	cancel []context.CancelFunc
	err    error
}

// flags isolate Chromium: it resolves no names, so it can only reach addresses of this
// machine.
var flags = []chromedp.ExecAllocatorOption{
	chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
	chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
	chromedp.Flag("disable-sync", true), chromedp.Flag("disable-extensions", true), chromedp.Flag("disable-dev-shm-usage", true),
	chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
	chromedp.Flag("disable-backgrounding-occluded-windows", true), chromedp.Flag("disable-features", "Translate,OptimizationHints,MediaRouter"),
	chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"),
	chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), chromedp.Flag("no-proxy-server", true),
}

func startBrowser(t *testing.T) context.Context {
	t.Helper()
	testhelp.Real(t)
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
		allocator, end := chromedp.NewExecAllocator(context.Background(), append(slices.Clone(flags), chromedp.ExecPath(path), chromedp.UserDataDir(dir))...)
		ctx, endBrowser := chromedp.NewContext(allocator)
		browser.ctx, browser.err = ctx, chromedp.Do(ctx)
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
	foreign []string // requests to other origins
	faults  []string // errors in the console
	allowed []string // faults that the test causes
}

// open opens the panel at origin + path in a new profile, in a window of this size. At its
// end the test fails if the page sent requests to other origins, or if the console has
// errors.
func open(t *testing.T, origin, path string, width, height int64) *tab {
	t.Helper()
	return openWith(t, origin, path, width, height, nil)
}

// openWith is open with a cookie, or none if it is nil.
func openWith(t *testing.T, origin, path string, width, height int64, cookie *http.Cookie) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(startBrowser(t), chromedp.WithNewBrowserContext())
	p := &tab{t: t, ctx: ctx, origin: origin}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, url := range p.foreign {
			t.Errorf("the page requested %s", url)
		}
		for _, fault := range p.faults {
			if !slices.ContainsFunc(p.allowed, func(s string) bool { return strings.Contains(fault, s) }) {
				t.Errorf("error in the console: %s", fault)
			}
		}
		cancel()
	})
	if err := errors.Join(chromedp.Do(ctx), chromedp.Listen(ctx, p.listen)); err != nil {
		t.Fatal(err)
	}
	send(p, network.Enable, network.EnableParams{})
	send(p, log.Enable, cdp.Empty{})
	send(p, runtime.Enable, cdp.Empty{})
	p.size(width, height)
	p.theme("dark")
	if cookie != nil {
		send(p, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: origin})
	}
	p.load(chromedp.Navigate(origin + path))
	return p
}

// networkChanged is the error of the browser when a network interface of the machine is
// added or removed, as by other tests.
const networkChanged = "net::ERR_NETWORK_CHANGED"

// load loads the page, again if the network changed meanwhile.
func (p *tab) load(how chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	changed := func(fault string) bool { return strings.Contains(fault, networkChanged) }
	for try := 0; ; try++ {
		p.run(how)
		p.mu.Lock()
		again := try < 5 && slices.ContainsFunc(p.faults, changed)
		p.faults = slices.DeleteFunc(p.faults, changed)
		p.mu.Unlock()
		if !again {
			return
		}
	}
}

// send sends a command of the browser's protocol.
func send[P, R any](p *tab, command cdp.Command[P, R], params P) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, command, params); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) size(width, height int64) {
	p.t.Helper()
	send(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 500})
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
		if e.Entry.Level == log.EntryLevelError {
			p.faults = append(p.faults, e.Entry.Text+" "+e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		fault := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			fault += " " + e.ExceptionDetails.Exception.Description
		}
		p.faults = append(p.faults, fault)
	}
}

// expect allows errors with this text, which the test causes.
func (p *tab) expect(text ...string) { p.allowed = append(p.allowed, text...) }

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, 45*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatalf("%v\nthe page shows:\n%s", err, p.all())
	}
}

// all returns the text of the page.
func (p *tab) all() string {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// eval returns the value of an expression. The values are put into it as JSON.
func eval[T any](p *tab, expression string, values ...any) T {
	p.t.Helper()
	quoted := make([]any, len(values))
	for i, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			p.t.Fatal(err)
		}
		quoted[i] = string(b)
	}
	if len(values) > 0 {
		expression = fmt.Sprintf(expression, quoted...)
	}
	ctx, cancel := context.WithTimeout(p.ctx, 45*time.Second)
	defer cancel()
	for {
		out, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		switch {
		case err == nil:
			return out
		case !strings.Contains(err.Error(), "navigated or closed"): // a page that is reloading cannot answer
			p.t.Fatalf("%s: %v\nthe page shows:\n%s", expression, err, p.all())
		}
		time.Sleep(25 * time.Millisecond)
	}
}

// until waits for an expression to become true.
func (p *tab) until(expression string, values ...any) {
	p.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(25 * time.Millisecond) {
		if eval[bool](p, "Boolean("+expression+")", values...) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("timed out waiting for: "+expression+"\nthe page shows:\n%s", append(values, p.all())...)
		}
	}
}

// shows waits until an element that the selector finds contains a text.
func (p *tab) shows(selector, text string) {
	p.t.Helper()
	p.until(`[...document.querySelectorAll(%s)].some((n) => n.checkVisibility() && n.innerText.includes(%s))`, selector, text)
}

// click clicks as a person would, with the mouse, at the middle of the element that the
// expression finds. It waits until nothing covers the element, and until it does not move
// from one look to the next: what the page fetched meanwhile may move it.
func (p *tab) click(expression string, values ...any) {
	p.t.Helper()
	find := "(() => { const n = " + expression + "; if (!n?.checkVisibility() || n.disabled) return null; " +
		"n.scrollIntoView({ block: 'center', inline: 'nearest' }); const r = n.getBoundingClientRect(); const at = [r.x + r.width / 2, r.y + r.height / 2]; " +
		"const top = document.elementFromPoint(...at); return top && (n.contains(top) || top.contains(n)) ? at : null; })()"
	var before []float64
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(25 * time.Millisecond) {
		at := eval[[]float64](p, find, values...)
		if len(at) == 2 && slices.Equal(at, before) {
			p.run(chromedp.MouseClickXY(at[0], at[1]))
			return
		}
		if before = at; time.Now().After(deadline) {
			p.t.Fatalf("cannot click: "+find+"\nthe page shows:\n%s", append(values, p.all())...)
		}
	}
}

// press clicks the button or link with this text or label, in an element that the selector
// finds.
func (p *tab) press(within, words string) {
	p.t.Helper()
	p.click(`[...document.querySelectorAll(%s)].flatMap((n) => [...n.querySelectorAll('button, a, summary')]).find((b) => b.checkVisibility() && [b.innerText.trim().replace(/\s+/g, ' '), b.ariaLabel].includes(%s))`, within, words)
}

// keys types where the focus is.
func (p *tab) keys(text string) {
	p.t.Helper()
	p.run(chromedp.KeyEvent(text))
}

// reload loads the page again.
func (p *tab) reload() {
	p.t.Helper()
	p.load(chromedp.Reload())
}

// refresh makes the page request the state of the program, and waits until it is shown.
func (p *tab) refresh() {
	p.t.Helper()
	eval[bool](p, `new Promise((done) => {
		document.addEventListener('refreshed', () => done(true), { once: true });
		document.dispatchEvent(new Event('visibilitychange'));
	})`)
}

// field replaces the content of the field with this label by typing.
func (p *tab) field(label, text string) {
	p.t.Helper()
	p.until(`(() => { const l = [...document.querySelectorAll('label')].findLast((l) => l.checkVisibility() && l.innerText.trim().startsWith(%s)); const n = l?.control; if (!n) return false; n.focus(); n.select?.(); return document.activeElement === n; })()`, label)
	p.run(chromedp.KeyEvent(text))
}

// shot writes a picture of the window to the directory AITUNNEL_SCREENSHOTS.
func (p *tab) shot(name string) {
	p.t.Helper()
	dir := os.Getenv("AITUNNEL_SCREENSHOTS")
	if dir == "" {
		dir = p.t.TempDir()
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if len(png) < 2000 {
		p.t.Errorf("the picture %s is empty", name)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(dir+"/"+name+".png", png, 0o644)); err != nil {
		p.t.Fatal(err)
	}
}

// theme sets the theme that the system prefers. It also prefers reduced motion, so that
// nothing moves when it is clicked.
func (p *tab) theme(name string) {
	send(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}
