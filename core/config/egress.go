package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// The egresses that need no block.
const (
	EgressDirect      = "direct"
	EgressEnvironment = "environment" // the proxy of HTTPS_PROXY and the like
)

// Egress is a way to reach sites. Without proxy, tunnel and bind it is the direct one, or that
// of the environment.
type Egress struct {
	Name   string
	Proxy  Secret `hcl:"proxy,optional" type:"secret string" form:"proxy URL" example:"socks5h://127.0.0.1:7890" doc:"A proxy: http://, https://, socks5:// or socks5h://, with user:password@ if it requires them. With socks5h the proxy resolves the names of sites, with socks5 this machine does."`
	Tunnel string `hcl:"tunnel,custom" type:"tunnel" sample:"vps" doc:"Connect from the host of this tunnel, which also resolves names."`
	Bind   string `hcl:"bind,optional" sample:"wlan1" doc:"A network interface of this machine, or an address of one."`
	Range  hcl.Range
}

// ProxyURL returns the address of the proxy, nil if there is none.
func (e *Egress) ProxyURL() *url.URL {
	if e.Proxy.IsZero() {
		return nil
	}
	u, err := parseProxy(e.Proxy.Plaintext())
	if err != nil {
		return nil // it was refused when the configuration was read
	}
	return u
}

// Text describes the egress, without a password.
func (e *Egress) Text() string {
	switch {
	case e.Tunnel != "":
		return "through the tunnel " + e.Tunnel
	case e.Bind != "":
		return "by " + e.Bind
	case e.ProxyURL() != nil:
		u := e.ProxyURL()
		return u.Scheme + "://" + u.Host
	}
	return e.Name
}

func parseProxy(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
		return nil, fmt.Errorf("expected the URL of a proxy that begins with http://, https://, socks5:// or socks5h://, such as \"socks5h://127.0.0.1:1080\"")
	case !hasPort(u):
		return nil, fmt.Errorf("the proxy has no valid port: expected a number from 1 to 65535")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the URL of a proxy must end with its port")
	}
	return u, nil
}

// egresses reads the blocks. The tunnels that they name are read later: see
// egressTunnels.
func (l *loader) egresses() {
	l.egressByName = map[string]*Egress{EgressDirect: {Name: EgressDirect}, EgressEnvironment: {Name: EgressEnvironment}}
	for _, b := range l.TopBlocks("egress", "name") {
		e := l.egress(b)
		switch first := l.egressByName[e.Name]; {
		case e.Name == EgressDirect || e.Name == EgressEnvironment:
			l.Fail(b.LabelRanges[0], "Invalid egress name", fmt.Sprintf("egress.%s is predefined: choose another name.", e.Name))
			continue
		case first != nil:
			l.Fail(b.DefRange(), "Duplicate egress", fmt.Sprintf("Egress %q is already declared at %s:%d.", e.Name, first.Range.Filename, first.Range.Start.Line))
			continue
		}
		l.egressByName[e.Name] = e
		l.config.Egresses = append(l.config.Egresses, e)
	}
}

func (l *loader) egress(b *hclsyntax.Block) *Egress {
	e := &Egress{Name: b.Labels[0], Range: b.DefRange()}
	r := l.reader(b, fmt.Sprintf("in egress %q", e.Name))
	if strings.TrimSpace(e.Name) == "" || strings.ContainsAny(e.Name, "/\x00\n") || len(e.Name) > 64 {
		l.Fail(b.LabelRanges[0], "Invalid egress name", "An egress name has 1 to 64 characters and no slash.")
	}
	before := len(l.Diags)
	r.Decode(e)
	if a := r.Attributes["proxy"]; a != nil && len(l.Diags) == before {
		if _, err := parseProxy(e.Proxy.Plaintext()); err != nil {
			r.Wrong(a, err.Error())
		}
	}
	if v, a, ok := r.Get("tunnel", cty.String); ok {
		e.Tunnel = v.AsString()
		if !slices.Contains(l.Names("tunnel"), e.Tunnel) {
			r.Wrong(a, strings.TrimSpace(fmt.Sprintf("there is no tunnel %q. %s", e.Tunnel, wording.Instead(e.Tunnel, l.Names("tunnel")))))
		}
	}
	r.Done()
	given := 0
	for _, name := range []string{"proxy", "tunnel", "bind"} {
		if r.Attributes[name] != nil {
			given++
		}
	}
	if given != 1 {
		l.Fail(r.At, "Incomplete egress", fmt.Sprintf("The egress %q needs one of proxy, tunnel and bind; it has %d of them.", e.Name, given))
	}
	return e
}

// egress reads the egresses of a channel, in the order in which they are tried.
func (r *reader) egress(c *Channel) {
	a := r.Attribute("egress")
	if a == nil {
		return
	}
	v, ok := r.Value(a)
	if !ok {
		return
	}
	secret := v.ContainsMarked()
	v, _ = v.UnmarkDeep()
	if v.Type() == cty.String { // a single one needs no brackets
		v = cty.TupleVal([]cty.Value{v})
	}
	if v, _, ok = r.Typed(a, v, cty.List(cty.String)); !ok {
		return
	}
	for _, e := range v.AsValueSlice() {
		if e.IsNull() {
			r.Wrong(a, "an entry is null: remove it, or name an egress")
			return
		}
		named := r.loader.egressByName[e.AsString()]
		switch {
		case named == nil && secret:
			r.Wrong(a, "there is no egress with this name")
		case named == nil:
			r.Wrong(a, strings.TrimSpace(fmt.Sprintf("there is no egress %q. %s", e.AsString(), wording.Instead(e.AsString(), r.loader.Names("egress")))))
		case slices.Contains(c.Egress, named):
			r.Wrong(a, fmt.Sprintf("the egress %q is listed twice", named.Name))
		default:
			c.Egress = append(c.Egress, named)
			continue
		}
		return
	}
	if v.LengthInt() == 0 {
		r.Wrong(a, "the list is empty: name at least one egress, such as [egress.direct]")
	}
	if v.LengthInt() > maxEgresses {
		r.Wrong(a, fmt.Sprintf("a channel has at most %d egresses", maxEgresses))
	}
}

// maxEgresses is the maximum number of egresses of a channel.
const maxEgresses = 8

// usesTunnel reports whether an egress uses the tunnel.
func (l *loader) usesTunnel(tunnel string) bool {
	return slices.ContainsFunc(l.config.Egresses, func(e *Egress) bool { return e.Tunnel == tunnel })
}

// warnEgress warns of egresses that nothing uses, and of a proxy set in the environment.
func (l *loader) warnEgress() {
	for _, e := range l.config.Egresses {
		used := slices.ContainsFunc(l.config.Channels, func(c *Channel) bool { return slices.Contains(c.Egress, e) }) ||
			slices.ContainsFunc(l.config.Notify, func(n *Notify) bool { return n.Egress == e })
		if !used {
			l.Warn(e.Range, "Unused egress", fmt.Sprintf("No channel uses the egress %q: add it to the egress of one, or remove it.", e.Name))
		}
	}
	name := ""
	for _, n := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if v, ok := l.Getenv(n); ok && v != "" {
			name = n
			break
		}
	}
	if name == "" {
		return
	}
	for _, c := range l.config.Channels {
		if c.Egress == nil && !isLoopback(c.Target.Hostname()+":0") {
			l.Warn(c.Range, "Proxy set in the environment", fmt.Sprintf("%s is set, so the channel %q is reached through that proxy: if that is not intended, write egress = [egress.direct].", name, c.Name))
			return
		}
	}
}
