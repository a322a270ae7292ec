//go:build linux

package tunnel

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshdtest"
)

// TestStoppedWhileOpening removes a tunnel before its host has opened the forward: the
// forward is not reported as failed.
func TestStoppedWhileOpening(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	sshdtest.NewKey(t, filepath.Join(home, ".ssh", "id_ed25519"), "")
	signer := sshdtest.NewKey(t, filepath.Join(t.TempDir(), "key"), "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	asked := make(chan struct{}, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c := &ssh.ServerConfig{NoClientAuth: true}
		c.AddHostKey(signer)
		_, channels, requests, err := ssh.NewServerConn(conn, c)
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				if r.Type == "tcpip-forward" { // and does not answer
					asked <- struct{}{}
				}
			}
		}()
		for c := range channels {
			_ = c.Reject(ssh.UnknownChannelType, "no")
		}
	}()
	r := prepare(t, &sshdtest.Server{Home: home})
	r.Apply([]*config.Tunnel{{
		Name: "vps", Host: l.Addr().String(), User: "me", HostKey: ssh.FingerprintSHA256(signer.PublicKey()),
		Keepalive: config.Keepalive{Interval: time.Second, Timeout: 10 * time.Second},
		Reconnect: config.Reconnect{Min: time.Second, Max: time.Second},
		Forwards:  []*config.Forward{{Address: "127.0.0.1:9000"}},
	}})
	select {
	case <-asked:
	case <-time.After(waitLimit):
		t.Fatal("it did not ask for the forward")
	}
	r.Shutdown(t.Context())
	if r.reported("degraded") {
		t.Error("the forward is reported as failed")
	}
}
