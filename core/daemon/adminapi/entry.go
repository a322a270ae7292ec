package adminapi

import (
	"net"

	"github.com/aitunnel/aitunnel/core/admin"
)

// Entry is for [admin.Source].
func (s *Source) Entry() admin.Entry {
	out := admin.Entry{Address: "http://" + localAddress(s.program.Entry.Addr()), Tokens: []string{}, Clients: []admin.EntryClient{}}
	for _, t := range s.running().Config.Proxy.ClientTokens {
		out.Tokens = append(out.Tokens, t.Plaintext())
	}
	for _, c := range s.running().Config.Clients {
		if _, ok := c.Hash(); ok {
			out.Clients = append(out.Clients, admin.EntryClient{Name: c.Name, Token: c.Token.Plaintext()})
		}
	}
	return out
}

// localAddress returns how this machine reaches an address that is listened on.
func localAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}
