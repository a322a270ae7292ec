// Package fakesite is a site that behaves as it is told: it answers in the
// shapes of the OpenAI, Anthropic and Gemini APIs, or fails in any of the ways
// real sites do, and remembers what it was sent. The demo, tests and
// benchmarks use it in place of a site on the internet.
package fakesite

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Site is one fake site.
type Site struct {
	name         string
	keys         []string
	models       []string
	pace         time.Duration
	text         string
	tokenCount   int
	secure       bool
	quotedText   string
	quotedTokens []string

	serial  atomic.Int64
	script  script
	journal journal
	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	server  *http.Server
	url     string
	pool    *x509.CertPool
}

// Option shapes a [Site].
type Option func(*Site)

// Keys makes the site refuse every other key. Without it any request passes.
func Keys(keys ...string) Option { return func(s *Site) { s.keys = keys } }

// Text returns what the site answers; the default names the site.
func Text(text string) Option { return func(s *Site) { s.text = text } }

// Tokens returns how many pieces a stream has; the default is one for each word.
func Tokens(n int) Option { return func(s *Site) { s.tokenCount = n } }

// Pace returns the pause after each event of a stream; the default is none.
func Pace(d time.Duration) Option { return func(s *Site) { s.pace = d } }

// TLS makes the site speak HTTPS, with HTTP/2, by a certificate of its own.
func TLS() Option { return func(s *Site) { s.secure = true } }

// New returns a site that [Site.Start] opens.
func New(name string, options ...Option) *Site {
	s := &Site{name: name, text: "Hello from " + name + "!", models: []string{"fake-model"}}
	for _, o := range options {
		o(s)
	}
	tokens := strings.SplitAfter(s.text, " ")
	if s.tokenCount > 0 {
		tokens = make([]string, s.tokenCount)
		for i := range tokens {
			tokens[i] = fmt.Sprintf("token-%d ", i)
		}
		s.text = strings.Join(tokens, "")
	}
	s.quotedText, s.quotedTokens = quote(s.text), quoteAll(tokens)
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// Start opens the site on a free port of this machine.
func (s *Site) Start() error {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.server = &http.Server{
		Handler:     http.HandlerFunc(s.serve),
		BaseContext: func(net.Listener) context.Context { return s.life },
		ErrorLog:    log.New(io.Discard, "", 0), // broken connections are its trade
	}
	s.url = "http://" + socket.Addr().String()
	if s.secure {
		cert, pool, err := certificate()
		if err != nil {
			return err
		}
		s.url, s.pool = "https://"+socket.Addr().String(), pool
		s.server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	s.running.Go(func() {
		if s.secure {
			_ = s.server.ServeTLS(socket, "", "") // ends with Close
			return
		}
		_ = s.server.Serve(socket)
	})
	return nil
}

// URL returns the site's address, without a slash at its end.
func (s *Site) URL() string { return s.url }

// Name returns the site's name.
func (s *Site) Name() string { return s.name }

// Answer returns the text that the site answers with.
func (s *Site) Answer() string { return s.text }

// CertPool trusts the certificate of a site with [TLS].
func (s *Site) CertPool() *x509.CertPool { return s.pool }

// Close ends the site and every request in it.
func (s *Site) Close() {
	s.end()
	if s.server != nil {
		_ = s.server.Close()
	}
	s.running.Wait()
}

// Exchange is one request and its answer.
type Exchange struct {
	W          http.ResponseWriter
	R          *http.Request
	Site       *Site
	Credential string
	Model      string
	Stream     bool

	api  api
	op   op
	body []byte
	note *note
}

// Body returns the request's body.
func (x *Exchange) Body() []byte { return x.body }

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	x := &Exchange{W: w, R: r, Site: s, body: body}
	style := ""
	x.Credential, style = credentialOf(r)
	x.parse()
	x.note = s.journal.add(x, style)
	stop := x.note.watch(r.Context(), s.life)
	defer stop()
	w.Header().Set("X-Site", s.name)
	s.script.pick(x.Credential)(x)
}

// The ways a credential is carried.
const (
	StyleBearer  = "bearer"
	StyleAPIKey  = "x-api-key"
	StyleGoogKey = "x-goog-api-key"
	StyleQuery   = "query"
)

func credentialOf(r *http.Request) (value, style string) {
	if v, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return v, StyleBearer
	}
	if v := r.Header.Get("X-Api-Key"); v != "" {
		return v, StyleAPIKey
	}
	if v := r.Header.Get("X-Goog-Api-Key"); v != "" {
		return v, StyleGoogKey
	}
	if v := r.URL.Query().Get("key"); v != "" {
		return v, StyleQuery
	}
	return "", ""
}

func (x *Exchange) allowed() bool {
	return len(x.Site.keys) == 0 || slices.Contains(x.Site.keys, x.Credential)
}

// ClientTLS trusts the site.
func (s *Site) ClientTLS() *tls.Config { return &tls.Config{RootCAs: s.pool} }
