package upstream

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/upstream/proxytest"
)

// askedByChild is set in the process that TestProxiesOfTheEnvironment starts, to the URL that
// it requests.
const askedByChild = "AITUNNEL_TEST_ASK"

// TestProxiesOfTheEnvironment: ALL_PROXY is used, and HTTP_PROXY and NO_PROXY take precedence
// over it. The variables are read once, so each case runs in a process of its own.
func TestProxiesOfTheEnvironment(t *testing.T) {
	if address := os.Getenv(askedByChild); address != "" {
		askAsChild(address)
		return
	}
	s := newSite(t, good)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	ask := "http://site.example:" + port
	for name, tt := range map[string]struct {
		variable, scheme string
		more             []string
		want             []string
	}{
		"socks5h":             {"ALL_PROXY", "socks5h", nil, []string{"SOCKS site.example:" + port}},
		"socks":               {"ALL_PROXY", "socks", nil, []string{"SOCKS site.example:" + port}},
		"http":                {"ALL_PROXY", "http", nil, []string{"GET " + ask + "/"}},
		"lower case":          {"all_proxy", "socks5h", nil, []string{"SOCKS site.example:" + port}},
		"not for NO_PROXY":    {"ALL_PROXY", "socks5h", []string{"NO_PROXY=site.example"}, nil},
		"HTTP_PROXY is first": {"HTTP_PROXY", "http", []string{"ALL_PROXY=socks5h://127.0.0.1:1"}, []string{"GET " + ask + "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := proxytest.New(t)
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxiesOfTheEnvironment$")
			child.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.Contains(strings.ToLower(v), "_proxy=") })
			child.Env = append(append(child.Env, askedByChild+"="+ask, tt.variable+"="+proxy.URL(tt.scheme, "").String()), tt.more...)
			out, err := child.CombinedOutput()
			if got := proxy.Lines(); !slices.Equal(got, tt.want) {
				t.Errorf("the proxy logged %q, want %q; the process printed %q %v", got, tt.want, out, err)
			}
			if strings.HasPrefix(tt.scheme, "socks") && strings.Contains(string(out), "status 200") != (tt.want != nil) {
				t.Errorf("%q %v", out, err)
			}
		})
	}
}

// If a proxy in the environment cannot be used, requests are not sent directly.
func TestUnusableProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	s := newSite(t, good)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	for _, proxy := range []string{"::bad url", "socks4://127.0.0.1:1080", "http://127.0.0.1:99999", "http://:8080"} {
		for _, variable := range []string{"HTTP_PROXY=", "all_proxy="} {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxiesOfTheEnvironment$")
			child.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.Contains(strings.ToLower(v), "_proxy=") })
			child.Env = append(child.Env, askedByChild+"=http://site.example:"+port, variable+proxy)
			out, err := child.CombinedOutput()
			if want := "proxy: " + errEnvironment.Error(); !strings.Contains(string(out), want) {
				t.Errorf("%s%s: %q %v, want %q", variable, proxy, out, err, want)
			}
		}
	}
}

func askAsChild(address string) {
	target, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	p := NewPool(Options{Target: target, Connect: 5 * time.Second, Egress: FromEnvironment(target)})
	defer p.Close()
	r, err := http.NewRequest(http.MethodGet, address+"/", nil) //nolint:noctx // the process ends
	if err != nil {
		panic(err)
	}
	resp, err := p.RoundTrip(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("status", resp.StatusCode)
	_ = resp.Body.Close()
}
