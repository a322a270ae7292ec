package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/google/renameio/v2/maybe"

	"github.com/aitunnel/aitunnel/core/config"
)

const (
	cookieName  = "aitunnel_session"
	sessionTime = 30 * 24 * time.Hour // since it was last used
	maxSessions = 256
	linkTime    = 5 * time.Minute
	maxLinks    = 16
	saveEvery   = time.Hour // how often the time of last use is saved
)

// sessions replace the token in browsers: each is a cookie that scripts of the page cannot read,
// in exchange for the token or the code of a link. Memory and file have only hashes, from which
// neither a cookie nor the token can be derived.
type sessions struct {
	now  func() time.Time
	file string // "": in memory only

	mu    sync.Mutex
	known map[digest]session // by the hash of the cookie's value
	links map[digest]time.Time
	saved time.Time
}

type session struct {
	Token digest    `json:"token"` // the hash of the token that was exchanged; another token ends the session
	Used  time.Time `json:"used"`
}

// digest is a SHA-256, in hex in JSON.
type digest [sha256.Size]byte

func hashOf(s string) digest { return sha256.Sum256([]byte(s)) }

// MarshalText is for JSON.
func (d digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText is for JSON.
func (d *digest) UnmarshalText(b []byte) error {
	if len(b) != 2*len(d) {
		return hex.ErrLength
	}
	_, err := hex.Decode(d[:], b)
	return err
}

// tokenDigest returns the hash of a token. A fast hash is enough, since tokens are long and random.
func tokenDigest(token config.Secret) digest { return hashOf("admin token " + token.Plaintext()) }

// load reads the sessions of a previous run. If the file cannot be read, browsers have to sign in
// again.
func (s *sessions) load(file string) {
	s.file, s.known, s.links = file, map[digest]session{}, map[digest]time.Time{}
	if file == "" {
		return
	}
	if b, err := os.ReadFile(file); err == nil && json.Unmarshal(b, &s.known) != nil {
		s.known = map[digest]session{}
	}
	for id, known := range s.known {
		if s.now().Sub(known.Used) > sessionTime {
			delete(s.known, id)
		}
	}
	s.saved = s.now()
}

// save writes the file. The caller holds the lock. If that fails, sessions end with the program.
func (s *sessions) save() {
	s.saved = s.now()
	if s.file == "" {
		return
	}
	if b, err := json.Marshal(s.known); err == nil {
		_ = maybe.WriteFile(s.file, b, 0o600)
	}
}

// knows reports whether the request has the cookie of a session.
func (s *sessions) knows(r *http.Request, token config.Secret) bool {
	c, err := r.Cookie(cookieName)
	if err != nil || token.IsZero() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, now := hashOf(c.Value), s.now()
	known, ok := s.known[id]
	if !ok || known.Token != tokenDigest(token) || now.Sub(known.Used) > sessionTime {
		delete(s.known, id)
		return false
	}
	known.Used = now
	s.known[id] = known
	if now.Sub(s.saved) > saveEvery {
		s.save()
	}
	return true
}

// start gives the caller a session.
func (s *sessions) start(w http.ResponseWriter, token config.Secret) {
	value := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= maxSessions {
		s.forgetOldest()
	}
	s.known[hashOf(value)] = session{tokenDigest(token), s.now()}
	s.save()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: int(sessionTime.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

func (s *sessions) forgetOldest() {
	var oldest digest
	at := s.now().Add(time.Hour)
	for id, known := range s.known {
		if known.Used.Before(at) {
			oldest, at = id, known.Used
		}
	}
	delete(s.known, oldest)
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.known, hashOf(c.Value))
		s.save()
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// link returns a code that can be exchanged once, for a short time.
func (s *sessions) link() string {
	code := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for id, until := range s.links {
		if now.After(until) || len(s.links) >= maxLinks {
			delete(s.links, id)
		}
	}
	s.links[hashOf(code)] = now.Add(linkTime)
	return code
}

// spend reports whether the code is valid, and invalidates it.
func (s *sessions) spend(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.links[hashOf(code)]
	delete(s.links, hashOf(code))
	return ok && s.now().Before(until)
}
