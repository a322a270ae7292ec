package upstream

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// The replies of a SOCKS server (RFC 1928, section 6). Those from networkUnreachable to
// timedOut are about the site.
const (
	socksNetworkUnreachable = 3
	socksTimedOut           = 6
)

var socksReplies = []string{
	"succeeded", "the proxy reported a general failure: it may be unable to resolve or reach the site", "the proxy's rules do not allow the connection", "the proxy cannot reach the network",
	"the proxy cannot reach the host", "the site refuses the connection of the proxy", "the proxy's connection timed out",
	"the proxy does not support the command", "the proxy does not support the type of address",
}

// connectSOCKS asks a SOCKS5 server for a connection to host:port.
func (p *Pool) connectSOCKS(ctx context.Context, conn net.Conn, address string) error {
	u := p.options.Egress.Proxy
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return err
	}
	if u.Scheme == "socks5" {
		if host, err = p.resolveForProxy(ctx, host); err != nil {
			return err
		}
	}
	if err := socksLogin(conn, u.User); err != nil {
		return err
	}
	request := []byte{5, 1, 0}
	if ip, err := netip.ParseAddr(host); err != nil {
		if len(host) > 255 {
			return Reason("the host name is too long for SOCKS")
		}
		request = append(append(request, 3, byte(len(host))), host...)
	} else if ip.Is4() {
		request = append(append(request, 1), ip.AsSlice()...)
	} else {
		request = append(append(request, 4), ip.AsSlice()...)
	}
	request = binary.BigEndian.AppendUint16(request, uint16(port))
	if _, err := conn.Write(request); err != nil {
		return err
	}
	return socksReply(conn)
}

// resolveForProxy resolves a name on this machine, as socks5:// requires.
func (p *Pool) resolveForProxy(ctx context.Context, host string) (string, error) {
	all, err := p.connector.resolve(ctx, host)
	if err != nil {
		return "", failed(ctx, Resolve, err)
	}
	for _, ip := range all {
		if ip.Unmap().Is4() {
			return ip.Unmap().String(), nil
		}
	}
	return all[0].String(), nil
}

func socksLogin(conn net.Conn, user *url.Userinfo) error {
	methods := []byte{5, 1, 0}
	if user != nil {
		methods = []byte{5, 2, 0, 2}
	}
	if _, err := conn.Write(methods); err != nil {
		return err
	}
	var answer [2]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return Reason("the proxy does not speak SOCKS5")
	}
	switch {
	case answer[0] != 5:
		return Reason("the proxy does not speak SOCKS5")
	case answer[1] == 0:
		return nil
	case answer[1] != 2 || user == nil:
		return Reason("the proxy asks for a user and password: write them in its URL")
	}
	name := user.Username()
	password, _ := user.Password()
	if len(name) > 255 || len(password) > 255 {
		return Reason("the user or password of the proxy is too long for SOCKS")
	}
	login := append(append([]byte{1, byte(len(name))}, name...), byte(len(password)))
	if _, err := conn.Write(append(login, password...)); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[1] != 0 {
		return errProxyLogin
	}
	return nil
}

// socksReply reads the proxy's reply to the request for a connection.
func socksReply(conn net.Conn) error {
	var head [5]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return err
	}
	rest := 2 // of the bound address, with its port; one byte of it was read
	switch head[3] {
	case 1:
		rest += 3
	case 3:
		rest += int(head[4])
	case 4:
		rest += 15
	default:
		return Reason("the proxy does not speak SOCKS5")
	}
	code := head[1]
	if code != 0 {
		text := fmt.Sprintf("the proxy answered with code %d", code)
		if int(code) < len(socksReplies) {
			text = socksReplies[code]
		}
		phase := Proxy
		if code >= socksNetworkUnreachable && code <= socksTimedOut {
			phase = Connect // the proxy did its part
		}
		return &Error{Phase: phase, Err: Reason(text)}
	}
	_, err := io.ReadFull(conn, make([]byte, rest))
	return err
}
