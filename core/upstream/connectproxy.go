package upstream

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// connectHTTP asks an HTTP proxy for a connection to host:port. It reads the answer byte
// by byte, because the bytes after it come from the site.
func connectHTTP(conn net.Conn, proxy *url.URL, address string) error {
	request := "CONNECT " + address + " HTTP/1.1\r\nHost: " + address + "\r\n"
	if login := proxyLogin(proxy); login != "" {
		request += "Proxy-Authorization: " + login + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return err
	}
	one := &oneByte{conn, maxHeader}
	resp, err := http.ReadResponse(bufio.NewReaderSize(one, 16), &http.Request{Method: http.MethodConnect}) //nolint:bodyclose // the answer to CONNECT has none
	switch {
	case err != nil:
		return Reason("the proxy gave no answer to CONNECT")
	case resp.StatusCode/100 != 2:
		return refusal(resp.StatusCode)
	}
	return nil
}

// refusal is what an answer of a proxy means that has not reached the site. Proxies say
// with 500 (tinyproxy), 502, 503 (Squid) or 504 that they could not connect.
func refusal(status int) error {
	switch {
	case status == http.StatusProxyAuthRequired, status == http.StatusUnauthorized: // tinyproxy, for a wrong password
		return errProxyLogin
	case status == http.StatusForbidden:
		return Reason("the proxy's rules do not allow the connection: it answered 403")
	case status >= 500:
		return &Error{Phase: Connect, Err: Reason(fmt.Sprintf("the proxy cannot reach the site: it answered %d", status))}
	}
	return Reason(fmt.Sprintf("the proxy answered with %d", status))
}

// ofProxy returns why a request that was sent to a proxy with the whole URL did not reach
// the site; nil: the answer seems to be the site's. It cannot tell for every proxy.
func ofProxy(resp *http.Response) error {
	own := resp.StatusCode == http.StatusProxyAuthRequired || // no site asks for a login at a proxy
		resp.Header.Get("X-Squid-Error") != "" ||
		resp.StatusCode >= 400 && strings.HasPrefix(resp.Header.Get("Server"), "tinyproxy/")
	if !own {
		return nil
	}
	err := refusal(resp.StatusCode)
	if known, ok := err.(*Error); ok { //nolint:errorlint // as refusal makes it
		return known
	}
	return &Error{Phase: Proxy, Err: err}
}

func proxyLogin(proxy *url.URL) string {
	if proxy.User == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password))
}

// oneByte reads one byte at a time, so that nothing is buffered.
type oneByte struct {
	conn net.Conn
	left int
}

func (r *oneByte) Read(p []byte) (int, error) {
	if r.left--; r.left < 0 {
		return 0, errHeaderSize
	}
	return r.conn.Read(p[:min(1, len(p))])
}
