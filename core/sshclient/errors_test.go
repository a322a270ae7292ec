package sshclient

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

// TestUnresolvableNames shows that the error has the same text at each attempt, although
// the ports differ, so that it is reported only once.
func TestUnresolvableNames(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0") // a name server that does not answer
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	gone, err := net.ListenPacket("udp", "127.0.0.1:0") // and one that is not running
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, c := range map[string]struct {
		server net.Addr
		says   string
	}{
		"a timeout": {silent.LocalAddr(), `the DNS does not answer the query for "vps.example" in time`},
		"a refusal": {gone.LocalAddr(), `the DNS cannot answer the query for "vps.example": connection refused`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				if err := t.Context().Err(); err != nil {
					return nil, err // the resolver may continue after its caller has returned
				}
				conn, err := new(net.Dialer).DialContext(ctx, "udp", c.server.String())
				if err == nil {
					context.AfterFunc(t.Context(), func() { _ = conn.Close() })
				}
				return conn, err
			}}
			dialer := net.Dialer{Resolver: resolver, Timeout: 300 * time.Millisecond}
			var texts []string
			for range 2 {
				_, err := dialer.DialContext(t.Context(), "tcp", "vps.example:22")
				if err == nil {
					t.Fatal("the name is resolved")
				}
				texts = append(texts, unreachable("vps.example:22", err).Error())
			}
			if !strings.Contains(texts[0], c.says) || texts[0] != texts[1] {
				t.Errorf("the errors are\n%s", strings.Join(texts, "\n"))
			}
		})
	}
}
