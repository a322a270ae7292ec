package proxy

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

func TestTheRecordNamesTheClient(t *testing.T) {
	token := func(c *config.Config) { c.Proxy.ClientTokens = []config.Secret{config.NewSecret("client-token")} }
	for _, c := range []struct {
		change func(*config.Config)
		key    string
		want   string
	}{
		{nil, "anything", clientAnonymous},
		{token, "client-token", clientDefault},
		{token, "wrong", ""},
	} {
		r := newRig(t, c.change, newTestSite(t, good))
		r.post(chatPath, chatBody, "Authorization", "Bearer "+c.key)
		if got := r.last().Client; got != c.want {
			t.Errorf("the client of the record is %q, want %q", got, c.want)
		}
	}
}
