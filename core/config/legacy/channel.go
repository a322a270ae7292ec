package legacy

import (
	"net"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v3"
)

// oldWeight is the default weight of a channel in the earlier program.
const oldWeight = 10

var oldKeyStrategies = map[string]string{
	"roundrobin": "round-robin", "rr": "round-robin", "random": "random", "weighted": "weighted",
	"sequential": "sequential", "leastused": "least-used",
}

// channel reads a channel of the second version.
func (c *converter) channel(m *oldMap) {
	defer m.done()
	b := c.named(m)
	if n, v, ok := m.number("weight"); ok {
		b.set("weight", cty.NumberFloatVal(v), c.at(n))
	} else {
		b.set("weight", cty.NumberIntVal(oldWeight), b.at)
	}
	if n := m.get("fallback"); n != nil && m.boolean("fallback", false) {
		b.set("fallback", cty.True, c.at(n))
	}
	if n, keys := m.list("keys"); n != nil && len(keys) > 0 {
		b.text("auth", "bearer", c.at(n))
		b.attributes = append(b.attributes, c.texts("keys", n, c.withoutDuplicates(keys)))
	} else {
		c.wrong(m.node, "No keys", "The channel %q has no keys: the earlier program required one, too.", b.label)
	}
	if word, n := m.word("keyStrategy", "round-robin", oldKeyStrategies); n != nil {
		b.add("key_selector", word, c.at(n))
	}
	if n := m.get("maxRetries"); n != nil {
		c.warn(n, "Not carried over", "A number of retries for one channel has no equivalent: settings.retry.maxRetries applies to a request as a whole.")
	}
	c.healthCheck(m, b)
	channel := &oldChannel{block: b, node: m.node}
	if t := m.inner("tunnel"); t != nil {
		on := t.boolean("enabled", true)
		channel.local, channel.remote = t.oldPort("localPort"), t.oldPort("remotePort")
		if !on {
			channel.local, channel.remote = nil, nil
		} else if channel.remote == nil {
			c.warn(t.node, "Not carried over", "The tunnel of the channel %q has no remotePort, so no port is opened.", b.label)
		}
		t.done()
	}
	c.channels = append(c.channels, channel)
}

// site reads a site of the first version, which had at most one key, in a header. Without one, the
// caller's credentials were passed on.
func (c *converter) site(m *oldMap) {
	defer m.done()
	b := c.named(m)
	b.set("weight", cty.NumberIntVal(oldWeight), b.at)
	key := (*yaml.Node)(nil)
	if h := m.inner("headers"); h != nil {
		h.headers = true
		key, _ = h.scalar("Authorization")
		h.done()
	}
	if key == nil || strings.TrimSpace(key.Value) == "" {
		b.text("auth", "passthrough", b.at)
	} else {
		c.authorization(key, b)
	}
	c.healthCheck(m, b)
	c.channels = append(c.channels, &oldChannel{block: b, node: m.node, local: m.oldPort("localPort"), remote: m.oldPort("remotePort")})
}

// authorization extracts the key from the value of the header.
func (c *converter) authorization(n *yaml.Node, b *Block) {
	c.source.AddSecret(c.at(n))
	scheme, key, found := strings.Cut(strings.TrimSpace(n.Value), " ")
	if key = strings.TrimSpace(key); !found {
		key = scheme
	}
	c.secrets.Add(key)
	if found && !strings.EqualFold(scheme, "bearer") {
		c.wrong(n, "Not carried over", "The header Authorization is not \"Bearer KEY\", and other forms have no equivalent.")
		return
	}
	b.text("auth", "bearer", c.at(n))
	keys := c.texts("keys", n, []*yaml.Node{n})
	keys.value = cty.TupleVal([]cty.Value{cty.StringVal(key)})
	b.attributes = append(b.attributes, keys)
}

// named starts a channel with its name and target.
func (c *converter) named(m *oldMap) *Block {
	b := c.block("channel", "", c.at(m.node))
	if n, ok := m.scalar("name"); ok && strings.TrimSpace(n.Value) != "" {
		b.label, b.labelAt = strings.TrimSpace(n.Value), c.at(n)
	} else if n == nil || ok {
		c.wrong(m.node, "Missing value", "A name is missing %s.", m.what)
	}
	m.text("target", b, "target")
	return b
}

// withoutDuplicates removes duplicate keys.
func (c *converter) withoutDuplicates(keys []*yaml.Node) (out []*yaml.Node) {
	seen := map[string]bool{}
	for _, k := range keys {
		c.source.AddSecret(c.at(k))
		value := strings.TrimSpace(k.Value)
		c.secrets.Add(value)
		if seen[value] {
			c.warn(k, "Duplicate key", "This key is listed twice in the channel; it is used once.")
			continue
		}
		seen[value] = true
		out = append(out, k)
	}
	return out
}

// healthCheck reads the check of a channel, which was only a path in the first version.
func (c *converter) healthCheck(m *oldMap, b *Block) {
	n := m.get("healthCheck")
	if n == nil {
		return
	}
	if n.Kind == yaml.ScalarNode {
		if path := strings.TrimSpace(n.Value); path != "" && path != "false" {
			h := b.add("health_check", "http", c.at(n))
			h.text("path", path, c.at(n))
			c.defaultInterval(h)
		}
		return
	}
	h := m.inner("healthCheck")
	defer h.done()
	path, ok := h.scalar("path")
	if !ok || strings.TrimSpace(path.Value) == "" {
		for _, name := range []string{"intervalMs", "timeoutMs"} {
			h.get(name)
		}
		c.warn(n, "Not carried over", "The health check has no path, and the earlier program made no check without one.")
		return
	}
	check := b.add("health_check", "http", c.at(n))
	check.text("path", strings.TrimSpace(path.Value), c.at(path))
	if h.get("intervalMs") == nil {
		c.defaultInterval(check)
	} else {
		h.millis("intervalMs", check, "interval")
	}
	h.millis("timeoutMs", check, "timeout")
}

// defaultInterval sets the interval of settings.healthCheckInterval, if it is set.
func (c *converter) defaultInterval(check *Block) {
	if c.interval != nil {
		(&oldMap{
			converter: c, what: "in settings", names: map[string]string{},
			entries: map[string]oldEntry{plain("healthCheckInterval"): {&yaml.Node{Value: "healthCheckInterval"}, c.interval}},
		}).millis("healthCheckInterval", check, "interval")
	}
}

// ssh reads the tunnel, with the ports of the channels and that of the unified entry, which the
// earlier program announced but did not open. The sites of the first version had no unified
// entry.
func (c *converter) ssh(s *oldMap, port string) {
	defer c.localPorts()
	if s == nil {
		for _, ch := range c.channels {
			if ch.remote != nil {
				c.warn(ch.remote.node, "Not carried over", "There is no ssh, so no port is opened on the server for the channel %q.", ch.block.label)
			}
		}
		return
	}
	defer s.done()
	on := s.boolean("enabled", true)
	t := &Block{kind: "tunnel", label: "vps", at: c.at(s.node), labelAt: c.at(s.node)}
	c.sshHost(s, t)
	if n, ok := s.scalar("username"); ok {
		t.text("user", strings.TrimSpace(n.Value), c.at(n))
	} else {
		t.text("user", "root", t.at)
	}
	s.text("privateKeyPath", t, "identity")
	if n, ok := s.scalar("password"); ok {
		c.source.AddSecret(c.at(n))
		c.secrets.Add(n.Value)
		t.set("password", cty.StringVal(n.Value), c.at(n))
	}
	if !on {
		c.warn(s.node, "Not carried over", "The tunnel is disabled, which has no equivalent: it is left out.")
		return
	}
	c.reconnect(t)
	c.forwards(t, port)
	c.blocks = append(c.blocks, t)
}

func (c *converter) sshHost(s *oldMap, t *Block) {
	n, ok := s.scalar("host")
	if !ok {
		c.wrong(s.node, "Missing value", "The host is missing in ssh.")
		return
	}
	host := strings.Trim(strings.TrimSpace(n.Value), "[]")
	if p, number, ok := s.port("port"); ok && number != "22" {
		t.text("host", net.JoinHostPort(host, number), c.at(p))
		return
	}
	if strings.Contains(host, ":") {
		host = net.JoinHostPort(host, "22")
	}
	t.text("host", host, c.at(n))
}

func (c *converter) forwards(t *Block, port string) {
	taken := map[string]bool{}
	for _, ch := range c.channels {
		if ch.remote != nil {
			taken[ch.remote.number] = true
		}
	}
	if !taken[port] && (!c.first || len(taken) == 0) {
		t.add("forward", net.JoinHostPort("127.0.0.1", port), t.at).about = "The unified entry, for the apps on that machine."
	}
	for _, ch := range c.channels {
		if ch.remote == nil {
			continue
		}
		at := c.at(ch.remote.node)
		f := t.add("forward", net.JoinHostPort("127.0.0.1", ch.remote.number), at)
		f.attributes = append(f.attributes, &Attribute{name: "channel", value: cty.StringVal(ch.block.label), channels: true, at: at})
	}
}

// localPorts warns of the local ports of channels.
func (c *converter) localPorts() {
	for _, ch := range c.channels {
		if ch.local != nil {
			c.warn(ch.local.node, "Not carried over", "The channel %q no longer has a port of its own on this machine: send its requests to the port of the proxy.", ch.block.label)
		}
	}
}
