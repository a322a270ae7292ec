package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestAPhoneSignsIn: with a link, which exists only if other devices can reach the panel, and only
// for signed-in users.
func TestAPhoneSignsIn(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	cookie := s.login()
	if s.session("Cookie", cookie).Phone {
		t.Error("a panel on loopback offers the link")
	}
	resp, body := s.send("POST", "/api/session/phone", "{}", "Content-Type", "application/json", "Cookie", cookie)
	s.wantError(resp, body, http.StatusConflict, "local_only")

	s.api.options.Addr = func() string { return "192.0.2.7:9090" }
	if !s.session("Cookie", cookie).Phone || s.session().Phone {
		t.Error("the link is not offered to signed-in users only")
	}
	resp, body = s.send("POST", "/api/session/phone", "{}", "Content-Type", "application/json")
	s.wantError(resp, body, http.StatusUnauthorized, "unauthorized")
	resp, body = s.send("POST", "/api/session/phone", "{}", "Content-Type", "application/json", "Cookie", cookie)
	var link PhoneLink
	if err := json.Unmarshal(body, &link); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	before, code, _ := strings.Cut(link.URL, "#login=")
	if before != "http://192.0.2.7:9090/" || !strings.HasPrefix(link.QR, "<svg ") || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v", link)
	}
	for _, want := range []int{http.StatusOK, http.StatusUnauthorized} { // it works once
		if resp, body := s.send("POST", "/api/session", `{"code":"`+code+`"}`, "Content-Type", "application/json"); resp.StatusCode != want {
			t.Errorf("%d %s, want %d", resp.StatusCode, body, want)
		}
	}
}
