package admin

import (
	"crypto/rand"
	"crypto/sha256"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

const (
	cookieName  = "aitunnel_session"
	sessionTime = 30 * 24 * time.Hour // since it was last used
	maxSessions = 256
	linkTime    = 5 * time.Minute
	maxLinks    = 16
)

// sessions stand for the token in browsers: each is a cookie that scripts of
// the page cannot read, traded for the token or for the code of a link.
type sessions struct {
	now func() time.Time

	mu    sync.Mutex
	known map[[32]byte]session // by the hash of the cookie's value
	links map[[32]byte]time.Time
}

type session struct {
	token config.Secret // that it stands for; another one in the configuration ends it
	used  time.Time
}

func hashOf(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// knows says that the request comes with the cookie of a session.
func (s *sessions) knows(r *http.Request, token config.Secret) bool {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, now := hashOf(c.Value), s.now()
	known, ok := s.known[id]
	if !ok || !known.token.Equal(token) || now.Sub(known.used) > sessionTime {
		delete(s.known, id)
		return false
	}
	known.used = now
	s.known[id] = known
	return true
}

// begin gives the caller a session.
func (s *sessions) begin(w http.ResponseWriter, token config.Secret) {
	value := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[[32]byte]session{}
	}
	if len(s.known) >= maxSessions {
		s.forgetOldest()
	}
	s.known[hashOf(value)] = session{token, s.now()}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: int(sessionTime.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

func (s *sessions) forgetOldest() {
	var oldest [32]byte
	at := s.now().Add(time.Hour)
	for id, known := range s.known {
		if known.used.Before(at) {
			oldest, at = id, known.used
		}
	}
	delete(s.known, oldest)
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.known, hashOf(c.Value))
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

// link makes a code that is good for one session, and not for long.
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
	if s.links == nil {
		s.links = map[[32]byte]time.Time{}
	}
	s.links[hashOf(code)] = now.Add(linkTime)
	return code
}

// spend says that the code is good, and ends that.
func (s *sessions) spend(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.links[hashOf(code)]
	delete(s.links, hashOf(code))
	return ok && s.now().Before(until)
}

// Wrong tries from one address: so many at once, then one each tryTime.
const (
	maxTries  = 10
	tryTime   = 5 * time.Second
	maxTriers = 1024 // addresses that are remembered; all others count as one
)

// tries bound how fast a secret can be guessed.
type tries struct {
	now func() time.Time

	mu  sync.Mutex
	all map[string]time.Time // when the address has all its tries again
}

// take counts a try, and says whether its result may be told or how long the
// address has to wait. Only wrong ones are used up.
func (t *tries) take(r *http.Request, right bool) (wait time.Duration, ok bool) {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.all == nil {
		t.all = map[string]time.Time{}
	}
	if _, known := t.all[from]; !known && len(t.all) >= maxTriers {
		for a, until := range t.all {
			if until.Before(now) {
				delete(t.all, a)
			}
		}
		if len(t.all) >= maxTriers {
			from = "others"
		}
	}
	until := t.all[from]
	if until.Before(now) {
		until = now
	}
	if wait = until.Sub(now) - (maxTries-1)*tryTime; wait > 0 {
		return wait, false
	}
	if !right {
		t.all[from] = until.Add(tryTime)
	}
	return 0, true
}

// session says whether the caller has to log in.
func (h *Handler) session(w http.ResponseWriter, r *http.Request) {
	token := h.options.Config().Token
	out := Session{Needed: !token.IsZero(), Authenticated: token.IsZero() || h.sessions.knows(r, token)}
	reply(w, http.StatusOK, out)
}

// login trades the token, or the code of a link, for a session.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	var in Login
	if !read(w, r, &in) {
		return
	}
	token := h.options.Config().Token
	right := in.Token != "" && config.NewSecret(in.Token).Equal(token) || in.Code != "" && h.sessions.spend(in.Code)
	if !token.IsZero() {
		if !h.proves(w, r, right) {
			return
		}
		h.sessions.begin(w, token)
	}
	reply(w, http.StatusOK, Session{Needed: !token.IsZero(), Authenticated: true})
}

func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	h.sessions.end(w, r)
	needed := !h.options.Config().Token.IsZero()
	reply(w, http.StatusOK, Session{Needed: needed, Authenticated: !needed})
}

// reachable is where an address that is of all interfaces is reached from the
// machine itself.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}

// link gives an address that opens the panel without the token being typed.
func (h *Handler) link(w http.ResponseWriter, _ *http.Request) {
	addr := h.options.Addr()
	if addr == "" {
		answer(w, http.StatusOK, nil, Refused("panel_off", "the admin port is off: set admin.listen to use the panel"))
		return
	}
	url := "http://" + reachable(addr) + "/"
	if !h.options.Config().Token.IsZero() {
		url += "#login=" + h.sessions.link()
	}
	reply(w, http.StatusOK, Link{URL: url})
}
