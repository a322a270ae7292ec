package legacy

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

// oldChannel has what routes and the tunnel need of a channel or site.
type oldChannel struct {
	block  *Block
	node   *yaml.Node
	local  *oldPort // on this machine, nil for none
	remote *oldPort // on the host of the tunnel, nil for none
}

type oldPort struct {
	node   *yaml.Node
	number string
}

func (m *oldMap) oldPort(name string) *oldPort {
	if n, number, ok := m.port(name); ok {
		return &oldPort{n, number}
	}
	return nil
}

// file reads a whole old file: the second version has channels, the first one sites. If there are
// both, the earlier program used the channels.
func (c *converter) file(top *oldMap) []*Block {
	settings := top.inner("settings")
	if settings == nil {
		settings = c.emptyMap("in settings")
	}
	c.interval = settings.get("healthCheckInterval")
	c.settings(settings)
	channels, sites := top.get("channels"), top.get("sites")
	switch {
	case channels != nil:
		if sites != nil {
			c.mayBeSecret(sites)
			c.warn(sites, "Not carried over", "There are channels, so the earlier program did not read the sites.")
		}
		c.each(channels, "channel", (*converter).channel)
	case sites != nil:
		c.each(sites, "site", (*converter).site)
	}
	c.first = channels == nil
	port := c.server(top.inner("server"), top)
	c.routes(top.get("routes"))
	c.ssh(top.inner("ssh"), port)
	settings.done()
	top.done()
	if c.diags.HasErrors() {
		return nil
	}
	if len(c.channels) == 0 {
		c.fail(c.start(), "No channels", "Nothing can be reached: the file needs channels, or sites, each with name, target and keys.")
	}
	return c.ordered()
}

// ordered returns the blocks in the usual order.
func (c *converter) ordered() []*Block {
	order := []string{"", "proxy", "admin", "tunnel", "channel", "route", "retry", "log"}
	slices.SortStableFunc(c.blocks, func(a, b *Block) int {
		return slices.Index(order, a.kind) - slices.Index(order, b.kind)
	})
	return c.blocks
}

// block begins a block of the top level.
func (c *converter) block(kind, label string, at hcl.Range) *Block {
	b := &Block{kind: kind, label: label, at: at, labelAt: at}
	c.blocks = append(c.blocks, b)
	return b
}

// drop removes a block if nothing was added to it.
func (c *converter) drop(b *Block) {
	if len(b.attributes)+len(b.blocks) == 0 {
		c.blocks = slices.DeleteFunc(c.blocks, func(x *Block) bool { return x == b })
	}
}

// each reads the entries of a list of mappings.
func (c *converter) each(n *yaml.Node, kind string, read func(*converter, *oldMap)) {
	if n.Kind != yaml.SequenceNode {
		c.mayBeSecret(n)
		c.wrong(n, "Invalid type", "Expected a list: each %s begins with a dash.", kind)
		return
	}
	for i, e := range n.Content {
		e = follow(e)
		what := fmt.Sprintf("in %s %d", kind, i+1)
		if name := nameOf(e); name != "" {
			what = fmt.Sprintf("in %s %q", kind, name)
		}
		read(c, c.open(e, what))
	}
}

// nameOf returns the name in a mapping that has not been read yet.
func nameOf(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := follow(n.Content[i+1]); plain(n.Content[i].Value) == "name" && v.Kind == yaml.ScalarNode {
			return v.Value
		}
	}
	return ""
}

// server returns the unified entry and the admin port. It returns the port of the
// entry.
func (c *converter) server(s, top *oldMap) string {
	if s == nil {
		s = c.emptyMap("in server")
	}
	proxy := c.block("proxy", "", c.start())
	host, port, at := s.address("127.0.0.1", "9000")
	if c.first && at == nil && len(c.channels) == 1 && c.channels[0].local != nil {
		// The only site's own port is the entry: all requests go to it anyway.
		at, port = c.channels[0].local.node, c.channels[0].local.number
		c.channels[0].local = nil
	}
	if at != nil {
		proxy.at = c.at(at)
		proxy.text("listen", net.JoinHostPort(host, port), c.at(at))
	}
	c.drop(proxy)
	c.ui(s.inner("ui"), top)
	s.done()
	return port
}

// address reads host and port; at is nil if neither is set.
func (m *oldMap) address(host, port string) (string, string, *yaml.Node) {
	var at *yaml.Node
	if n, ok := m.scalar("host"); ok {
		host, at = strings.Trim(strings.TrimSpace(n.Value), "[]"), n
	}
	if n, p, ok := m.port("port"); ok {
		port, at = p, n
	}
	return host, port, at
}

func (c *converter) ui(ui, top *oldMap) {
	admin := c.block("admin", "", c.start())
	defer c.drop(admin)
	if n, ok := top.scalar("uiAuthToken"); ok && n.Value != "" {
		admin.text("token", strings.TrimSpace(n.Value), c.at(n))
	}
	if ui == nil {
		return
	}
	defer ui.done()
	admin.at = c.at(ui.node)
	if n, ok := ui.scalar("token"); ok && n.Value != "" {
		admin.attributes = nil
		admin.text("token", strings.TrimSpace(n.Value), c.at(n))
	}
	open := len(admin.attributes) == 0
	host, port, at := ui.address("127.0.0.1", "3000")
	if !ui.boolean("enabled", true) {
		admin.text("listen", "", c.at(ui.node))
		return
	}
	if at == nil {
		return
	}
	address := net.JoinHostPort(host, port)
	if open && !isLoopback(address) {
		c.warn(at, "Not carried over", "The panel's port could be reached from other machines without a token, so anyone could use the keys. It listens on 127.0.0.1 until there is a token.")
		address = net.JoinHostPort("127.0.0.1", port)
	}
	admin.text("listen", address, c.at(at))
}

var oldStrategies = map[string]string{
	"priority": "priority", "weight": "priority", "failover": "priority",
	"roundrobin": "round-robin", "rr": "round-robin",
	"lowestlatency": "lowest-latency", "latency": "lowest-latency", "fastest": "lowest-latency",
	"weighted": "weighted", "leastbusy": "least-busy", "sticky": "sticky",
}

// routes reads the routes. The earlier program sent requests that no route matched to all channels,
// so there is a last route for them.
func (c *converter) routes(n *yaml.Node) {
	if n == nil {
		return
	}
	whole := false
	c.each(n, "route", func(c *converter, m *oldMap) {
		defer m.done()
		path, ok := m.scalar("path")
		if !ok {
			c.wrong(m.node, "Missing value", "A route needs a path, such as \"/v1/**\".")
			return
		}
		b := c.block("route", strings.TrimSpace(path.Value), c.at(m.node))
		b.labelAt = c.at(path)
		if b.label == "*" {
			b.label = "/**"
		}
		whole = whole || b.label == "/**"
		c.routeChannels(m, b)
		strategy, n := m.word("strategy", "priority", oldStrategies)
		if n == nil {
			n = m.node
		}
		b.add("strategy", strategy, c.at(n))
	})
	if whole || len(c.channels) == 0 {
		return
	}
	b := c.block("route", "/**", c.at(n))
	b.about = "What no other route matches goes to every channel, as before."
	b.set("channels", cty.EmptyTupleVal, c.at(n))
	a := b.attributes[0]
	a.channels = true
	var names []cty.Value
	for i, ch := range c.channels {
		if slices.ContainsFunc(c.channels[:i], func(first *oldChannel) bool { return first.block.label == ch.block.label }) {
			continue // reported elsewhere
		}
		names, a.entries = append(names, cty.StringVal(ch.block.label)), append(a.entries, c.at(n))
	}
	a.value = cty.TupleVal(names)
	b.add("strategy", "priority", c.at(n))
}

func (c *converter) routeChannels(m *oldMap, b *Block) {
	n, names := m.list("channels")
	if n == nil {
		c.wrong(m.node, "Missing value", "A route needs channels: a list of their names.")
		return
	}
	known := []string{}
	for _, ch := range c.channels {
		known = append(known, ch.block.label)
	}
	var kept []*yaml.Node
	for _, e := range names {
		switch name := strings.TrimSpace(e.Value); {
		case !slices.Contains(known, name):
			c.warn(e, "Unknown channel", "There is no channel %q; the route works without it, as before. %s", name, wording.Instead(name, known))
		case slices.ContainsFunc(kept, func(k *yaml.Node) bool { return strings.TrimSpace(k.Value) == name }):
			c.warn(e, "Duplicate channel", "The channel %q is listed twice.", name)
		default:
			kept = append(kept, e)
		}
	}
	a := c.texts("channels", n, kept)
	a.channels = true
	b.attributes = append(b.attributes, a)
}

var oldLevels = map[string]string{
	"debug": "debug", "verbose": "debug", "trace": "trace", "silly": "trace", "info": "info", "notice": "info",
	"warn": "warn", "warning": "warn", "error": "error", "fatal": "error", "silent": "error",
}

func (c *converter) settings(s *oldMap) {
	top := c.block("", "", c.start())
	if n := s.get("hotReload"); n != nil && !s.boolean("hotReload", true) {
		top.set("hot_reload", cty.False, c.at(n))
	}
	c.drop(top)
	log := c.block("log", "", c.start())
	if level, n := s.word("logLevel", "info", oldLevels); n != nil {
		log.text("level", level, c.at(n))
	}
	c.drop(log)
	if r := s.inner("retry"); r != nil {
		c.retries(r)
	}
	s.names[plain("reconnectInterval")] = "reconnectInterval"
	c.reconnect = func(tunnel *Block) {
		if n, d, ok := s.time("reconnectInterval"); ok && d > 0 {
			b := tunnel.add("reconnect", "", c.at(n))
			if d < 500*time.Millisecond {
				b.text("min", wording.Duration(d), c.at(n))
			}
			b.text("max", wording.Duration(d), c.at(n))
		}
	}
}

var oldBackoffs = map[string]string{"exponential": "exponential", "exp": "exponential", "fixed": "fixed", "constant": "fixed"}

// The defaults of retry, for a file that sets only one of the two.
const (
	defaultBaseDelay = time.Second
	defaultMaxDelay  = 10 * time.Second
)

func (c *converter) retries(r *oldMap) {
	b := c.block("retry", "", c.at(r.node))
	defer c.drop(b)
	defer r.done()
	if n, v, ok := r.number("maxRetries"); ok {
		b.set("max_retries", cty.NumberFloatVal(v), c.at(n))
	}
	if n, all := r.list("retryOn"); n != nil {
		b.attributes = append(b.attributes, c.statuses(n, all))
	}
	backoff, n := r.word("backoff", "fixed", oldBackoffs)
	if n != nil {
		b.text("backoff", backoff, c.at(n))
	}
	baseNode, base, _ := r.time("baseDelayMs")
	mostNode, most, _ := r.time("maxDelayMs")
	if baseNode == nil {
		base = defaultBaseDelay
	}
	if mostNode == nil {
		most = defaultMaxDelay
	}
	if at := firstNode(baseNode, mostNode); at != nil && base > most {
		if backoff == "fixed" && n != nil {
			most, mostNode = base, at // the earlier program ignored the longest pause
		} else {
			base, baseNode = most, at
		}
		c.warn(at, "Changed value", "The first pause is longer than the longest one: %s is used for both.", wording.Duration(base))
	}
	if baseNode != nil {
		b.text("base_delay", wording.Duration(base), c.at(baseNode))
	}
	if mostNode != nil {
		b.text("max_delay", wording.Duration(most), c.at(mostNode))
	}
}

func firstNode(all ...*yaml.Node) *yaml.Node {
	for _, n := range all {
		if n != nil {
			return n
		}
	}
	return nil
}

// statuses returns the statuses that are retried. Those other than 4xx and 5xx are not failures.
func (c *converter) statuses(n *yaml.Node, all []*yaml.Node) *Attribute {
	a := &Attribute{name: "on", at: c.at(n), value: cty.EmptyTupleVal}
	var values []cty.Value
	for _, e := range all {
		v, err := strconv.Atoi(strings.TrimSpace(e.Value))
		if err != nil || v < 400 || v > 599 {
			c.mayBeSecret(e)
			c.warn(e, "Not carried over", "This is not the status of a failure: expected a number from 400 to 599, such as 429.")
			continue
		}
		values, a.entries = append(values, cty.NumberIntVal(int64(v))), append(a.entries, c.at(e))
	}
	if len(values) > 0 {
		a.value = cty.TupleVal(values)
	}
	return a
}

func isLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
