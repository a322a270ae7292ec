package paneltest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/fakesite"
)

// scene is a daemon with channels that have seen some traffic.
type scene struct {
	*running
	sites []*fakesite.Site
}

var (
	siteNames = []string{"harbour", "meadow", "north-wind", "quarry", "lantern", "orchard", "copper", "tidewater", "juniper", "basalt"}
	models    = []string{"gpt-4o", "claude-sonnet-4", "gemini-2.5-pro", "gpt-4o-mini"}
)

// stage makes n channels with one to three keys, the last of them a fallback.
func stage(t *testing.T, n int, more ...func(*daemon.Options)) *scene {
	t.Helper()
	s := &scene{}
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

// busy sends requests, each to another channel.
func (s *scene) busy(n int) {
	for i := range n {
		s.ask(models[i%len(models)])
	}
}

// breakHalf has every second site fail in a way of its own.
func (s *scene) breakHalf() {
	ways := []fakesite.Behaviour{fakesite.Reset(), fakesite.Status(502, `{"error":{"message":"bad gateway"}}`), fakesite.RateLimited(2 * time.Minute), fakesite.Unauthorized()}
	for i, site := range s.sites {
		if i%2 == 1 {
			site.Always(ways[i/2%len(ways)])
		}
	}
}

func TestPictures(t *testing.T) {
	for _, n := range []int{2, 30} {
		t.Run(fmt.Sprintf("%d channels", n), func(t *testing.T) {
			s := stage(t, n)
			for i, site := range s.sites {
				site.Always(fakesite.Delay(time.Duration(3+i%7*4) * time.Millisecond))
			}
			s.busy(3 * n)
			p := open(t, s.panel, "/", 1280, 900)
			p.shows("#overall", "up")
			p.frames(fmt.Sprintf("%02d-healthy", n))
			s.breakHalf()
			s.busy(3 * n)
			p.shows("#overall", fmt.Sprintf("of %d channels up", n))
			p.frames(fmt.Sprintf("%02d-broken", n))
			for _, view := range []string{"log", "routes", "system", "config"} {
				p.size(1280, 900)
				p.press("#views", map[string]string{"log": "Log", "routes": "Routes", "system": "Tunnels & plugins", "config": "Configuration"}[view])
				time.Sleep(300 * time.Millisecond)
				p.frames(fmt.Sprintf("%02d-%s", n, view))
			}
		})
	}
}

// frames takes pictures of what is shown, in all sizes and both themes.
func (p *tab) frames(name string) {
	p.t.Helper()
	for _, theme := range []string{"dark", "light"} {
		p.theme(theme)
		for _, width := range []int64{1280, 768, 360} {
			p.size(width, 900)
			p.shot(fmt.Sprintf("%s-%s-%d", name, theme, width))
		}
	}
	p.size(1280, 900)
	p.theme("dark")
}
