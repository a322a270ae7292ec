package verdict

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkJudge measures answers of the sizes that are common and largest. The
// figures to reach are 100 µs for 2 KiB and 1 ms for 64 KiB.
func BenchmarkJudge(b *testing.B) {
	pad := func(n int) string { return strings.Repeat("the quick brown fox 42 ", n/23) }
	html := answer(403, "<!DOCTYPE html><html><head><title>Forbidden</title></head><body>"+pad(MaxBody))
	html.Header.Set("Content-Type", "text/html")
	for name, a := range map[string]Answer{
		"good-1KiB":      answer(200, fmt.Sprintf(`{"id":"x","choices":[{"message":{"content":%q}}],"usage":{"total_tokens":1}}`, pad(1<<10))),
		"good-64KiB":     answer(200, fmt.Sprintf(`{"id":"x","choices":[{"message":{"content":%q}}],"usage":{"total_tokens":1}}`, pad(MaxBody-200))),
		"error-2KiB":     answer(403, fmt.Sprintf(`{"error":{"message":%q,"type":"weird","code":"nothing-known"}}`, pad(2<<10))),
		"error-64KiB":    answer(403, fmt.Sprintf(`{"error":{"message":%q,"type":"weird","code":"nothing-known"}}`, pad(MaxBody-200))),
		"unknown-status": answer(200, fmt.Sprintf(`{"error":{"message":%q,"type":"weird","code":"nothing-known"}}`, pad(2<<10))),
		"limited-64KiB":  answer(429, fmt.Sprintf(`{"error":{"message":%q,"type":"weird"}}`, strings.Repeat("again reset retry 5 ", MaxBody/20-20))),
		"page-64KiB":     html,
	} {
		b.Run(name, func(b *testing.B) {
			set := New(Options{})
			set.Judge(a) // the rules are compiled
			b.SetBytes(int64(len(a.Body)))
			b.ReportAllocs()
			for b.Loop() {
				set.Judge(a)
			}
		})
	}
}
