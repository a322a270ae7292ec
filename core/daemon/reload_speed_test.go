package daemon_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// large returns a configuration of 100 channels with 20 keys each that needs no further
// plugin.
func large(url string, weight int) string {
	var b strings.Builder
	b.WriteString(byHand)
	for i := range 100 {
		keys := make([]string, 20)
		for k := range keys {
			keys[k] = fmt.Sprintf("%q", fmt.Sprintf("key-%d-%d-of-many", i, k))
		}
		fmt.Fprintf(&b, "channel \"c%d\" {\n target = %q\n weight = %d\n keys = [%s]\n}\n", i, url, 1+(weight+i)%7, strings.Join(keys, ", "))
	}
	return b.String()
}

// BenchmarkApply reloads 100 channels × 20 keys, of which the weights change.
// "parses" compares the time of a reload with the time in which the HCL library parses the
// text, in the same run.
func BenchmarkApply(b *testing.B) {
	s := site(b, "a")
	r := start(b, large(s.URL(), 0)+"log {\n level = \"warn\"\n}\n")
	i := 0
	for b.Loop() {
		b.StopTimer()
		i++
		r.save(large(s.URL(), i) + "log {\n level = \"warn\"\n}\n")
		b.StartTimer()
		if out, err := r.Reload(b.Context(), "the benchmark"); err != nil || len(out.Changes) == 0 {
			b.Fatalf("%+v", out)
		}
	}
	text := []byte(large(s.URL(), 0))
	begun := time.Now()
	const parses = 20
	for range parses {
		if _, diags := hclsyntax.ParseConfig(text, "c.hcl", hcl.InitialPos); diags.HasErrors() {
			b.Fatal(diags)
		}
	}
	parse := time.Since(begun) / parses
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(parse), "parses")
}

// Requests take as long during reloads of a large configuration as without them, apart from
// noise.
func TestReloadsAddNoLatency(t *testing.T) {
	comparesSpeed(t)
	s := site(t, "a")
	s.Record(false)
	r := start(t, large(s.URL(), 0)+"log {\n level = \"warn\"\n}\n")
	sample := func(applying bool) []time.Duration {
		var took []time.Duration
		for round := range 8 {
			done := make(chan struct{})
			if applying {
				r.save(large(s.URL(), round) + "log {\n level = \"warn\"\n}\n")
				go func() {
					defer close(done)
					_, _ = r.Reload(t.Context(), "the test")
				}()
			} else {
				close(done)
			}
			for range 25 {
				begun := time.Now()
				if got := r.post(chat, ask); got.status != 200 {
					t.Fatalf("%+v", got)
				}
				took = append(took, time.Since(begun))
			}
			<-done
		}
		slices.Sort(took)
		return took
	}
	sample(false)
	var ratios []float64
	for range 3 {
		without, with := sample(false), sample(true)
		ratios = append(ratios, float64(with[len(with)/2])/float64(without[len(without)/2]))
		t.Logf("half of the requests take up to %s without reloads, %s with them; the slowest %s and %s", without[len(without)/2], with[len(with)/2], without[len(without)-1], with[len(with)-1])
	}
	if best := slices.Min(ratios); best > 2 {
		t.Errorf("requests take %.2f times as long during reloads", best)
	}
}
