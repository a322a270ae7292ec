package host

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"sync"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// certificate is this process's. Plugins get it without its key, so that none can pose as
// the host to another.
var certificate = sync.OnceValues(wire.NewCertificate)

// TLS returns the TLSConfig of one go-plugin client, to which go-plugin adds the plugin's
// certificate, and the environment variable that tells the plugin to accept only this host.
func TLS() (config *tls.Config, env string, err error) {
	own, err := certificate()
	if err != nil {
		return nil, "", err
	}
	config = &tls.Config{
		Certificates: []tls.Certificate{own},
		RootCAs:      x509.NewCertPool(), // a plugin without a certificate is refused
		ServerName:   wire.ServerName,
		MinVersion:   tls.VersionTLS13,
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own.Certificate[0]})
	return config, wire.HostCertEnv + "=" + string(block), nil
}
