package wire

import (
	"errors"
	"net/rpc"

	"github.com/hashicorp/go-plugin"
)

// Protocol is the version of the protocol that this package implements.
const Protocol = 1

// Name is what the host dispenses.
const Name = "aitunnel"

// Handshake lets a plugin recognize that it was not started by aitunnel, for a clear error
// message. It does not protect anything.
var Handshake = plugin.HandshakeConfig{
	MagicCookieKey:   "AITUNNEL_PLUGIN",
	MagicCookieValue: "c0a5f7de-plans-not-choices",
}

// Endpoint is the host's end of a connection.
type Endpoint struct {
	Broker *plugin.MuxBroker
	Client *Client
}

// Plugin implements go-plugin's interfaces for both sides.
type Plugin struct {
	// NewServer makes the plugin's end of a connection; nil on the host.
	NewServer func(*plugin.MuxBroker) *Server
}

// Plugins returns the protocol versions that go-plugin offers.
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
