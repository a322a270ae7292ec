package channel

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// maxObjects is the maximum number of stored objects that are remembered.
const maxObjects = 10_000

// maxObjectID is the maximum length of an ID that is remembered.
const maxObjectID = 256

// objects remembers which channel and key created an object that the site stores: a file, a
// response, a batch, an upload. Requests that name it are sent there.
type objects struct {
	some   atomic.Bool // there is at least one object
	mu     sync.Mutex
	byID   map[string]*list.Element
	recent list.List // of object, the one used last in front
}

type object struct {
	id string
	owner
}

type owner struct {
	channel string
	target  string
	key     string // fingerprint; "" without a key
}

// RememberObject records that the channel and key created the object. k is nil for a channel
// without keys.
func (r *Registry) RememberObject(id string, s *State, k *Key) {
	if id == "" || len(id) > maxObjectID {
		return
	}
	o := object{id, owner{channel: s.name, target: s.target}}
	if k != nil {
		o.key = k.fingerprint
	}
	r.objects.put(o)
}

// HasObjects reports whether the creator of any object is known.
func (r *Registry) HasObjects() bool { return r.objects.some.Load() }

// ObjectOwner returns the channel and key that created the object. ok is false
// if they are not known. The key is nil for a channel without keys.
func (r *Registry) ObjectOwner(id string) (s *State, k *Key, ok bool) {
	if id == "" {
		return nil, nil, false
	}
	o, ok := r.objects.get(id)
	if !ok {
		return nil, nil, false
	}
	r.mu.Lock()
	s = r.channels[[2]string{o.channel, o.target}]
	r.mu.Unlock()
	if s == nil {
		return nil, nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s, s.keys[o.key], true
}

func (m *objects) put(o object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID == nil {
		m.byID = map[string]*list.Element{}
	}
	if e := m.byID[o.id]; e != nil {
		e.Value = o
		m.recent.MoveToFront(e)
		return
	}
	m.byID[o.id] = m.recent.PushFront(o)
	m.some.Store(true)
	if m.recent.Len() > maxObjects {
		oldest := m.recent.Back()
		m.recent.Remove(oldest)
		delete(m.byID, oldest.Value.(object).id)
	}
}

func (m *objects) get(id string) (object, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byID[id]
	if e == nil {
		return object{}, false
	}
	m.recent.MoveToFront(e)
	return e.Value.(object), true
}
