package tunnel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

// probeHeader marks probes: requests of the tunnel that it answers itself.
const probeHeader = "X-Aitunnel-Probe"

// maxProbeBody is how much of a probe's body is sent back, in bytes.
const maxProbeBody = 16 << 10

// answerProbes answers probes with the nonce by sending their body back. All other
// requests go to next.
func answerProbes(nonce string, next func() http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(probeHeader) != nonce {
			next().ServeHTTP(w, r)
			return
		}
		w.Header().Set(probeHeader, nonce)
		body, _ := io.ReadAll(io.LimitReader(r.Body, maxProbeBody)) // once an answer begins, the server discards the rest
		_, _ = w.Write(body)                                        // the sender notices what is missing
	})
}

var (
	errNoProbe     = errors.New("the host does not allow connections to its own ports")
	errOtherServer = errors.New("another server answers there")
)

// probe sends a request with a body from the host to an address there, and
// returns how long the answer took.
func probe(ctx context.Context, c *sshclient.Client, network, address, nonce string, size int) (time.Duration, error) {
	started := time.Now()
	conn, err := c.DialContext(ctx, network, address)
	var refused *ssh.OpenChannelError
	if errors.As(err, &refused) && (refused.Reason == ssh.Prohibited || network == "unix") {
		return 0, errNoProbe // of a socket, sshd does not say whether it is prohibited
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	// The connection is closed here, after the answer: dropbear stops everything while it
	// closes one whose last data are not acknowledged yet, which takes 40 ms.
	transport := &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	defer transport.CloseIdleConnections()
	body := bytes.Repeat([]byte("probe "), size/6+1)[:size]
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set(probeHeader, nonce)
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.Header.Get(probeHeader) != nonce {
		return 0, errOtherServer
	}
	back, err := io.ReadAll(io.LimitReader(resp.Body, maxProbeBody+1))
	if err == nil && len(back) != size {
		err = io.ErrUnexpectedEOF
	}
	return time.Since(started), err
}

// probeForward probes a forward that is open at an address of the host.
func probeForward(ctx context.Context, c *sshclient.Client, f *config.Forward, remote, nonce string, size int) (time.Duration, error) {
	network, _ := splitAddress(f)
	took, err := probe(ctx, c, network, localAddress(network, strings.TrimPrefix(remote, "unix:")), nonce, size)
	switch {
	case errors.Is(err, errNoProbe):
		return 0, nil // it cannot be checked
	case err != nil:
		return 0, stepError(StepProbe, "%s is open, but a request sent to it on the host does not arrive here: %s", remote, sshclient.ErrorText(err))
	}
	return took, nil
}

// localAddress returns the address at which the host can reach its own forward.
func localAddress(network, address string) string {
	host, port, err := net.SplitHostPort(address)
	if network != "tcp" || err != nil {
		return address
	}
	switch host {
	case "", "*", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
