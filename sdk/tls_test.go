package sdk_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk/host"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// pluginCommand returns the command that starts this binary as a plugin.
func pluginCommand(env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SDK_TEST_ROLE=plugin", "GORACE=atexit_sleep_ms=0")
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// startedPlugin starts a plugin as a host with this certificate does, and returns the address
// and the certificate in its handshake.
func startedPlugin(t *testing.T, env ...string) (network, address string, cert *x509.Certificate) {
	t.Helper()
	cmd := pluginCommand(append(env, wire.Handshake.MagicCookieKey+"="+wire.Handshake.MagicCookieValue, "PLUGIN_PROTOCOL_VERSIONS=1",
		"PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", plugin.EnvUnixSocketDir+"="+t.TempDir())...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	parts := strings.Split(strings.TrimSpace(line), "|")
	if err != nil || len(parts) != 6 {
		t.Fatalf("handshake %q, %v", line, err)
	}
	if parts[5] == "" {
		return parts[2], parts[3], nil
	}
	der, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err == nil {
		cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return parts[2], parts[3], cert
}

// ping is a ping of yamux, the protocol within the connection, and pong the answer to it.
var ping, pong = []byte{0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7}, []byte{0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7}

// speak returns nil if the plugin answers a client with this TLS configuration.
func speak(t *testing.T, network, address string, config *tls.Config) error {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if config != nil {
		conn = tls.Client(conn, config)
	}
	got := make([]byte, len(pong))
	if _, err = conn.Write(ping); err == nil {
		_, err = io.ReadFull(conn, got)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the plugin neither answers nor refuses")
	}
	if err == nil && !bytes.Equal(got, pong) {
		return fmt.Errorf("it answers %x", got)
	}
	return err
}

// A plugin answers only the host that has started it.
func TestPluginAcceptsOnlyItsHost(t *testing.T) {
	config, env, err := host.TLS()
	if err != nil {
		t.Fatal(err)
	}
	network, address, cert := startedPlugin(t, env)
	config.RootCAs.AddCert(cert)
	if err := speak(t, network, address, config); err != nil {
		t.Errorf("the host: %v", err)
	}
	other, err := wire.NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	hostCert := config.Certificates[0]
	for name, certs := range map[string][]tls.Certificate{
		"without a certificate":                nil,
		"with another certificate":             {other},
		"with the host's certificate, not key": {{Certificate: hostCert.Certificate, PrivateKey: other.PrivateKey}},
	} {
		stranger := config.Clone()
		stranger.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if certs == nil {
				return new(tls.Certificate), nil
			}
			return &certs[0], nil
		}
		if err := speak(t, network, address, stranger); err == nil {
			t.Errorf("a client %s: %v", name, err)
		}
	}
	if err := speak(t, network, address, nil); err == nil {
		t.Errorf("a client without TLS: %v", err)
	}
	config.MinVersion, config.MaxVersion = 0, tls.VersionTLS12
	if err := speak(t, network, address, config); err == nil {
		t.Error("an old version of TLS is accepted")
	}
}

// Two plugins have different certificates, so neither can impersonate the other.
func TestPluginsHaveTheirOwnCertificates(t *testing.T) {
	config, env, err := host.TLS()
	if err != nil {
		t.Fatal(err)
	}
	_, _, first := startedPlugin(t, env)
	network, address, second := startedPlugin(t, env)
	if first.Equal(second) {
		t.Fatal("both plugins have the same certificate")
	}
	config.RootCAs.AddCert(first)
	if err := speak(t, network, address, config); !errors.As(err, new(*tls.CertificateVerificationError)) {
		t.Errorf("the host accepts another plugin's certificate: %v", err)
	}
	config.RootCAs = x509.NewCertPool()
	if err := speak(t, network, address, config); err == nil {
		t.Error("the host accepts a certificate that was in no handshake")
	}
}

// Hosts of earlier versions leave the certificates to go-plugin, or use none.
func TestHostsWithOtherCertificates(t *testing.T) {
	for name, auto := range map[string]bool{"of go-plugin": true, "none": false} {
		t.Run(name, func(t *testing.T) {
			client := plugin.NewClient(&plugin.ClientConfig{
				HandshakeConfig: wire.Handshake, VersionedPlugins: host.Plugins(), Cmd: pluginCommand(), AutoMTLS: auto, SkipHostEnv: true,
				Logger: hclog.NewNullLogger(),
			})
			defer client.Kill()
			protocol, err := client.Client()
			if err != nil {
				t.Fatal(err)
			}
			conn, err := host.Dispense(protocol)
			if err == nil {
				err = conn.Attach(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			if d, err := conn.Describe(t.Context()); err != nil || d.Name != "test" {
				t.Errorf("%+v, %v", d, err)
			}
			_ = conn.Close()
		})
	}
}

// The error of a plugin that gets no valid certificate says so.
func TestHostWithABrokenCertificate(t *testing.T) {
	cmd := pluginCommand(wire.Handshake.MagicCookieKey+"="+wire.Handshake.MagicCookieValue, wire.HostCertEnv+"=broken")
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	said, _ := io.ReadAll(stderr)
	_ = cmd.Wait()
	if !strings.Contains(string(said), wire.HostCertEnv+" holds no certificate") {
		t.Errorf("%s", said)
	}
}
