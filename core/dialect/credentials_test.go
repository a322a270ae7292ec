package dialect

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"testing"
)

func TestCredentials(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header http.Header
		query  string
		want   []string
	}{
		{"none", http.Header{"Accept": {"*/*"}}, "alt=sse&monkey=1", nil},
		{"bearer", http.Header{"Authorization": {"Bearer a"}}, "", []string{"a"}},
		{"bearer, in lower case", http.Header{"Authorization": {"bearer  a "}}, "", []string{"a"}},
		{"bare", http.Header{"Authorization": {"sk-a"}}, "", []string{"sk-a"}},
		{"all values", http.Header{"Authorization": {"Bearer a", "Bearer b"}}, "", []string{"a", "b"}},
		{"basic", http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}}, "", []string{"user", "pass"}},
		{"basic without a user", http.Header{"Proxy-Authorization": {"Basic OnBhc3M="}}, "", []string{"pass"}},
		{"every header", http.Header{"X-Api-Key": {"a"}, "Api-Key": {"b"}, "X-Goog-Api-Key": {"c"}}, "", []string{"a", "b", "c"}},
		{"queries", nil, "key=a&api_key=b&access_token=c&api-key=d", []string{"a", "b", "c", "d"}},
		{"escaped names", nil, "k%65y=a&%61pi_key=b%2Bc", []string{"a", "b+c"}},
		{"after a semicolon", nil, "x=1;key=a;y=2", []string{"a"}},
		{"another case", nil, "Api-Key=a&KEY=b", []string{"a", "b"}},
		{"a value that cannot be decoded", nil, "key=%zz", []string{"%zz"}},
		{"WebSocket", http.Header{"Sec-Websocket-Protocol": {"realtime, openai-insecure-api-key.a,openai-beta.realtime-v1"}}, "", []string{"a"}},
		{"cookies are ignored", http.Header{"Cookie": {"token=a"}}, "", nil},
	} {
		if got := slices.Collect(Credentials(tt.header, tt.query)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		for range Credentials(tt.header, tt.query) {
			break // stopping early must work
		}
	}
}

func TestRemoveCredentials(t *testing.T) {
	mine := func(v string) bool { return v == "mine" }
	for _, tt := range []struct {
		name, query, wantQuery string
		header, want           http.Header
		drop                   func(string) bool
	}{
		{"all", "alt=sse&key=abc&x=%20", "alt=sse&x=%20",
			http.Header{"Authorization": {"Bearer a", "Basic b"}, "X-Api-Key": {"a"}, "Api-Key": {"a"}, "X-Goog-Api-Key": {"a"}, "Proxy-Authorization": {"a"}, "Cookie": {"a=b"}, "Accept": {"*/*"}},
			http.Header{"Accept": {"*/*"}}, nil},
		{"the client's token only", "key=mine&key=other", "key=other",
			http.Header{"Authorization": {"Bearer other", "bearer mine"}, "X-Api-Key": {"mine"}, "Api-Key": {"other"}, "Cookie": {"t=mine"}},
			http.Header{"Authorization": {"Bearer other"}, "Api-Key": {"other"}}, mine},
		{"escaped name", "k%65y=mine&keys=1", "keys=1", http.Header{}, http.Header{}, mine},
		{"semicolon", "a=1;key=mine;b=2&c=3", "a=1;b=2&c=3", http.Header{}, http.Header{}, mine},
		{"first", "key=mine&a=1", "a=1", http.Header{}, http.Header{}, nil},
		{"basic", "", "", http.Header{"Authorization": {"Basic dXNlcjptaW5l"}}, http.Header{}, mine},
		{"WebSocket", "", "",
			http.Header{"Sec-Websocket-Protocol": {"realtime, openai-insecure-api-key.mine, openai-beta.realtime-v1"}},
			http.Header{"Sec-Websocket-Protocol": {"realtime, openai-beta.realtime-v1"}}, nil},
		{"WebSocket, nothing else", "", "", http.Header{"Sec-Websocket-Protocol": {"openai-insecure-api-key.mine"}}, http.Header{}, mine},
		{"WebSocket of another", "", "", http.Header{"Sec-Websocket-Protocol": {"x,openai-insecure-api-key.other"}}, http.Header{"Sec-Websocket-Protocol": {"x,openai-insecure-api-key.other"}}, mine},
		{"nothing to remove", "a=1&&b=%zz;", "a=1&&b=%zz;", http.Header{"Accept": {"x"}}, http.Header{"Accept": {"x"}}, nil},
		{"a value that cannot be decoded", "key=%zz&a=1", "a=1", http.Header{}, http.Header{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := maps.Clone(tt.header)
			values := map[string][]string{}
			for name, v := range tt.header {
				values[name] = slices.Clone(v)
			}
			if got := RemoveCredentials(tt.header, tt.query, tt.drop); got != tt.wantQuery || !reflect.DeepEqual(tt.header, tt.want) {
				t.Errorf("kept: %q and %v, want %q and %v", got, tt.header, tt.wantQuery, tt.want)
			}
			for name, v := range before {
				if !slices.Equal(v, values[name]) {
					t.Errorf("%s: the caller's header was changed", name)
				}
			}
			if tt.drop == nil {
				for v := range Credentials(tt.header, tt.wantQuery) {
					t.Errorf("%q was not removed", v)
				}
			}
		})
	}
}

// FuzzRemoveCredentials shows that no credential is left and that nothing else changes.
func FuzzRemoveCredentials(f *testing.F) {
	for _, q := range []string{"key=a&b=c", "k%65y=1;x", "&&;;=", "api_key", "%", "a=key&access%5ftoken=1", "ap%69+key=1"} {
		f.Add(q, "Bearer x", "realtime,openai-insecure-api-key.x")
	}
	f.Fuzz(func(t *testing.T, query, authorization, protocol string) {
		h := http.Header{"Authorization": {authorization}, "Sec-Websocket-Protocol": {protocol}}
		left := RemoveCredentials(h, query, nil)
		for v := range Credentials(h, left) {
			t.Fatalf("%q was not removed from %q", v, query)
		}
		if again := RemoveCredentials(h, left, nil); again != left {
			t.Fatalf("%q, then %q", left, again)
		}
		none := RemoveCredentials(http.Header{}, query, func(string) bool { return false })
		if none != query {
			t.Fatalf("%q became %q, although nothing had to be removed", query, none)
		}
	})
}

func TestCarry(t *testing.T) {
	const live = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
	for _, tt := range []struct {
		style     Style
		target    string
		want      http.Header
		wantQuery string
	}{
		{StyleAuto, "/v1/chat/completions?a=1", http.Header{"Authorization": {"Bearer k&y"}}, "a=1"},
		{StyleAuto, "/v1/messages?a=1", http.Header{"X-Api-Key": {"k&y"}}, "a=1"},
		{StyleAuto, "/v1beta/models/g:generateContent?a=1", http.Header{"X-Goog-Api-Key": {"k&y"}}, "a=1"},
		{StyleAuto, "/api/chat?a=1", http.Header{"Authorization": {"Bearer k&y"}}, "a=1"},
		{StyleAuto, "/v1/realtime?model=m", http.Header{"Authorization": {"Bearer k&y"}}, "model=m"},
		{StyleAuto, live + "?a=1", http.Header{"X-Goog-Api-Key": {"k&y"}}, "a=1"},
		{StyleAuto, live + "?a=1&key=mine", http.Header{}, "a=1&key=k%26y"},
		{StyleAuto, live + "?key=mine", http.Header{}, "key=k%26y"},
		{StyleBearer, "/v1/messages?a=1", http.Header{"Authorization": {"Bearer k&y"}}, "a=1"},
		{StyleXAPIKey, "/v1/chat/completions", http.Header{"X-Api-Key": {"k&y"}}, ""},
		{StyleXGoogAPIKey, "/v1/chat/completions", http.Header{"X-Goog-Api-Key": {"k&y"}}, ""},
		{StyleQuery, "/v1/chat/completions?a=1", http.Header{}, "a=1&to%26ken=k%26y"},
		{StyleQuery, "/v1/chat/completions", http.Header{}, "to%26ken=k%26y"},
		{StyleNone, "/v1/chat/completions?a=1", http.Header{}, "a=1"},
		{StylePassthrough, "/v1/chat/completions?a=1", http.Header{}, "a=1"},
	} {
		in := request("POST", tt.target, nil)
		h := http.Header{}
		query := RemoveCredentials(h, in.URL.RawQuery, nil)
		got := Auth{Style: tt.style, Param: "to&ken"}.AddKey(in, h, query, "k&y")
		if got != tt.wantQuery || !reflect.DeepEqual(h, tt.want) {
			t.Errorf("%s at %s: %q, %v", tt.style, tt.target, got, h)
		}
	}
}

func BenchmarkRemoveCredentials(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		h := http.Header{"Authorization": {"Bearer sk-1234567890"}, "Accept": {"*/*"}}
		_ = RemoveCredentials(h, "", nil)
	}
}
