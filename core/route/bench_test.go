package route

import (
	"fmt"
	"testing"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
)

// BenchmarkWalk measures a request that succeeds at once: begin, pick, release.
func BenchmarkWalk(b *testing.B) {
	for _, size := range []struct{ channels, keys int }{{10, 2}, {1000, 10}, {1000, 100}} {
		for _, strategy := range []string{"priority", "round-robin", "weighted", "least-busy", "lowest-latency", "sticky"} {
			b.Run(fmt.Sprintf("%s/%dx%d", strategy, size.channels, size.keys), func(b *testing.B) {
				w := benchmarkWorld(b, strategy, size.channels, size.keys)
				request := Request{Model: "m", Endpoint: "generate", Header: session("s")}
				var walk Walk
				now := w.registry.Now()
				b.ReportAllocs()
				for b.Loop() {
					walk.Begin(w.table.Routes[0], request)
					p, ok := walk.Next(now)
					if !ok {
						b.Fatal("nothing picked")
					}
					release(p)
				}
			})
		}
	}
}

func benchmarkWorld(b *testing.B, strategy string, n, keys int) *world {
	b.Helper()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("c%d:", i)
		for k := range keys {
			if k > 0 {
				names[i] += ","
			}
			names[i] += fmt.Sprint("k", k)
		}
	}
	return build(b, channel.NewRegistry(channel.Options{}), nil, []*config.Route{routeTo(strategy, channels(names...))}...)
}
