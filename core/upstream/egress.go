package upstream

import (
	"context"
	"net"
	"net/url"
	"time"
)

// Egress is a way to reach sites. The zero value is a direct connection.
type Egress struct {
	Proxy *url.URL // http, https, socks5 or socks5h, with a user and password if it asks for them
	Bind  string   // a network interface, or an address of one
	// Dial connects from another machine, which resolves names, too. An error other
	// than an [*Error] means that the egress failed.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// IsDirect reports whether sites are reached without any proxy, host or choice of a
// network interface.
func (e *Egress) IsDirect() bool { return e.Proxy == nil && e.Bind == "" && e.Dial == nil }

// Connect opens a connection to host:port through the egress, for uses other than
// requests to sites.
func (e Egress) Connect(ctx context.Context, address string) (net.Conn, error) {
	p := &Pool{options: Options{Egress: e, Connect: 10 * time.Second}, connector: newConnector(e.Bind)}
	return p.dial(ctx, address)
}

// relaysPlain reports whether requests to http:// sites are sent to the proxy itself,
// with the whole URL: many proxies allow CONNECT to port 443 only.
func (e *Egress) relaysPlain() bool {
	return e.Proxy != nil && (e.Proxy.Scheme == "http" || e.Proxy.Scheme == "https")
}

// dial connects to the site, host:port.
func (p *Pool) dial(ctx context.Context, address string) (net.Conn, error) {
	e := &p.options.Egress
	switch {
	case e.Dial != nil:
		conn, err := e.Dial(ctx, address)
		if err != nil {
			return nil, failed(ctx, Proxy, err)
		}
		return conn, nil
	case e.Proxy == nil:
		return p.connector.connect(ctx, address)
	}
	conn, err := p.dialProxy(ctx)
	if err != nil || p.absolute {
		return conn, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	if e.relaysPlain() {
		err = connectHTTP(conn, e.Proxy, address)
	} else {
		err = p.connectSOCKS(ctx, conn, address)
	}
	if !stop() || err != nil {
		_ = conn.Close()
		return nil, failed(ctx, Proxy, err)
	}
	return conn, nil
}

// dialProxy connects to the proxy itself. A failure is not the site's.
func (p *Pool) dialProxy(ctx context.Context) (net.Conn, error) {
	u := p.options.Egress.Proxy
	conn, err := p.connector.connect(ctx, net.JoinHostPort(u.Hostname(), proxyPort(u)))
	if err == nil && u.Scheme == "https" {
		conn, err = p.handshake(ctx, conn, u.Hostname(), nil)
	}
	if phase := PhaseOf(err); err != nil && phase != Local && phase != Canceled {
		return nil, &Error{Phase: Proxy, Err: err}
	}
	return conn, err
}

func proxyPort(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "http":
		return "80"
	case u.Scheme == "https":
		return "443"
	}
	return "1080"
}
