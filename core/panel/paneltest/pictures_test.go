package paneltest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// busyProgram is a daemon with several channels, to which the tests send traffic.
type busyProgram struct {
	*running
	sites []*fakesite.Site
}

var (
	siteNames = []string{"harbour", "meadow", "north-wind", "quarry", "lantern", "orchard", "copper", "tidewater", "juniper", "basalt"}
	models    = []string{"gpt-4o", "claude-sonnet-4", "gemini-2.5-pro", "gpt-4o-mini"}
)

// startBusy starts one whose n channels have one to three keys, the last of them a fallback.
func startBusy(t *testing.T, n int, more ...func(*daemon.Options)) *busyProgram {
	t.Helper()
	s := &busyProgram{}
	var config strings.Builder
	for i := range n {
		name := siteNames[i%len(siteNames)]
		if i >= len(siteNames) {
			name = fmt.Sprintf("%s-%d", name, i/len(siteNames)+1)
		}
		s.sites = append(s.sites, site(t, name))
		fmt.Fprintf(&config, "channel %q {\n  target = %q\n  weight = %d\n", name, s.sites[i].URL()+"/api", max(1, 10-i))
		if i == n-1 {
			config.WriteString("  fallback = true\n")
		}
		for k := range i%3 + 1 {
			fmt.Fprintf(&config, "  key \"team-%c\" {\n    value = \"sk-%s-%d-of-the-test\"\n  }\n", 'a'+k, name, k)
		}
		config.WriteString("  health_check \"http\" {\n    path     = \"/v1/models\"\n    interval = \"1s\"\n  }\n}\n")
	}
	config.WriteString("route \"/v1/**\" {\n  channels = [" + channelList(s.sites) + "]\n  strategy \"round-robin\" {}\n}\nbreaker {\n  open = \"30s\"\n}\n")
	s.running = start(t, config.String(), more...)
	return s
}

func channelList(sites []*fakesite.Site) string {
	names := make([]string, len(sites))
	for i, s := range sites {
		names[i] = "channel." + s.Name()
	}
	return strings.Join(names, ", ")
}

// sendRequests sends requests, one to each channel in turn.
func (s *busyProgram) sendRequests(n int) {
	for i := range n {
		s.ask(models[i%len(models)])
	}
}

// breakHalf makes every second site fail, each in a different way.
func (s *busyProgram) breakHalf() {
	ways := []fakesite.Behavior{fakesite.Reset(), fakesite.Status(502, `{"error":{"message":"bad gateway"}}`), fakesite.RateLimited(2 * time.Minute), fakesite.Unauthorized()}
	for i, site := range s.sites {
		if i%2 == 1 {
			site.Always(ways[i/2%len(ways)])
		}
	}
}

func TestPictures(t *testing.T) {
	for _, n := range []int{2, 30} {
		t.Run(fmt.Sprintf("%d channels", n), func(t *testing.T) {
			s := startBusy(t, n)
			for i, site := range s.sites {
				site.Always(fakesite.Delay(time.Duration(3+i%7*4) * time.Millisecond))
			}
			s.sendRequests(3 * n)
			p := s.open("/", 1280, 900)
			p.shows("#overall", "channels are available")
			p.frames(fmt.Sprintf("%02d-healthy", n))
			s.breakHalf()
			s.sendRequests(3 * n)
			p.shows("#overall", fmt.Sprintf("of %d channels", n))
			p.frames(fmt.Sprintf("%02d-broken", n))
			for _, view := range views {
				p.press("#views", view.title)
				p.shows(view.there, "")
				p.frames(fmt.Sprintf("%02d-%s", n, view.name))
			}
		})
	}
}

// views are the tabs of the page, each with a selector for its content.
var views = []struct{ name, title, there string }{
	{"log", "Log", "#view-log .row"},
	{"routes", "Routes", "#view-routes .route"},
	{"system", "Tunnels & plugins", "#view-system .plugin"},
	{"config", "Configuration", "#view-config .verdict h2"},
	{"connect", "Connect an app", "#view-connect .snippet"},
}

// TestPicturesOfDialogs opens the dialogs.
func TestPicturesOfDialogs(t *testing.T) {
	s := startBusy(t, 4)
	s.sites[0].Always(fakesite.Reset())
	s.sendRequests(4)
	p := s.open("/", 1280, 900)
	p.until(`document.querySelectorAll('.latest .row').length === 4`) // nothing moves any more
	p.click(`[...document.querySelectorAll('.latest .row')].find((n) => n.querySelector('.retries.some'))`)
	p.shows("dialog", "2 attempts")
	p.frames("record")
	p.press("dialog", "Close")
	p.click(`document.querySelector('#add-channel')`)
	p.press("dialog", "Add channel")
	p.shows("dialog .field .error", "Enter a name")
	p.frames("add-channel")
	p.press("dialog", "Cancel")
	p.press(`[data-name="harbour"]`, "Edit harbour")
	p.frames("edit-channel")
	p.press("dialog", "Remove channel")
	p.shows("dialog:last-of-type", "Remove harbour?")
	p.frames("remove-channel")
	p.press("dialog:last-of-type", "Cancel")
	p.press("dialog", "Cancel")
	p.press(`[data-name="meadow"]`, "Add keys to meadow")
	p.frames("add-key")
	p.press("dialog", "Cancel")
	p.press("#views", "Routes")
	p.press(".explain", "Explain")
	p.shows(".explanation .candidates", "meadow")
	p.frames("explain")
}

// frames takes pictures of the page, in all sizes and both themes; only two of them if they
// are not saved.
func (p *tab) frames(name string) {
	p.t.Helper()
	if os.Getenv("AITUNNEL_SCREENSHOTS") == "" {
		p.shot(name)
		p.theme("light")
		p.size(360, 900)
		p.shot(name)
		p.size(1280, 900)
		p.theme("dark")
		return
	}
	for _, theme := range []string{"dark", "light"} {
		p.theme(theme)
		for _, width := range []int64{1440, 800, 360} {
			p.size(width, 900)
			p.shot(fmt.Sprintf("%s-%s-%d", name, theme, width))
		}
	}
	p.size(1280, 900)
	p.theme("dark")
}
