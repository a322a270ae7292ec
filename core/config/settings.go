package config

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config/block"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/price"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// defaults returns the configuration that an empty file means, without any channels.
func defaults(path string) *Config {
	return &Config{
		Path: path,
		Proxy: Proxy{
			Listen:          "127.0.0.1:9000",
			MaxBody:         64 << 20,
			ReplayLimit:     8 << 20,
			BufferLimit:     256 << 20,
			MaxInFlight:     4096,
			StreamKeepalive: 15 * time.Second,
		},
		Admin: Admin{Listen: "127.0.0.1:3000"},
		Retry: Retry{
			MaxRetries: 3,
			MaxExtra:   0.2,
			On:         DefaultRetryOn(),
			Backoff:    BackoffExponential,
			BaseDelay:  time.Second,
			MaxDelay:   10 * time.Second,
			AfterSent:  true,
		},
		Breaker:   Breaker{Failures: 5, Ratio: 0.5, Window: 30 * time.Second, Open: 10 * time.Second, MaxOpen: 2 * time.Minute},
		Log:       Log{Level: "info", Format: "text"},
		History:   History{Enabled: true, Keep: 30 * 24 * time.Hour, MaxSize: 1 << 30},
		Prices:    price.NewBook(nil, nil, MatchModel),
		Drain:     time.Minute,
		HotReload: true,
	}
}

func (l *loader) settings(kind string) *reader {
	b := l.once(kind)
	if b == nil {
		return nil
	}
	for name, a := range b.Body.Attributes {
		if l.config.places == nil {
			l.config.places = map[string]hcl.Range{}
		}
		l.config.places[kind+"."+name] = a.Expr.Range()
	}
	return l.reader(b, "in "+kind)
}

// ports reads the blocks of the proxy and the admin port, whose addresses must differ.
func (l *loader) ports() {
	proxy, admin := l.proxy(), l.admin()
	if !overlap(l.config.Proxy.Listen, l.config.Admin.Listen) {
		return
	}
	detail := fmt.Sprintf("the proxy (%s) and the admin port (%s) must listen on different ports", l.config.Proxy.Listen, l.config.Admin.Listen)
	for _, r := range []*reader{admin, proxy} {
		if r != nil && r.Attributes["listen"] != nil {
			r.Wrong(r.Attributes["listen"], detail)
			return
		}
	}
}

// overlap reports whether two listeners cannot use the two addresses at once.
func overlap(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	everywhere := func(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
	return errA == nil && errB == nil && portA == portB && portA != "0" && (hostA == hostB || everywhere(hostA) || everywhere(hostB))
}

func (l *loader) proxy() *reader {
	p := &l.config.Proxy
	r := l.settings("proxy")
	if r == nil {
		return nil
	}
	r.Decode(p)
	r.Done()
	if a := r.Attributes["max_body"]; a != nil && p.MaxBody == 0 {
		r.Wrong(a, "with 0, no request with a body is accepted; 0 does not mean unlimited")
	}
	return r
}

func (l *loader) admin() *reader {
	a := &l.config.Admin
	r := l.settings("admin")
	if r == nil {
		return nil
	}
	r.Decode(a)
	r.Done()
	listen := r.Attributes["listen"]
	if listen != nil && a.Listen != "" && a.Token.IsZero() && r.Attributes["token"] == nil && !isLoopback(a.Listen) {
		r.Wrong(listen, fmt.Sprintf("the admin port %s can be reached from other machines; set admin.token, or listen on 127.0.0.1", a.Listen))
	} else if listen != nil && a.Listen != "" && a.Token.IsZero() && !isLoopback(a.Listen) {
		r.Wrong(listen, fmt.Sprintf("the admin port %s can be reached from other machines, and admin.token is empty; set it, or listen on 127.0.0.1", a.Listen))
	}
	return r
}

func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func checkAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /@") {
		return fmt.Errorf("%q is not a valid address: expected host:port, such as \"127.0.0.1:9000\"", s)
	}
	if !isPort(port, 0) {
		return fmt.Errorf("%q has no valid port: expected a number from 0 to 65535", s)
	}
	return nil
}

func isPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= least && n <= 65535
}

// hasPort reports whether the port of a URL is valid, or missing together with its colon.
func hasPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	return isPort(u.Port(), 1)
}

func (l *loader) retry() {
	p := &l.config.Retry
	r := l.settings("retry")
	if r == nil {
		return
	}
	r.Decode(p)
	r.Done()
	if p.BaseDelay > p.MaxDelay {
		r.Wrong(cmp.Or(r.Attributes["base_delay"], r.Attributes["max_delay"]), longerThan("base_delay", p.BaseDelay, "max_delay", p.MaxDelay))
	}
}

// longerThan says that a duration must not be longer than another one.
func longerThan(short string, a time.Duration, long string, b time.Duration) string {
	return fmt.Sprintf("%q (%s) is longer than %q (%s)", short, wording.Duration(a), long, wording.Duration(b))
}

// statuses reads a list of statuses.
func statuses(r *block.Reader, name string, into *[]int) {
	v, a, ok := r.Get(name, cty.List(cty.Number))
	if !ok {
		return
	}
	*into = []int{}
	for _, e := range v.AsValueSlice() {
		if e.IsNull() {
			r.Wrong(a, "an entry is null: remove it")
			return
		}
		n, _ := e.AsBigFloat().Float64()
		if n < 400 || n > 599 || n != math.Trunc(n) {
			r.Wrong(a, fmt.Sprintf("%s is not a status that can be retried: expected a whole number from 400 to 599, such as %d", wording.Number(n), http.StatusTooManyRequests))
			return
		}
		*into = append(*into, int(n))
	}
}

func (l *loader) breaker() {
	p := &l.config.Breaker
	r := l.settings("breaker")
	if r == nil {
		return
	}
	r.Decode(p)
	r.Done()
	if p.Open > p.MaxOpen {
		r.Wrong(cmp.Or(r.Attributes["open"], r.Attributes["max_open"]), longerThan("open", p.Open, "max_open", p.MaxOpen))
	}
}

func (l *loader) log() {
	if r := l.settings("log"); r != nil {
		r.Decode(&l.config.Log)
		r.Done()
	}
}

func (l *loader) declarePlugins() {
	l.plugins = map[string]*Plugin{}
	for _, b := range l.TopBlocks("plugin", "name") {
		p := l.plugin(b)
		if l.plugins[p.Name] != nil {
			l.Fail(b.DefRange(), "Duplicate plugin", fmt.Sprintf("Plugin %q is already declared.", p.Name))
			continue
		}
		l.plugins[p.Name] = p
		l.config.Plugins = append(l.config.Plugins, p)
	}
}

func (l *loader) plugin(b *hclsyntax.Block) *Plugin {
	p := &Plugin{Name: b.Labels[0], Resources: DefaultResources(), Range: b.DefRange()}
	r := l.reader(b, fmt.Sprintf("in plugin %q", p.Name))
	if strings.ContainsAny(p.Name, "/\\. ") || p.Name == "" {
		l.Fail(b.LabelRanges[0], "Invalid plugin name", "A plugin name has no slash, dot or space: the executable is aitunnel-plugin-NAME.")
	}
	r.Decode(p)
	r.Done()
	if p.Name == "built-in" {
		l.Fail(b.LabelRanges[0], "Invalid plugin name", "\"built-in\" is the name of the plugin that comes with aitunnel. Use the name of the plugin, as in aitunnel-plugin-NAME.")
	}
	if p.Source != "" && p.Path != "" {
		l.Fail(b.DefRange(), "Conflicting settings", "\"source\" says where the plugin is downloaded from, and \"path\" which file to use: keep one of them.")
	}
	return p
}
