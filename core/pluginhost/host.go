package pluginhost

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/trust"
)

// Options of [New].
type Options struct {
	Logger hclog.Logger // receives the logs of plugins; nil: they are discarded

	// Builtin is the command line of the process that serves all built-in components.
	Builtin []string

	// ConfigPath is the configuration: a file or a directory. Its directory contains the
	// lock file and installed plugins, and is the base of relative paths.
	ConfigPath string

	// CacheDir contains verified copies of third-party executables. Only these copies are
	// run.
	CacheDir string

	// SocketDir is the parent of the directories of plugins' sockets. It is created with
	// mode 0700 if necessary, and old directories in it are removed. If it is empty, or too
	// long for the path of a socket, a directory in the temporary directory is used.
	SocketDir string

	// OnEvent receives events; it must not block.
	OnEvent func(Event)

	// OnLog receives the warnings and errors that plugins log, to log and show them; it
	// must not block. nil: they go to Logger like other lines.
	OnLog func(plugin string, level hclog.Level, message string)

	Timing Timing
}

// Host runs plugins. It is safe for concurrent use.
type Host struct {
	options   Options
	configDir string
	socketDir string
	trust     *trust.Store
	ctx       context.Context // ends with Close
	cancel    context.CancelFunc
	forceStop context.Context // ends when processes are no longer given time to stop
	stopNow   context.CancelFunc
	calls     atomic.Uint64
	serial    atomic.Uint64 // of instances

	fallbacks *fallbacks
	trials    sync.WaitGroup // processes without a supervisor

	mu          sync.Mutex
	supervisors map[string]*entry // by the key of the spec
	latest      map[string]string // by plugin, the key of the latest requested spec
	epochs      map[string]int    // by plugin, how often a new process was requested
	failed      map[string]Failure
	tested      map[string]trust.Executable // executables that run regardless of the lock file
	sources     map[string]string           // of plugins, from their blocks
}

// entry holds a supervisor and the lock for its first start.
type entry struct {
	starting   sync.Mutex
	failure    error                      // of the last attempt to start it; guarded by starting
	failedAt   time.Time                  // guarded by starting
	supervisor atomic.Pointer[supervisor] // nil if the process has never started
}

// New returns a host without processes.
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
	h := &Host{
		options: o, configDir: configDir(o.ConfigPath), socketDir: dir,
		supervisors: map[string]*entry{}, latest: map[string]string{}, epochs: map[string]int{}, failed: map[string]Failure{},
		tested: map[string]trust.Executable{}, sources: map[string]string{}, fallbacks: newFallbacks(),
	}
	h.trust = &trust.Store{LockPath: filepath.Join(h.configDir, trust.FileName), CacheDir: o.CacheDir}
	h.trust.RemoveOldCopies()
	h.ctx, h.cancel = context.WithCancel(context.Background())
	h.forceStop, h.stopNow = context.WithCancel(context.Background())
	return h, nil
}

// Calls returns the number of calls of components so far, without those for supervision.
func (h *Host) Calls() uint64 { return h.calls.Load() }

// Close stops all plugins and returns when their processes have ended. Those that are
// still running when ctx ends are killed.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock() // no trial starts after this
	h.cancel()
	h.mu.Unlock()
	defer context.AfterFunc(ctx, h.stopNow)()
	var stopping sync.WaitGroup
	for _, v := range h.running() {
		stopping.Go(v.stop)
	}
	stopping.Wait()
	h.trials.Wait()
	h.stopNow()
	h.trust.RemoveNewCopies()
	return nil
}

// List describes every plugin, the built-ins first.
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

// failureTime is how long a start that timed out is not tried again, but its error is
// returned: a configuration that uses a hanging plugin twenty times waits for it once.
const failureTime = 2 * time.Second

// supervisor returns the supervisor of a process, and starts it the first time.
func (h *Host) supervisor(ctx context.Context, s spec) (*supervisor, error) {
	e := h.entry(s)
	e.starting.Lock()
	defer e.starting.Unlock()
	if v := e.supervisor.Load(); v != nil {
		if v.ctx.Err() == nil {
			return v, nil
		}
		<-v.ended
	}
	if e.failure != nil && time.Since(e.failedAt) < failureTime {
		return nil, e.failure
	}
	v := newSupervisor(h, s)
	e.supervisor.Store(v)
	if h.ctx.Err() != nil { // checked after Store, so that Close either finds v or is noticed here
		v.finish()
		return nil, errors.New("the plugin host is closed")
	}
	limited, cancel := h.limit(ctx, s)
	err := v.start(limited)
	cancel()
	if err != nil {
		e.supervisor.Store(nil)
		v = nil
	}
	e.failure = nil
	if ctx.Err() == nil {
		if errors.Is(err, context.DeadlineExceeded) {
			e.failure, e.failedAt = err, time.Now()
		}
		h.recordFailure(s.name, s.path, s.executable.SHA256, err)
		h.recordStartError(s.name, err)
	}
	return v, err
}

func (h *Host) entry(s spec) *entry {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := s.key()
	h.latest[s.name] = key
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
	var onLog func(hclog.Level, string)
	if report := h.options.OnLog; report != nil {
		onLog = func(level hclog.Level, message string) { report(s.name, level, message) }
	}
	return launch{
		onLog: onLog, spec: s, timing: s.timing(h.options.Timing), socketDir: h.socketDir,
		log: h.options.Logger.Named(name), trust: h.trust,
	}
}

func (h *Host) event(e Event) { h.options.OnEvent(e) }
