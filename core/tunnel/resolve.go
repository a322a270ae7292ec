package tunnel

import (
	"cmp"
	"context"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/aitunnel/aitunnel/core/config"
)

// target is one SSH server on the way, with all that is needed to log in there.
type target struct {
	host, port string
	user       string
	hostKeys   hostKeys
	creds      credentials
}

func (t target) address() string { return net.JoinHostPort(t.host, t.port) }

// here is what this machine and its user give.
type here struct {
	home  string
	agent string // socket of the SSH agent, "" if there is none
	ssh   string // the OpenSSH client, which is asked what ssh_config says; "" if there is none
}

// maxJumps bounds how many jump hosts lead to each other.
const maxJumps = 8

// way leads to a tunnel's host.
type way struct {
	targets []target // jump hosts first, the host last
	source  string   // who read ssh_config, "" if it was not used or read here
	notes   []string // what of ssh_config could not be judged
	files   []string // of ssh_config
}

func (w *way) last() target { return w.targets[len(w.targets)-1] }

// resolver finds the way of one tunnel.
type resolver struct {
	here   here
	config sshConfig
}

// route finds the way to a tunnel's host.
func (h here) route(ctx context.Context, c *config.Tunnel) (*way, error) {
	r := &resolver{here: h, config: sshConfig{home: h.home, program: h.ssh, off: c.SSHConfig != nil && !*c.SSHConfig}}
	targets, err := r.targets(ctx, c)
	if err != nil {
		return nil, err
	}
	for i := range targets {
		targets[i].hostKeys.tunnel = c.Name
		if c.Identity != "" {
			targets[i].creds.files, targets[i].creds.only = []string{expandHome(c.Identity, h.home)}, true
		}
		targets[i].creds.passphrase, targets[i].creds.password = c.Passphrase, c.Password
		if c.KnownHosts != "" {
			targets[i].hostKeys.files = []string{expandHome(c.KnownHosts, h.home)}
		}
	}
	targets[len(targets)-1].hostKeys.pin = c.HostKey
	return &way{targets: targets, source: r.config.source, notes: r.config.notes, files: r.config.files}, nil
}

func (r *resolver) targets(ctx context.Context, c *config.Tunnel) ([]target, error) {
	alias, port := splitHost(c.Host)
	last, settings, err := r.target(ctx, alias, port, c.User)
	if err != nil {
		return nil, err
	}
	jump := c.Jump
	if jump == "" {
		jump = last.fill(settings.get("proxyjump"), alias, r.here.home)
	}
	if command := settings.get("proxycommand"); command != "" && command != "none" && jump == "" {
		return nil, failedAt(StepFind, "ssh_config reaches %q through a ProxyCommand, which is not supported: set jump = \"user@host\" in the tunnel, or ProxyJump in ssh_config", alias).lasts()
	}
	jumps, err := r.jumps(ctx, jump, maxJumps)
	if err != nil {
		return nil, err
	}
	return append(jumps, last), nil
}

// jumps are the targets of a list of jump hosts. The first of them may have
// jump hosts of its own.
func (r *resolver) jumps(ctx context.Context, list string, bound int) (out []target, err error) {
	if list == "" || list == "none" {
		return nil, nil
	}
	for i, hop := range strings.Split(list, ",") {
		if len(out) == bound {
			return nil, failedAt(StepFind, "ssh_config has more than %d jump hosts, or jump hosts that lead to each other in a circle: correct ProxyJump there", maxJumps).lasts()
		}
		name, alias, port := splitHop(hop)
		t, settings, err := r.target(ctx, alias, port, name)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if out, err = r.jumps(ctx, t.fill(settings.get("proxyjump"), alias, r.here.home), bound-1); err != nil {
				return nil, err
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// target is the server that an alias stands for.
func (r *resolver) target(ctx context.Context, alias, port, name string) (target, hostSettings, error) {
	settings, err := r.config.settings(ctx, alias, name, port)
	if err != nil {
		return target{}, nil, err
	}
	t := target{host: alias, user: cmp.Or(name, settings.get("user"))}
	if real := settings.get("hostname"); real != "" {
		t.host = strings.NewReplacer("%h", alias, "%%", "%").Replace(real)
	}
	t.port = cmp.Or(port, settings.get("port"), "22")
	if t.user == "" {
		self, err := user.Current()
		if err != nil {
			return t, nil, failedAt(StepFind, "the user to log in as on %s is unknown: set user in the tunnel", alias).lasts()
		}
		t.user = localName(self)
	}
	path := func(value string) string {
		return expandHome(t.fill(expandEnv(value), alias, r.here.home), r.here.home)
	}
	t.creds = credentials{home: r.here.home, agent: r.here.agent, only: settings.get("identitiesonly") == "yes"}
	switch socket := settings.get("identityagent"); {
	case socket == "" || socket == "SSH_AUTH_SOCK":
	case socket == "none":
		t.creds.agent = ""
	case socket[0] == '$' && !strings.HasPrefix(socket, "${"):
		t.creds.agent = os.Getenv(socket[1:])
	default:
		t.creds.agent = path(socket)
	}
	for _, file := range settings["identityfile"] {
		if file != "none" {
			t.creds.files = append(t.creds.files, path(file))
		}
	}
	t.hostKeys = hostKeys{address: t.address(), system: filepath.Join(systemSSH, "ssh_known_hosts")}
	for _, file := range settings["userknownhostsfile"] {
		t.hostKeys.files = append(t.hostKeys.files, path(file))
	}
	if len(t.hostKeys.files) == 0 {
		t.hostKeys.files = []string{filepath.Join(r.here.home, ".ssh", "known_hosts")}
	}
	if name := settings.get("hostkeyalias"); name != "" {
		t.hostKeys.address = net.JoinHostPort(name, "22")
	}
	return t, settings, nil
}

// fill replaces the tokens of ssh_config.
func (t target) fill(text, alias, home string) string {
	return strings.NewReplacer("%%", "%", "%d", home, "%h", t.host, "%n", alias, "%p", t.port, "%r", t.user).Replace(text)
}

// splitHop splits [user@]host[:port], which may be written as ssh://…, too.
func splitHop(hop string) (user, host, port string) {
	hop = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(hop), "ssh://"), "/")
	if i := strings.LastIndexByte(hop, '@'); i >= 0 {
		user, hop = hop[:i], hop[i+1:]
	}
	host, port = splitHost(hop)
	return user, host, port
}

// splitHost takes the port off, if there is one.
func splitHost(s string) (host, port string) {
	if host, port, err := net.SplitHostPort(s); err == nil {
		return host, port
	}
	return strings.Trim(s, "[]"), ""
}
