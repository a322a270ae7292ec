package sdk

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// serverTLS makes the plugin's certificate and accepts only the host's. It returns nil if the
// host has none.
func serverTLS() (*tls.Config, error) {
	host := os.Getenv(wire.HostCertEnv)
	if host == "" {
		return nil, nil //nolint:nilnil // as go-plugin defines it
	}
	accepted := x509.NewCertPool()
	if !accepted.AppendCertsFromPEM([]byte(host)) {
		return nil, errors.New(wire.HostCertEnv + " holds no certificate")
	}
	own, err := wire.NewCertificate()
	if err != nil {
		return nil, err
	}
	if err := announce(own.Certificate[0]); err != nil {
		return nil, err
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    accepted,
		MinVersion:   tls.VersionTLS13,
	}, nil
}

// announce adds a certificate to the end of the handshake that go-plugin is about to print:
// it does so itself only for certificates that it has made.
func announce(certificate []byte) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	stdout := os.Stdout
	os.Stdout = w // go-plugin puts its own in place after the handshake
	go func() {
		for in := bufio.NewReader(r); ; {
			line, err := in.ReadString('\n')
			if handshake, ok := strings.CutSuffix(line, "|netrpc|\n"); ok {
				line = handshake + "|netrpc|" + base64.RawStdEncoding.EncodeToString(certificate) + "\n"
			}
			_, _ = io.WriteString(stdout, line)
			if err != nil {
				return
			}
		}
	}()
	return nil
}
