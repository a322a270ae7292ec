package upstream

import "sync"

// Some descriptors are reserved for requests in flight: no new callers are accepted
// while fewer are free.
const minReserve = 64

// Descriptors is how many files and connections the system lets this process have
// open, 0 if there is no limit. The runtime has raised it as far as it may.
var Descriptors = sync.OnceValue(descriptorLimit)

// ReservedDescriptors returns how many descriptors are kept for connections to sites.
func ReservedDescriptors() int { return reserveOf(Descriptors()) }

func reserveOf(limit int) int { return min(max(minReserve, limit/10), limit/2) }

// MaxInFlight returns how many requests the descriptors suffice for: each has a
// connection to its caller and one to a site. 0: any number.
func MaxInFlight() int {
	limit := Descriptors()
	return (limit - reserveOf(limit)) / 2
}

var relief struct {
	sync.Mutex
	by []func()
}

// OnDescriptorShortage adds a function that is called when descriptors run out, to close
// idle connections.
func OnDescriptorShortage(f func()) {
	relief.Lock()
	defer relief.Unlock()
	relief.by = append(relief.by, f)
}

func relieve() {
	relief.Lock()
	all := relief.by
	relief.Unlock()
	for _, f := range all {
		f()
	}
}
