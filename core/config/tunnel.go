package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func (l *loader) tunnels() {
	seen := map[string]bool{}
	for _, b := range l.TopBlocks("tunnel", "name") {
		t := l.tunnel(b)
		if seen[t.Name] {
			l.Fail(b.DefRange(), "Duplicate tunnel", fmt.Sprintf("Tunnel %q is already declared.", t.Name))
			continue
		}
		seen[t.Name] = true
		l.samePorts(t)
		l.config.Tunnels = append(l.config.Tunnels, t)
	}
}

// samePorts reports addresses that an earlier tunnel already opens on the same host.
func (l *loader) samePorts(t *Tunnel) {
	for _, other := range l.config.Tunnels {
		if !sameHost(other.Host, t.Host) {
			continue
		}
		for _, f := range t.Forwards {
			for _, first := range other.Forwards {
				if sameForward(f.Address, first.Address) {
					l.Fail(f.Range, "Duplicate forward", fmt.Sprintf("The tunnel %q already opens %s on the host %s at line %d: choose another port or socket.", other.Name, first.Address, t.Host, first.Range.Start.Line))
				}
			}
		}
	}
}

// sameHost reports whether two hosts are the same, also if they are written differently.
func sameHost(a, b string) bool {
	canonical := func(host string) string { return strings.ToLower(strings.TrimSuffix(host, ":22")) }
	return canonical(a) == canonical(b)
}

// Conflicts reports whether a host cannot open both forwards.
func (f *Forward) Conflicts(other *Forward) bool { return sameForward(f.Address, other.Address) }

// sameForward reports whether a host cannot open both addresses.
func sameForward(a, b string) bool {
	local := func(address string) string {
		if port, ok := strings.CutPrefix(address, "localhost:"); ok {
			return "127.0.0.1:" + port
		}
		return address
	}
	return a == b && !anyPort(a) || overlap(local(a), local(b))
}

// maxSocketPath is the maximum length of a socket's path on all systems.
const maxSocketPath = 104

func defaultTunnel() *Tunnel {
	return &Tunnel{
		Keepalive: Keepalive{Interval: 5 * time.Second, Timeout: 10 * time.Second},
		Reconnect: Reconnect{Min: 500 * time.Millisecond, Max: 30 * time.Second},
	}
}

func (l *loader) tunnel(b *hclsyntax.Block) *Tunnel {
	t := defaultTunnel()
	t.Name, t.Range = b.Labels[0], b.DefRange()
	r := l.reader(b, fmt.Sprintf("in tunnel %q", t.Name))
	r.Decode(t)
	if a := r.Attributes["host"]; a != nil && strings.TrimSpace(t.Host) == "" && !l.Diags.HasErrors() {
		r.Wrong(a, "the host is empty")
	}
	if min, max := t.Reconnect.Min, t.Reconnect.Max; min > max {
		inner := l.reader(r.One("reconnect"), "")
		inner.Wrong(cmp.Or(inner.Attributes["min"], inner.Attributes["max"]), longerThan("min", min, "max", max))
	}
	forwards := r.Each("forward", "address")
	for _, b := range forwards {
		f := l.forward(b)
		for _, first := range t.Forwards {
			if sameForward(first.Address, f.Address) {
				l.Fail(b.LabelRanges[0], "Duplicate forward", fmt.Sprintf("The tunnel %q already opens %s at line %d.", t.Name, first.Address, first.Range.Start.Line))
			}
		}
		t.Forwards = append(t.Forwards, f)
	}
	r.Done()
	if len(forwards) == 0 && !l.usesTunnel(t.Name) {
		l.Fail(r.At, "No forward", fmt.Sprintf("The tunnel %q has no forward: add a block forward \"127.0.0.1:9000\" {}, or use it in an egress.", t.Name))
	}
	return t
}

func checkHostKey(s string) error {
	if s != "" && !strings.HasPrefix(s, "SHA256:") {
		return errors.New("expected the fingerprint of a host key, which begins with \"SHA256:\"")
	}
	return nil
}

// checkHost checks the form of an SSH host, which may be an alias.
func checkHost(s string) error {
	if user, host, ok := strings.Cut(s, "@"); ok {
		return fmt.Errorf("the user is a separate setting: write user = %q and host = %q", user, host)
	}
	if _, port, err := net.SplitHostPort(s); err == nil && !isPort(port, 1) {
		return fmt.Errorf("%q has no valid port: expected a number from 1 to 65535", s)
	}
	return nil
}

// checkJumps checks the form of a list of jump hosts.
func checkJumps(list string) error {
	if list == "" {
		return nil
	}
	for hop := range strings.SplitSeq(list, ",") {
		hop = strings.TrimSpace(hop)
		user, host, named := strings.Cut(hop, "@")
		if !named {
			user, host = "-", hop
		}
		if user == "" || host == "" || strings.ContainsAny(hop, " /") {
			return fmt.Errorf("%q is not a valid jump host: expected user@host or user@host:port, several separated by commas", hop)
		}
		if err := checkHost(host); err != nil {
			return err
		}
	}
	return nil
}

// anyPort reports whether the server chooses the port.
func anyPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == "0"
}

func (l *loader) forward(b *hclsyntax.Block) *Forward {
	f := &Forward{Address: b.Labels[0], Range: b.DefRange()}
	path, unix := strings.CutPrefix(f.Address, "unix:")
	switch {
	case unix && !strings.HasPrefix(path, "/"):
		l.Fail(b.LabelRanges[0], "Invalid address", "Expected the absolute path of a socket, such as \"unix:/run/user/1000/aitunnel.sock\".")
	case unix && len(path) >= maxSocketPath:
		l.Fail(b.LabelRanges[0], "Invalid address", fmt.Sprintf("The path of a socket must have fewer than %d characters, but this one has %d: choose a shorter path.", maxSocketPath, len(path)))
	case !unix:
		if err := checkAddress(f.Address); err != nil {
			l.Fail(b.LabelRanges[0], "Invalid address", wording.Sentence(err.Error()))
		} else if !isLoopback(f.Address) && !l.config.RequiresToken() {
			l.Fail(b.LabelRanges[0], "Anyone can use the keys", fmt.Sprintf("The forward %s can be reached by anyone who reaches the VPS, and the proxy requires no token: set proxy.client_tokens, or open 127.0.0.1.", f.Address))
		}
	}
	r := l.reader(b, fmt.Sprintf("in forward %q", f.Address))
	if v, a, ok := r.Get("channel", cty.String); ok {
		f.Channel = r.channelNamed(v, a.Expr.Range(), r.loader.ReadsSecrets(a.Expr))
	}
	r.Done()
	return f
}
