package pluginhost

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// runImpostor serves with another certificate than the one in its handshake, as a process
// would that has taken the place of a plugin's socket.
func runImpostor() {
	announced, err := wire.NewCertificate()
	if err != nil {
		panic(err)
	}
	own, err := wire.NewCertificate()
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("unix", filepath.Join(os.Getenv(plugin.EnvUnixSocketDir), "s"))
	if err != nil {
		panic(err)
	}
	fmt.Printf("1|1|unix|%s|netrpc|%s\n", l.Addr(), base64.RawStdEncoding.EncodeToString(announced.Certificate[0]))
	server := &plugin.RPCServer{Plugins: new(wire.Plugin).Plugins()[wire.Protocol]}
	server.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13}))
}
