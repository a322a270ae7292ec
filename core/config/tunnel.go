package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

func (l *loader) tunnels() {
	seen := map[string]bool{}
	for _, b := range l.topBlocks("tunnel", "name") {
		t := l.tunnel(b)
		if seen[t.Name] {
			l.fail(b.DefRange(), "Repeated tunnel", fmt.Sprintf("There is a tunnel %q already.", t.Name))
			continue
		}
		seen[t.Name] = true
		l.config.Tunnels = append(l.config.Tunnels, t)
	}
}

func (l *loader) tunnel(b *hclsyntax.Block) *Tunnel {
	t := &Tunnel{
		Name: b.Labels[0], Range: b.DefRange(),
		Keepalive: Keepalive{Interval: 5 * time.Second, Timeout: 10 * time.Second},
		Reconnect: Reconnect{Min: 500 * time.Millisecond, Max: 30 * time.Second},
	}
	r := l.reader(b, fmt.Sprintf("in tunnel %q", t.Name))
	if a := r.text("host", &t.Host); a == nil {
		l.fail(r.at, "Missing attribute", fmt.Sprintf("The tunnel %q needs a host, such as \"203.0.113.10:22\" or an alias of ~/.ssh/config.", t.Name))
	} else if strings.TrimSpace(t.Host) == "" && !l.diags.HasErrors() {
		r.wrong(a, "the host is empty")
	} else if err := checkHost(t.Host); err != nil {
		r.wrong(a, err.Error())
	}
	r.text("user", &t.User)
	r.path("identity", &t.Identity)
	r.secret("passphrase", &t.Passphrase)
	r.secret("password", &t.Password)
	r.path("known_hosts", &t.KnownHosts)
	if a := r.text("host_key", &t.HostKey); a != nil && t.HostKey != "" && !strings.HasPrefix(t.HostKey, "SHA256:") {
		r.wrong(a, "a host key is given by its fingerprint, which begins with \"SHA256:\"")
	}
	if a := r.text("jump", &t.Jump); a != nil {
		if err := checkJumps(t.Jump); err != nil {
			r.wrong(a, err.Error())
		}
	}
	if r.attribute("ssh_config") != nil {
		use := true
		r.boolean("ssh_config", &use)
		t.SSHConfig = &use
	}
	r.pair("keepalive", "interval", &t.Keepalive.Interval, "timeout", &t.Keepalive.Timeout)
	r.pair("reconnect", "min", &t.Reconnect.Min, "max", &t.Reconnect.Max)
	forwards := r.each("forward", "address")
	for _, b := range forwards {
		f := l.forward(b)
		for _, first := range t.Forwards {
			if first.Address == f.Address && !anyPort(f.Address) {
				l.fail(b.LabelRanges[0], "Repeated forward", fmt.Sprintf("The tunnel %q opens %s at line %d already.", t.Name, f.Address, first.Range.Start.Line))
			}
		}
		t.Forwards = append(t.Forwards, f)
	}
	r.done()
	if len(forwards) == 0 {
		l.fail(r.at, "No forward", fmt.Sprintf("The tunnel %q opens no port: add a block forward \"127.0.0.1:9000\" {}.", t.Name))
	}
	return t
}

// path reads the path of a file. One in the home directory is found when it is
// used; any other that is not absolute stands beside the configuration.
func (r *reader) path(name string, into *string) {
	r.text(name, into)
	if p := *into; p != "" && p != "~" && !strings.HasPrefix(p, "~/") {
		*into = r.loader.besides(p)
	}
}

// pair reads a block of two durations.
func (r *reader) pair(block, first string, a *time.Duration, second string, b *time.Duration) {
	inner := r.one(block)
	if inner == nil {
		return
	}
	ir := r.loader.reader(inner, "in "+block)
	ir.duration(first, a, true)
	ir.duration(second, b, true)
	ir.done()
	if block == "reconnect" && *a > *b {
		ir.wrong(cmp.Or(ir.attributes[first], ir.attributes[second]), fmt.Sprintf("the shortest pause, min (%s), is longer than max (%s)", *a, *b))
	}
}

// checkHost is about the form of an SSH host: an alias says nothing.
func checkHost(s string) error {
	if strings.Contains(s, "@") {
		return errors.New("the user stands on its own: write user = \"root\", and the host without it")
	}
	if _, port, err := net.SplitHostPort(s); err == nil && !isPort(port, 1) {
		return fmt.Errorf("%q has no valid port: a number from 1 to 65535 is expected", s)
	}
	return nil
}

// checkJumps is about the form of a list of jump hosts.
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
			return fmt.Errorf("%q is no jump host: write user@host or user@host:port, several with commas between", hop)
		}
		if err := checkHost(host); err != nil {
			return err
		}
	}
	return nil
}

// anyPort says that the far side chooses the port.
func anyPort(address string) bool {
	_, port, err := net.SplitHostPort(address)
	return err == nil && port == "0"
}

func (l *loader) forward(b *hclsyntax.Block) *Forward {
	f := &Forward{Address: b.Labels[0], Range: b.DefRange()}
	path, unix := strings.CutPrefix(f.Address, "unix:")
	if unix && !strings.HasPrefix(path, "/") {
		l.fail(b.LabelRanges[0], "Wrong address", "A socket is given by its whole path, such as \"unix:/run/user/1000/aitunnel.sock\".")
	} else if !unix {
		if err := checkAddress(f.Address); err != nil {
			l.fail(b.LabelRanges[0], "Wrong address", sentence(err.Error()))
		} else if !isLoopback(f.Address) && len(l.config.Proxy.ClientTokens) == 0 {
			l.fail(b.LabelRanges[0], "Anyone may spend the keys", fmt.Sprintf("The forward %s can be reached by anyone who reaches the VPS, and the proxy asks for no token: set proxy.client_tokens, or open 127.0.0.1.", f.Address))
		}
	}
	r := l.reader(b, fmt.Sprintf("in forward %q", f.Address))
	if v, a, ok := r.get("channel", cty.String); ok {
		f.Channel = r.channelNamed(v, a.Expr.Range(), r.loader.secretive(a.Expr))
	}
	r.done()
	return f
}
