// Package fakesite is a site that behaves as configured: it answers in the formats of
// the OpenAI, Anthropic and Gemini APIs, or fails in any of the ways real sites do,
// and records its requests. The demo, tests and benchmarks use it instead of sites on
// the internet.
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

// Option configures a [Site].
type Option func(*Site)

// Keys makes the site refuse all other keys. Without it, no key is required.
func Keys(keys ...string) Option { return func(s *Site) { s.keys = keys } }

// Text sets the text of answers; the default contains the site's name.
func Text(text string) Option { return func(s *Site) { s.text = text } }

// Tokens sets how many pieces a stream has; the default is one per word.
func Tokens(n int) Option { return func(s *Site) { s.tokenCount = n } }

// Pace sets the pause after each event of a stream; the default is none.
func Pace(d time.Duration) Option { return func(s *Site) { s.pace = d } }

// TLS makes the site use HTTPS, with HTTP/2 and a certificate of its own.
func TLS() Option { return func(s *Site) { s.secure = true } }

// New returns a site; see [Site.Start].
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

// Start starts the site on a free port of this machine.
func (s *Site) Start() error {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.server = &http.Server{
		Handler:     http.HandlerFunc(s.serve),
		BaseContext: func(net.Listener) context.Context { return s.life },
		ErrorLog:    log.New(io.Discard, "", 0), // broken connections are expected
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

// Answer returns the text of the site's answers.
func (s *Site) Answer() string { return s.text }

// CertPool returns a pool with the certificate of a site with [TLS].
func (s *Site) CertPool() *x509.CertPool { return s.pool }

// Close closes the site and ends its requests.
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

// The ways to send a credential.
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

// ClientTLS returns a configuration that trusts the site.
func (s *Site) ClientTLS() *tls.Config { return &tls.Config{RootCAs: s.pool} }
