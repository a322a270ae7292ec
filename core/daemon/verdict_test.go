package daemon_test

import (
	"fmt"
	"testing"

	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

const (
	p1, p2     = "key-primary-1", "key-primary-2"
	ask        = `{"model":"gpt-x","messages":[]}`
	askStream  = `{"model":"gpt-x","stream":true,"messages":[]}`
	quickRetry = "retry {\n base_delay = \"20ms\"\n max_delay = \"200ms\"\n}\n"
)

func alone(s *fakesite.Site, more string) string {
	return fmt.Sprintf("channel \"only\" {\n target = %q\n keys = [%q]\n}\n%s", s.URL(), p1, more)
}

// TestARuleTakesEffectOnSave: a rule that is written to the file of a running program.
func TestARuleTakesEffectOnSave(t *testing.T) {
	t.Parallel()
	odd, backup := site(t, "odd"), site(t, "backup")
	odd.Always(fakesite.Status(400, `{"error":{"message":"The stars are not right, come again"}}`))
	text := fmt.Sprintf("channel \"odd\" {\n target = %q\n auth = \"none\"\n weight = 2\n}\nchannel \"backup\" {\n target = %q\n auth = \"none\"\n}\n", odd.URL(), backup.URL())
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	r.save(complete(text))
	r.run()
	if got := r.post(chat, ask); got.status != 400 {
		t.Fatalf("without the rule: %d %s", got.status, got.body)
	}
	r.save(complete(text + "verdict \"stars\" {\n message = \"stars are not right\"\n means = \"overloaded\"\n}\n"))
	testhelp.Eventually(t, "the rule is applied", func() bool { return r.post(chat, ask).status == 200 })
}
