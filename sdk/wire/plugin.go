package wire

import (
	"errors"
	"net/rpc"

	"github.com/hashicorp/go-plugin"
)

// Protocol is the major version of the wire that this package speaks.
const Protocol = 1

// Name is what the host dispenses.
const Name = "aitunnel"

// Handshake lets a plugin tell whether it was started by aitunnel. It is a
// courtesy to whoever starts one by hand, no safeguard.
var Handshake = plugin.HandshakeConfig{
	MagicCookieKey:   "AITUNNEL_PLUGIN",
	MagicCookieValue: "c0a5f7de-plans-not-choices",
}

// Endpoint is the host's end of a connection.
type Endpoint struct {
	Broker *plugin.MuxBroker
	Client *Client
}

// Plugin makes both ends known to go-plugin.
type Plugin struct {
	// NewServer makes the plugin's end of a connection; nil on the host.
	NewServer func(*plugin.MuxBroker) *Server
}

// Plugins returns the set that go-plugin negotiates about.
func (p *Plugin) Plugins() map[int]plugin.PluginSet {
	return map[int]plugin.PluginSet{Protocol: {Name: p}}
}

// Server returns the plugin's end, a [*Server].
func (p *Plugin) Server(b *plugin.MuxBroker) (any, error) {
	if p.NewServer == nil {
		return nil, errors.New("this end of the wire does not serve")
	}
	return p.NewServer(b), nil
}

// Client returns the host's end, an [*Endpoint].
func (p *Plugin) Client(b *plugin.MuxBroker, c *rpc.Client) (any, error) {
	return &Endpoint{Broker: b, Client: NewClient(c)}, nil
}
