package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under test.
type process struct {
	cmd     *exec.Cmd
	address string
	stdin   *os.File // the roles end when it is closed
	log     *bytes.Buffer
	exited  chan struct{}
	behind  *process // the server behind it, which ends with it; may be nil
}

// launch starts a server and waits until it accepts connections.
func launch(ctx context.Context, address, path string, args ...string) (*process, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = reader.Close() }()
	p := &process{address: address, stdin: writer, log: new(bytes.Buffer), exited: make(chan struct{})}
	p.cmd = exec.Command(path, args...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = reader, p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	if err := p.await(ctx); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w\n%s", filepath.Base(path), err, strings.TrimSpace(p.log.String()))
	}
	return p, nil
}

func (p *process) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for {
		conn, err := net.Dial("tcp", p.address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			return fmt.Errorf("it ended immediately")
		case <-ctx.Done():
			return fmt.Errorf("it does not listen on %s", p.address)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the process and its descendants.
func (p *process) stop() {
	if p.behind != nil {
		defer p.behind.stop()
	}
	_ = p.stdin.Close()
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// ticks is the kernel's USER_HZ, which is 100 on all systems that Go supports.
const ticks = 100

// usage is the CPU time and memory of a process tree.
type usage struct {
	cpu    time.Duration
	memory int64 // resident bytes; shared memory, such as a program's text, is divided among its processes
}

// usage adds up the process and its descendants. CPU time of processes that have ended
// counts once their parent has waited for them.
func (p *process) usage() (usage, error) {
	all, err := processTable()
	if err != nil {
		return usage{}, err
	}
	var sum usage
	tree := []int{p.cmd.Process.Pid}
	if p.behind != nil {
		tree = append(tree, p.behind.cmd.Process.Pid)
	}
	for i := 0; i < len(tree); i++ {
		s, ok := all[tree[i]]
		if !ok && i == 0 {
			return usage{}, fmt.Errorf("process %d has ended", tree[0])
		}
		sum.cpu += s.cpu
		sum.memory += s.proportional(tree[i])
		for pid, other := range all {
			if other.parent == tree[i] {
				tree = append(tree, pid)
			}
		}
	}
	return sum, nil
}

type stat struct {
	parent int
	usage
}

// proportional returns the process's share of the memory that it and others hold,
// or all its resident memory if the kernel does not provide that.
func (s stat) proportional(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return s.memory
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &kib); err == nil {
			return kib << 10
		}
	}
	return s.memory
}

func processTable() (map[int]stat, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("/proc cannot be read: %v", err)
	}
	all := make(map[int]stat, len(paths))
	for _, path := range paths {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		if s, err := parseStat(string(text)); err == nil {
			all[pid] = s
		}
	}
	return all, nil
}

// parseStat reads a line of /proc/PID/stat; see proc(5). The second field, a
// name in parentheses, may contain anything.
func parseStat(text string) (stat, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 22 {
		return stat{}, fmt.Errorf("%q is not a line of /proc/PID/stat", text)
	}
	number := func(field int) int64 { // numbered as in proc(5)
		n, _ := strconv.ParseInt(fields[field-3], 10, 64)
		return n
	}
	cpu := number(14) + number(15) + number(16) + number(17)
	return stat{
		parent: int(number(4)),
		usage:  usage{cpu: time.Duration(cpu) * (time.Second / ticks), memory: number(24) * int64(os.Getpagesize())},
	}, nil
}

// freeAddress returns an address on loopback with a free port.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
