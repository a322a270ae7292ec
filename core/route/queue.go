package route

import (
	"cmp"
	"math"
	"slices"
)

// queue has the members of a group in the order in which they were last picked, so that the
// member whose turn it is comes first. It is a doubly linked list of their indices in the
// group; the index after the last is its anchor.
type queue struct {
	next, prev []int32
	clock      uint64  // of the turns at the last pick by this queue
	idle       float64 // the share of the heaviest member without requests
}

// queue returns the group's queue. It is made on first use, and again when a pick
// went by another group: a request in flight may still use the plan before this
// one. The caller holds mu.
func (t *turns) queue(g *group) *queue {
	if g.queue != nil && g.queue.clock == t.clock {
		return g.queue
	}
	n := len(g.members)
	order := make([]int32, n)
	heaviest := 0.0
	for i := range order {
		order[i] = int32(i) //nolint:gosec // the number of channels
		heaviest = max(heaviest, g.members[i].weight)
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Compare(t.picked[g.members[a].index], t.picked[g.members[b].index])
	})
	q := &queue{next: make([]int32, n+1), prev: make([]int32, n+1), clock: t.clock, idle: math.Inf(-1)}
	if heaviest > 0 {
		q.idle = 1 / heaviest
	}
	last := q.end()
	for _, i := range order {
		q.next[last], q.prev[i] = i, last
		last = i
	}
	q.next[last], q.prev[q.end()] = q.end(), last
	g.queue = q
	return q
}

func (q *queue) first() int32 { return q.next[q.end()] }
func (q *queue) end() int32   { return int32(len(q.next) - 1) } //nolint:gosec // the number of channels

func (q *queue) toBack(i int32) {
	q.next[q.prev[i]], q.prev[q.next[i]] = q.next[i], q.prev[i]
	last := q.prev[q.end()]
	q.next[last], q.prev[i] = i, last
	q.next[i], q.prev[q.end()] = q.end(), i
}
