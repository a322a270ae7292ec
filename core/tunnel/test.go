package tunnel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// Result is the outcome of a step of [Test].
type Result struct {
	Step Step   `json:"step"`
	OK   bool   `json:"ok"`
	Text string `json:"text"` // what was done; or what failed, and what to do
}

// Test goes the whole way of a tunnel once, without serving anything: it
// connects, checks the host's key, logs in, opens each forward, and sends a
// request through it. tell is told of each step. held says that the running
// program has an address open already: such a one is left to it. ask, if not
// nil, asks a person for a passphrase.
func Test(ctx context.Context, o Options, c *config.Tunnel, held func(address string) bool, ask func(path string) (string, error), tell func(Result)) (ok bool) {
	ok = true
	fail := func(step Step, err error) {
		ok = false
		var p *problem
		if errors.As(err, &p) {
			step = p.step
		}
		tell(Result{step, false, err.Error()})
	}
	way, err := o.here().route(ctx, c)
	if err != nil {
		fail(StepFind, err)
		return ok
	}
	for i := range way.targets {
		way.targets[i].creds.ask = ask
	}
	tell(Result{StepFind, true, "the host is " + way.describe()})
	d := newDialer(way, c)
	d.passed = func(s Step, text string) { tell(Result{s, true, text}) }
	l, err := d.dial(ctx)
	if err != nil {
		fail(StepConnect, err)
		return ok
	}
	defer l.close()
	bounded, cancel := context.WithTimeout(ctx, d.patience)
	_, err = l.identify(bounded)
	cancel()
	if err != nil {
		tell(Result{StepRun, true, withoutCommands(l.target, err)})
	} else {
		tell(Result{StepRun, true, "commands can run: a port that a lost connection holds can be taken back"})
	}
	x := &opener{link: l, meter: &meter{}, patience: d.patience}
	for _, f := range c.Forwards {
		if held(f.Address) {
			tell(Result{StepOpen, true, f.Address + " is open already: the running aitunnel has it"})
			continue
		}
		if text, err := x.try(ctx, f, err == nil); err != nil {
			fail(StepOpen, err)
		} else {
			tell(Result{StepProbe, true, text})
		}
	}
	return ok
}

// try opens a forward, sends a request through it, and closes it.
func (o *opener) try(ctx context.Context, f *config.Forward, commands bool) (string, error) {
	bounded, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	a, err := o.link.listen(bounded, f, o.meter)
	if err != nil && commands && o.unlink(bounded, f) {
		a, err = o.link.listen(bounded, f, o.meter)
	}
	if err != nil {
		o.commands = commands
		return "", o.explain(ctx, f, err)
	}
	nonce := rand.Text()
	s := serve(a, &http.Server{Handler: probed(nonce, http.NotFoundHandler), ReadHeaderTimeout: o.patience})
	defer func() {
		s.release()
		s.abort()
		<-s.ended
		if commands {
			o.unlink(bounded, f)
		}
	}()
	kind, address := network(f)
	if kind == "tcp" {
		address = a.Addr().String()
	}
	took, err := o.link.probe(bounded, kind, nearest(kind, address), nonce)
	if errors.Is(err, errNoProbe) {
		return fmt.Sprintf("%s opens; whether it answers cannot be seen, as the account may not connect to it", f.Address), nil
	}
	if err != nil {
		return "", failedAt(StepProbe, "%s opens, and a request sent to it on the host does not arrive here: %s", f.Address, plain(err))
	}
	return fmt.Sprintf("%s opens, and a request through it is answered in %s", f.Address, took.Round(100*time.Microsecond)), nil
}

func (w *way) describe() string {
	out := w.last().address() + ", user " + w.last().user
	var jumps []string
	for _, t := range w.targets[:len(w.targets)-1] {
		jumps = append(jumps, t.user+"@"+t.address())
	}
	if len(jumps) > 0 {
		out += ", through " + strings.Join(jumps, ", then ")
	}
	if w.source != "" {
		out += ", according to " + w.source
	}
	for _, n := range w.notes {
		out += "; " + n
	}
	return out
}
