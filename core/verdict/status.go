package verdict

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
)

// byDefault is a verdict without a matching rule.
type byDefault struct {
	name   string
	means  Means
	scope  Scope // "" is that of the meaning
	atOnce bool
}

// byStatus judges an answer that no rule matches.
func byStatus(f *failure, a *Answer) byDefault {
	name := fmt.Sprintf("status %d", f.status)
	switch {
	case a.Status == http.StatusSwitchingProtocols:
		return byDefault{name: name, means: Good}
	case a.Status < 200 || a.Status > 599:
		return byDefault{name: name, means: Broken}
	case f.redirect:
		return redirected(f, a)
	case f.empty:
		return byDefault{name: "empty answer", means: Broken}
	case f.status == 0:
		return byDefault{name: "error without a status", means: Broken}
	case f.page:
		return byDefault{name: fmt.Sprintf("page with status %d", f.status), means: pageMeans(f.status, a), scope: pageScope(f.status), atOnce: f.status == http.StatusUnavailableForLegalReasons}
	}
	return byDefault{name: name, means: statusMeans(f.status, a), atOnce: f.status == http.StatusUnavailableForLegalReasons}
}

// statusMeans returns what a status means if nothing else is known.
func statusMeans(status int, a *Answer) Means {
	switch status {
	case 401, 403:
		return Suspect
	case 402:
		return QuotaSpent
	case 404:
		return notFound(a)
	case 405, 501:
		return NoEndpoint
	case 407, 408, 421, 424, 444, 499:
		return Broken
	case 409, 425, 498, 503, 529:
		return Overloaded
	case 413, 414, 415, 431:
		return TooLarge
	case 420, 429, 430: // as some sites wrote it before there was a 429, and still do
		return RateLimited
	case 451:
		return Blocked
	}
	switch {
	case status >= 500:
		return Broken
	case !isKnownStatus(status):
		return Declined // a non-standard status does not show that the request is at fault
	}
	return Refused
}

// notFound distinguishes a missing endpoint from a missing object.
func notFound(a *Answer) Means {
	switch a.endpoint() {
	case dialect.Generate, dialect.Moderation, dialect.Rerank:
		return NoEndpoint
	}
	return Declined
}

// pageMeans returns what a web page in place of an API's answer means: most come from a
// front end that cannot reach its site.
func pageMeans(status int, a *Answer) Means {
	switch status {
	case 400:
		return Declined
	case 404, 405, 413, 414, 415, 429, 431, 451:
		return statusMeans(status, a)
	case 409, 425, 503, 529:
		return Overloaded
	}
	return Broken
}

// pageScope returns the scope of a page: front ends limit rates by address.
func pageScope(status int) Scope {
	if status == http.StatusTooManyRequests {
		return ScopeChannel
	}
	return ""
}

// redirected judges redirects: one within the site is passed on for the caller to
// follow, any other is a failure.
func redirected(f *failure, a *Answer) byDefault {
	name := fmt.Sprintf("redirect with status %d", a.Status)
	location := a.Header.Get("Location")
	if location == "" && !f.page || location != "" && a.SameOrigin && !isLogin(location) {
		return byDefault{name: name, means: Good}
	}
	return byDefault{name: name, means: Broken}
}

// isLogin reports whether a redirect leads to a page for people.
func isLogin(location string) bool {
	u, err := url.Parse(location)
	if err != nil {
		return true
	}
	path := strings.ToLower(u.Path)
	if path == "" || path == "/" {
		return true
	}
	for segment := range strings.SplitSeq(path, "/") {
		base, _, _ := strings.Cut(segment, ".")
		switch base {
		case "login", "signin", "sign-in", "sign_in", "log-in", "sso", "auth", "oauth", "oauth2", "captcha", "challenge", "verify", "register", "error", "index", "home", "welcome", "maintenance", "blocked", "forbidden":
			return true
		}
	}
	return false
}

// withoutBlame corrects verdicts at endpoints that many sites lack, or do not allow
// for ordinary keys: a refusal there says nothing about other endpoints. It does not
// change verdicts of the user's own rules.
func (v *Verdict) withoutBlame(f *failure, a *Answer) {
	if v.Origin != FromBuiltin && v.Origin != FromStatus || v.Means == Good {
		return
	}
	switch f.status {
	case 401, 403, 404:
	default:
		return
	}
	switch a.endpoint() {
	case dialect.Account, dialect.Other:
		if v.Means != Blocked {
			v.Means = Refused
			break
		}
		v.Means = Declined
	case dialect.Count:
		v.Means = Declined
	default:
		return
	}
	v.Scope, v.For, v.AtOnce, v.SecondKey = "", 0, false, ""
}

// scopeOf returns what a meaning is about, unless a rule says otherwise.
func (f *failure) scopeOf(m Means, a *Answer) Scope {
	if m == RateLimited && f.namesModel(a.Model) {
		return ScopeKeyModel
	}
	return meaningOf(m).Scope
}

// namesModel reports whether a rate limit is that of the model alone.
func (f *failure) namesModel(model string) bool {
	if model != "" && strings.Contains(f.lowered, strings.ToLower(model)) {
		return true
	}
	named := false
	for _, path := range modelPaths {
		f.err.at(path, func(v string) bool { named = v != ""; return named })
	}
	return named || f.within != nil && f.within.namesModel("")
}

// modelPaths are the fields in which Google names the model of a limit.
var modelPaths = [][]string{{"details", "*", "violations", "*", "quotaDimensions", "model"}, {"details", "*", "metadata", "model"}}

// cooldown returns the cooldown that the rule or the site specifies.
func (f *failure) cooldown(r *Rule, a Answer) time.Duration {
	if !hasEffects(r.Means) {
		return 0
	}
	if d := f.afterPaths(r.after, a.Now); d > 0 {
		return d
	}
	if r.For > 0 {
		return r.For
	}
	switch r.Means {
	case RateLimited, Overloaded, Broken, Blocked:
		return f.retryAfter(r.Means == RateLimited, a.Now)
	case QuotaSpent:
		if d := f.retryAfter(false, a.Now); d >= time.Minute { // some gateways always name a few seconds
			return d
		}
	}
	return 0
}

// RetriedByDefault reports whether the default of retry.on includes the status.
func RetriedByDefault(status int) bool {
	switch status {
	case 408, 425, 429, 498, 499, 500, 502, 503, 504, 507:
		return true
	}
	return status >= 520 && status <= 599
}

// retries reports whether retry.on includes the status. A 409 counts as a 503, an
// unknown one as a 500.
func (s *Set) retries(status int) bool {
	switch status {
	case http.StatusConflict:
		status = http.StatusServiceUnavailable
	case 0:
		status = http.StatusInternalServerError
	}
	if s.retryOn == nil {
		return RetriedByDefault(status)
	}
	return slices.Contains(s.retryOn, status)
}

// route sets where the request may go next.
func (s *Set) route(v *Verdict, f *failure) {
	if v.Means == Good {
		return
	}
	listed := s.retryOn != nil && s.retries(f.status)
	switch {
	case listed:
		v.Failover = true
	case v.Means == Refused:
	case s.retryOn != nil && v.Origin == FromStatus && (RetriedByDefault(f.status) || f.status == http.StatusConflict):
		// What retry.on leaves out is passed on, unless more is known than the status.
	default:
		v.Failover = true
	}
	switch v.Means {
	case Overloaded, Broken:
		v.SameChannel = s.retries(f.status)
	case Refused: // as the user wants it
		v.SameChannel = listed
	}
}
