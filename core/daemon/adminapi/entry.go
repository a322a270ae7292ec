package adminapi

import (
	"github.com/aitunnel/aitunnel/core/admin"
)

// Entry is for [admin.Source].
func (s *Source) Entry() admin.Entry {
	out := admin.Entry{Address: "http://" + admin.LocalAddress(s.program.Entry.Addr()), Tokens: []string{}, Clients: []admin.EntryClient{}}
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
