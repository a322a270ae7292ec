package proxy

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// The list of models merges those of all channels, which are fetched from time to
// time. An old list is used while a new one is fetched, so that requests rarely wait.
const (
	modelsFresh   = 5 * time.Minute  // the age at which a list is fetched again
	modelsRetry   = 30 * time.Second // the pause after a site gave no list
	modelsTimeout = 10 * time.Second // the limit for a site's answer
	modelsOthers  = 2 * time.Second  // the limit for the other sites, once one has answered
	modelsKeys    = 3                // the number of keys that are tried
	maxModelList  = 8 << 20          // the maximum size of a site's list, in bytes
)

// modelLists are the lists of the channels of one configuration.
type modelLists struct {
	mu  sync.Mutex
	all map[*route.Channel]*modelList
}

// modelList is the list of a site.
type modelList struct {
	models  []dialect.ListedModel
	known   bool          // the site gave a list at some time
	absent  bool          // the site has no list
	asked   time.Time     // when the last attempt to fetch it ended
	fetched chan struct{} // closed when the running attempt ends; nil if there is none
}

// view returns the list of a channel. If there is none yet, wait is not nil, and is
// closed when the first attempt to fetch one has ended.
func (l *modelLists) view(ch *route.Channel, clock func() time.Time, fetch func() ([]dialect.ListedModel, bool, bool)) (list modelList, wait <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*route.Channel]*modelList{}
	}
	m := l.all[ch]
	if m == nil {
		m = &modelList{}
		l.all[ch] = m
	}
	age := modelsFresh
	if !m.known && !m.absent {
		age = modelsRetry
	}
	if m.fetched == nil && clock().Sub(m.asked) >= age {
		m.fetched = make(chan struct{})
		go l.renew(m, clock, fetch)
	}
	if !m.known && !m.absent && m.fetched != nil {
		return *m, m.fetched
	}
	return *m, nil
}

// renew fetches a new list. If that fails, the old one is kept.
func (l *modelLists) renew(m *modelList, clock func() time.Time, fetch func() ([]dialect.ListedModel, bool, bool)) {
	models, known, absent := fetch()
	l.mu.Lock()
	defer l.mu.Unlock()
	if known {
		m.models, m.known = models, true
	}
	m.absent = absent && !m.known
	m.asked = clock()
	close(m.fetched)
	m.fetched = nil
}

// answerModels answers a request for the list of models, or for one model, from the
// lists of all channels. It returns false if the request should be relayed.
func (x *exchange) answerModels(rt *route.Route) bool {
	if x.in.Method != http.MethodGet || !rt.Config.ModelsMerge {
		return false
	}
	id, asked := dialect.ModelListPath(x.path.path)
	if !asked {
		return false
	}
	routes := x.setup.modelRoutes(x.path.path)
	if len(routes) == 0 {
		return false
	}
	all := x.listModels(routes)
	if x.in.Context().Err() != nil {
		x.abandon()
	}
	if len(all) == 0 {
		return false // the site explains what is wrong
	}
	d := x.listDialect()
	if id == "" {
		body, problem := dialect.ModelPage(d, all, x.in.URL.Query())
		if problem != "" {
			x.refuse(fault{http.StatusBadRequest, "bad_parameter", problem, true})
			return true
		}
		x.reply(body)
		return true
	}
	for _, m := range all {
		if m.ID == id {
			x.reply(dialect.ModelEntry(d, m))
			return true
		}
	}
	x.refuse(fault{http.StatusNotFound, "model_not_found", "no channel lists the model " + strconv.Quote(id), true})
	return true
}

// listDialect returns the dialect of the answer. OpenAI and Anthropic use the same path;
// Anthropic's clients are recognized by their headers.
func (x *exchange) listDialect() dialect.Dialect {
	if x.dialect == dialect.OpenAI && (x.in.Header.Get("Anthropic-Version") != "" || x.in.Header.Get("X-Api-Key") != "") {
		return dialect.Anthropic
	}
	return x.dialect
}

// modelRoutes returns the routes for the path whose lists are merged. It leaves out
// routes with passthrough, where the list depends on the caller's key, and routes
// without any key.
func (s *setup) modelRoutes(path string) (routes []*route.Route) {
	for _, r := range s.table.Routes {
		keys := false
		for _, ch := range r.Channels {
			keys = keys || len(ch.Keys) > 0
		}
		passes := slices.ContainsFunc(r.Channels, func(ch *route.Channel) bool { return ch.Config.Auth.Style == config.AuthPassthrough })
		if r.Config.ModelsMerge && keys && !passes && config.MatchPath(r.Config.Pattern, path) {
			routes = append(routes, r)
		}
	}
	return routes
}

// listModels returns the models of the routes that the client may use, each once.
func (x *exchange) listModels(routes []*route.Route) []dialect.ListedModel {
	lists := x.gather(routes)
	var all []dialect.ListedModel
	seen := map[string]bool{}
	for _, r := range routes {
		for _, ch := range r.Channels {
			for _, m := range offered(ch, lists[ch]) {
				if !seen[m.ID] && matchesAny(r.Config.Models, m.ID) && x.client.config.Allows(m.ID) {
					seen[m.ID] = true
					all = append(all, m)
				}
			}
		}
	}
	return all
}

func matchesAny(patterns []string, model string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return config.MatchModel(p, model) })
}

// offered returns the models of a channel, by the names that callers use.
func offered(ch *route.Channel, list modelList) []dialect.ListedModel {
	c := ch.Config
	var out []dialect.ListedModel
	if list.absent { // only the names in the configuration are known
		for _, name := range c.Models {
			if !strings.Contains(name, "*") {
				out = append(out, dialect.ModelNamed(name))
			}
		}
	}
	names := make([]string, 0, len(c.ModelMap))
	for name := range c.ModelMap {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, m := range list.models {
		for _, name := range names {
			if c.ModelMap[name] == m.ID && matchesAny(c.Models, name) {
				out = append(out, m.Renamed(name))
			}
		}
		if matchesAny(c.Models, m.ID) && c.ModelMap[m.ID] == "" {
			out = append(out, m)
		}
	}
	return out
}

// gather returns the lists of the channels that are not paused. It waits for those
// that are not known yet, but not for long once it has one.
func (x *exchange) gather(routes []*route.Route) map[*route.Channel]modelList {
	ctx := x.in.Context()
	lists := map[*route.Channel]modelList{}
	found := false
	look := func(ch *route.Channel) (wait <-chan struct{}) {
		lists[ch], wait = x.setup.models.view(ch, x.now, func() ([]dialect.ListedModel, bool, bool) {
			return x.handler.fetchModels(ch, x.setup.sites[ch])
		})
		found = found || len(lists[ch].models) > 0
		return wait
	}
	fetched, pending := make(chan *route.Channel), 0
	for _, r := range routes {
		for _, ch := range r.Channels {
			if _, done := lists[ch]; done || ch.State.Paused() {
				continue
			}
			if wait := look(ch); wait != nil {
				pending++
				go func() {
					<-wait // modelsTimeout at most for each key that is tried
					select {
					case fetched <- ch:
					case <-ctx.Done():
					}
				}()
			}
		}
	}
	late := time.NewTimer(modelsOthers)
	defer late.Stop()
	for isLate := false; pending > 0 && (!isLate || !found); {
		select {
		case ch := <-fetched:
			look(ch)
			pending--
		case <-late.C:
			isLate = true
		case <-ctx.Done():
			return lists
		}
	}
	return lists
}

// fetchModels asks a site for its models, with a few of its keys. A failure does not
// affect the state of the channel or its keys.
func (h *Handler) fetchModels(ch *route.Channel, s *site) (models []dialect.ListedModel, known, absent bool) {
	ctx, cancel := context.WithTimeout(context.Background(), modelsTimeout)
	defer cancel()
	p := &prober{handler: h, channel: ch, site: s}
	text, header := dialect.ModelListRequest(listFormOf(ch.Config))
	path, query, _ := strings.Cut(text, "?")
	for _, key := range p.usableKeys(modelsKeys) {
		out, err := p.probe(ctx, &url.URL{Path: path}, query, sdk.ProbeRequest{Header: header}, key, maxModelList)
		switch {
		case err != nil:
			return nil, false, false
		case out.Status == http.StatusOK:
			models, known = dialect.ReadModelList(out.Body)
			return models, known, !known
		case out.Status == http.StatusNotFound || out.Status == http.StatusMethodNotAllowed:
			return nil, false, true
		}
	}
	return nil, false, false
}

// listFormOf returns the dialect in which a site is asked for its models.
func listFormOf(c *config.Channel) dialect.Dialect {
	host := c.Target.Hostname()
	switch {
	case c.Auth.Style == config.AuthXAPIKey, c.Auth.Style == config.AuthAuto && strings.HasSuffix(host, "anthropic.com"):
		return dialect.Anthropic
	case c.Auth.Style == config.AuthXGoogAPIKey, c.Auth.Style == config.AuthAuto && strings.HasSuffix(host, "googleapis.com"):
		return dialect.Gemini
	}
	return dialect.OpenAI
}

// usableKeys returns up to n keys that are usable now; the first key if none is, and
// nil for a channel without keys.
func (p *prober) usableKeys(n int) (keys []*route.Key) {
	now := p.handler.registry.Now()
	for _, k := range p.channel.Keys {
		if skip, _ := k.State.Skip(now, "", ""); skip == "" && len(keys) < n {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		keys = append(keys, p.key())
	}
	return keys
}

// reply answers with a JSON document of our own.
func (x *exchange) reply(body []byte) {
	x.record.Status, x.record.TTFB, x.record.BytesOut = http.StatusOK, event.Millis(time.Since(x.arrived)), int64(len(body))
	x.caller.finish()
	h := x.caller.w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	setRequestID(h, x.dialect, x.record.ID)
	x.caller.w.WriteHeader(http.StatusOK)
	_, _ = x.caller.w.Write(body) // the caller may be gone
}
