package upstream

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
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
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return errProxyLogin
	case resp.StatusCode == http.StatusBadGateway, resp.StatusCode == http.StatusGatewayTimeout:
		return &Error{Phase: Connect, Err: Reason(fmt.Sprintf("the proxy cannot reach the site: it answered %d", resp.StatusCode))}
	case resp.StatusCode/100 != 2:
		return Reason(fmt.Sprintf("the proxy answered CONNECT with %d", resp.StatusCode))
	}
	return nil
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
