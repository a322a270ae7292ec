package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

// The tunnel is compared with `ssh -N -R`: once with the same plain server behind both, so
// that only the tunnels differ, and once with the whole program behind both.

// tunnelConns is how many connections send requests through a tunnel.
const tunnelConns = 16

// bulkSize is how much one connection fetches for the bulk figure.
const bulkSize = 256 << 20

// plain answers requests as the site does, with net/http, and serves a large body at /bulk.
func plain() http.Handler {
	piece := make([]byte, 64<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/small" {
			_, _ = w.Write([]byte("hello")) // the caller may have disconnected
			return
		}
		if r.URL.Path == "/bulk" {
			w.Header().Set("Content-Length", strconv.Itoa(bulkSize))
			for left := bulkSize; left > 0; left -= len(piece) {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
			return
		}
		if _, err := readAll(r); err != nil {
			http.Error(w, "the request was cut off", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(wholeAnswer) // the caller may have disconnected
	})
}

// servePlain returns the server behind `ssh -N -R`.
func servePlain(l net.Listener, _ string) error { return (&http.Server{Handler: plain()}).Serve(l) }

// serveTunnel returns our tunnel with the same server. A file says where to connect; the
// listener is not used, since sshd has the port.
func serveTunnel(l net.Listener, file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	c := &config.Tunnel{
		Name: "bench", Keepalive: config.Keepalive{Interval: 5 * time.Second, Timeout: 10 * time.Second},
		Reconnect: config.Reconnect{Min: time.Second, Max: time.Second},
	}
	var to struct{ Host, User, Identity, HostKey, Remote string }
	if err := json.Unmarshal(content, &to); err != nil {
		return err
	}
	c.Host, c.User, c.Identity, c.HostKey = to.Host, to.User, to.Identity, to.HostKey
	c.Forwards = []*config.Forward{{Address: to.Remote}}
	debug.SetGCPercent(200) // as the program does
	tunnel.New(tunnel.Options{
		Handler:       func(string, *config.Forward) http.Handler { return plain() },
		Server:        func(h http.Handler) tunnel.Server { return &http.Server{Handler: h} },
		RequiresToken: func() bool { return true },
		OnChange:      func(c tunnel.Change) { _, _ = fmt.Fprintln(os.Stderr, c.Message) },
	}).Apply([]*config.Tunnel{c})
	_, err = l.Accept() // never
	return err
}

// host is an sshd that represents the VPS.
type host struct {
	*process
	dir, user, fingerprint string
}

const sshdConfig = `ListenAddress LISTEN
HostKey DIR/host_key
AuthorizedKeysFile DIR/id.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
`

func startHost(ctx context.Context, dir string) (*host, error) {
	h := &host{dir: dir}
	if err := h.makeKeys(ctx); err != nil {
		return nil, err
	}
	var err error
	h.process, err = peer("sshd", sshdConfig, "-D", "-e", "-f", "FILE")(ctx, dir, "")
	return h, err
}

// makeKeys creates the keys of an sshd and its user.
func (h *host) makeKeys(ctx context.Context) error {
	me, err := userName()
	if err != nil {
		return err
	}
	h.user = me
	keygen, err := find("ssh-keygen")
	if err != nil {
		return err
	}
	for _, name := range []string{"host_key", "id"} {
		if out, err := exec.CommandContext(ctx, keygen, "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(h.dir, name)).CombinedOutput(); err != nil {
			return fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	out, err := exec.CommandContext(ctx, keygen, "-lf", filepath.Join(h.dir, "host_key.pub")).Output()
	if err != nil {
		return err
	}
	h.fingerprint = strings.Fields(string(out))[1]
	if os.Geteuid() == 0 {
		return os.MkdirAll("/run/sshd", 0o755) // sshd asks for it
	}
	return nil
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }

func userName() (string, error) {
	u, err := osuser.Current()
	if err != nil {
		return "", err
	}
	return u.Username, nil
}

// ways returns the tunnels that are compared.
func (b *bench) ways(h *host) []*contender {
	bare := func(ctx context.Context, dir, _ string) (*process, error) { return b.ours(ctx, h, dir) }
	return []*contender{
		{name: "ssh -N -R", start: func(ctx context.Context, dir, _ string) (*process, error) {
			server, err := role("plain")(ctx, dir, "")
			if err != nil {
				return nil, err
			}
			return h.forwarded(ctx, server)
		}},
		{name: "ours", start: bare},
		{name: "ssh -N -R to aitunnel", start: func(ctx context.Context, dir, site string) (*process, error) {
			program, err := aitunnel(b.aitunnel).start(ctx, dir, site)
			if err != nil {
				return nil, err
			}
			return h.forwarded(ctx, program)
		}},
		{name: "aitunnel by its tunnel", start: func(ctx context.Context, dir, site string) (*process, error) {
			remote, err := freeAddress()
			if err != nil {
				return nil, err
			}
			block := fmt.Sprintf("tunnel \"vps\" {\n  host = %q\n  user = %q\n  identity = %q\n  host_key = %q\n  forward %q {}\n}\n", h.address, h.user, filepath.Join(h.dir, "id"), h.fingerprint, remote)
			return startAitunnel(ctx, b.aitunnel, dir, site, block, remote)
		}},
	}
}

// forwarded makes ssh forward a port of the host to a server, which ends with it.
func (h *host) forwarded(ctx context.Context, server *process) (*process, error) {
	remote, err := freeAddress()
	if err != nil {
		server.stop()
		return nil, err
	}
	return h.forwardedTo(ctx, server, remote)
}

// forwardedTo is forwarded with an address of the host.
func (h *host) forwardedTo(ctx context.Context, server *process, remote string) (*process, error) {
	ssh, err := find("ssh")
	if err != nil {
		server.stop()
		return nil, err
	}
	at, port, _ := net.SplitHostPort(h.address)
	p, err := launch(ctx, remote, ssh, "-F", "none", "-N", "-R", remote+":"+server.address, "-i", filepath.Join(h.dir, "id"),
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes", "-p", port, h.user+"@"+at)
	if err != nil {
		server.stop()
		return nil, err
	}
	p.behind = server
	return p, nil
}

// ours returns this program as a tunnel with the plain server.
func (b *bench) ours(ctx context.Context, h *host, dir string) (*process, error) {
	remote, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return b.oursAt(ctx, h, dir, remote)
}

// oursAt is ours with an address of the host.
func (b *bench) oursAt(ctx context.Context, h *host, dir, remote string) (*process, error) {
	file := filepath.Join(dir, "tunnel.json")
	content, err := json.Marshal(map[string]string{"Host": h.address, "User": h.user, "Identity": filepath.Join(h.dir, "id"), "HostKey": h.fingerprint, "Remote": remote})
	if err != nil {
		return nil, err
	}
	if err := writeFile(file, string(content)); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return launch(ctx, remote, self, "tunnel", "127.0.0.1:0", file)
}
