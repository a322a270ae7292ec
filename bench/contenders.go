package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// contender is a program between the load and the site.
type contender struct {
	name string
	// start runs it, with a new directory for its files. It returns errMissing if the
	// program is not installed.
	start func(ctx context.Context, dir, site string) (*process, error)
	// calls returns how many calls it has made to its plugins; nil: it has none.
	calls func(ctx context.Context) (uint64, error)
}

var errMissing = errors.New("not installed")

// contenders returns them in the order of the table.
func contenders(o options) []*contender {
	return []*contender{
		{name: "nginx", start: peer("nginx", nginxConfig, "-c", "FILE", "-p", "DIR", "-e", "DIR/error.log")},
		{name: "haproxy", start: peer("haproxy", haproxyConfig, "-db", "-f", "FILE")},
		{name: "caddy", start: peer("caddy", caddyConfig, "run", "--adapter", "caddyfile", "--config", "FILE")},
		{name: "fasthttp", start: role("fasthttp")},
		{name: "nethttp", start: role("nethttp")},
		{name: "reverseproxy", start: role("reverseproxy")},
		aitunnel(o.aitunnel),
	}
}

// role returns this program itself as a bare relay.
func role(name string) func(context.Context, string, string) (*process, error) {
	return func(ctx context.Context, _, site string) (*process, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		return launch(ctx, address, self, name, address, site)
	}
}

// peer returns an installed program with a configuration. LISTEN, SITE, DIR and FILE are
// replaced in the configuration and the arguments.
func peer(name, config string, args ...string) func(context.Context, string, string) (*process, error) {
	return func(ctx context.Context, dir, site string) (*process, error) {
		path, err := find(name)
		if err != nil {
			return nil, err
		}
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, name+".conf")
		fill := strings.NewReplacer("LISTEN", address, "SITE", site, "DIR", dir, "FILE", file, "USER", user())
		if err := os.WriteFile(file, []byte(fill.Replace(config)), 0o600); err != nil {
			return nil, err
		}
		filled := make([]string, len(args))
		for i, a := range args {
			filled[i] = fill.Replace(a)
		}
		// Caddy saves its configuration there.
		return launch(ctx, address, "env", append([]string{"XDG_CONFIG_HOME=" + dir, "XDG_DATA_HOME=" + dir, path}, filled...)...)
	}
}

// find also searches the system's sbin directories, which are often not in a user's PATH.
func find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/local/bin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", errMissing
}

// user makes nginx's workers read our directory when we are root.
func user() string {
	if os.Geteuid() == 0 {
		return "user root;"
	}
	return ""
}

const nginxConfig = `USER
daemon off;
worker_processes 2;
pid DIR/nginx.pid;
events { worker_connections 16384; }
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	keepalive_requests 1000000000;
	upstream site {
		server SITE;
		keepalive 4096;
		keepalive_requests 1000000000;
	}
	server {
		listen LISTEN backlog=4096;
		location / {
			proxy_pass http://site;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_buffering off;
		}
	}
}
`

const haproxyConfig = `global
	maxconn 8000
	nbthread 2
defaults
	mode http
	timeout connect 10s
	timeout client 5m
	timeout server 5m
	option http-keep-alive
	http-reuse always
frontend entry
	bind LISTEN
	default_backend site
backend site
	server site SITE
`

const caddyConfig = `{
	admin off
	auto_https off
}
http://LISTEN {
	reverse_proxy SITE {
		flush_interval -1
		transport http {
			keepalive_idle_conns_per_host 4096
		}
	}
}
`

// unique creates a directory below dir.
func unique(dir, name string) (string, error) {
	path, err := os.MkdirTemp(dir, name+"-")
	if err != nil {
		return "", fmt.Errorf("a directory for %s: %w", name, err)
	}
	return path, nil
}

// startSite creates a directory and starts the fake site in it. remove ends both.
func startSite(ctx context.Context) (dir string, site *process, remove func(), err error) {
	dir, err = os.MkdirTemp("", "aitunnel-bench-")
	if err != nil {
		return "", nil, nil, err
	}
	site, err = role("site")(ctx, dir, "")
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, nil, fmt.Errorf("the fake site: %w", err)
	}
	return dir, site, func() {
		site.stop()
		_ = os.RemoveAll(dir)
	}, nil
}
