package pluginhost

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
)

// Options of [New].
type Options struct {
	Logger hclog.Logger // takes the plugins' own logs; nil: none

	// Builtin is the command line that serves the built-in components, all of
	// them in one process.
	Builtin []string

	// ConfigDir is the directory of the configuration, beside which plugins are
	// looked up and to which relative paths belong.
	ConfigDir string

	// SocketDir is the parent of the directories in which plugins listen; it is
	// made with mode 0700 if need be, and swept. Empty, or too long for the path
	// of a socket: one in the user's temporary directory.
	SocketDir string

	// Verify decides whether a third party's executable may run, and which file
	// to run in its place. nil: it may, as it is.
	Verify func(name, path string) (run string, err error)

	// OnEvent is told what happens to processes; it must not block.
	OnEvent func(Event)

	Timing Timing
}

// Host runs plugins. It is safe for use by many goroutines.
type Host struct {
	options   Options
	socketDir string
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	rush      context.Context // ends when there is no time left to stop in good order
	hurry     context.CancelFunc
	calls     atomic.Uint64
	serial    atomic.Uint64 // of instances

	mu          sync.Mutex
	supervisors map[string]*entry // by the key of the spec
}

// entry is a supervisor, and a lock for its first start.
type entry struct {
	starting   sync.Mutex
	supervisor atomic.Pointer[supervisor] // nil if the process has never come up
}

// New returns a host that runs nothing yet.
func New(o Options) (*Host, error) {
	if len(o.Builtin) == 0 {
		return nil, errors.New("the command line of the built-in plugin is not set")
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	o.Timing = o.Timing.withDefaults()
	dir, err := prepareSocketDir(o.SocketDir, 2*o.Timing.Start)
	if err != nil {
		return nil, err
	}
	h := &Host{options: o, socketDir: dir, supervisors: make(map[string]*entry)}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.rush, h.hurry = context.WithCancel(context.Background())
	return h, nil
}

// Calls is the number of calls made to components so far. Those of
// supervision are not counted.
func (h *Host) Calls() uint64 { return h.calls.Load() }

// Close stops every plugin and returns when no process is left. What is not
// done when ctx ends is killed.
func (h *Host) Close(ctx context.Context) error {
	h.cancel()
	defer context.AfterFunc(ctx, h.hurry)()
	var stopping sync.WaitGroup
	for _, v := range h.running() {
		stopping.Go(v.stop)
	}
	stopping.Wait()
	h.hurry()
	return nil
}

// List tells of every plugin, the built-ins first.
func (h *Host) List() []ProcessStatus {
	list := []ProcessStatus{}
	for _, v := range h.running() {
		list = append(list, v.status())
	}
	slices.SortFunc(list, func(a, b ProcessStatus) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Source, b.Source), cmp.Compare(a.PID, b.PID))
	})
	return list
}

// Restart ends the quarantine of a plugin, "" for the built-ins.
func (h *Host) Restart(name string) {
	for _, v := range h.running() {
		if v.launch.spec.name == name {
			v.revive()
		}
	}
}

func (h *Host) running() (all []*supervisor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.supervisors {
		if v := e.supervisor.Load(); v != nil {
			all = append(all, v)
		}
	}
	return all
}

// supervisor returns that of a process, and starts it the first time.
func (h *Host) supervisor(ctx context.Context, s spec) (*supervisor, error) {
	e := h.entry(s.key())
	e.starting.Lock()
	defer e.starting.Unlock()
	if v := e.supervisor.Load(); v != nil {
		if v.ctx.Err() == nil {
			return v, nil
		}
		<-v.ended
	}
	v := newSupervisor(h, s)
	e.supervisor.Store(v)
	if h.ctx.Err() != nil { // after Store, so that Close either sees v or is seen here
		v.abort()
		return nil, errors.New("the plugin host is closed")
	}
	if err := v.begin(ctx); err != nil {
		e.supervisor.Store(nil)
		return nil, err
	}
	return v, nil
}

func (h *Host) entry(key string) *entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.supervisors[key]
	if e == nil {
		e = &entry{}
		h.supervisors[key] = e
	}
	return e
}

func (h *Host) launch(s spec) launch {
	name := s.name
	if s.builtin() {
		name = "builtin"
	}
	return launch{
		spec: s, timing: h.options.Timing, socketDir: h.socketDir,
		log: h.options.Logger.Named(name), verify: h.options.Verify,
	}
}

func (h *Host) event(e Event) { h.options.OnEvent(e) }
