package service

import (
	"context"

	"github.com/kardianos/service"
)

// Run calls run, and connects it to the service manager if that started this process.
func Run(ctx context.Context, run func(context.Context) error) error {
	if service.Interactive() {
		return run(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &program{ctx: ctx, cancel: cancel, run: run, ended: make(chan error, 1)}
	s, err := service.New(p, &service.Config{Name: name})
	if err != nil {
		return err
	}
	return s.Run()
}

// program implements service.Interface.
type program struct {
	ctx    context.Context
	cancel context.CancelFunc
	run    func(context.Context) error
	ended  chan error
}

// Start is called by the service manager.
func (p *program) Start(s service.Service) error {
	go func() {
		p.ended <- p.run(p.ctx)
		if p.ctx.Err() == nil { // it ended by itself: tell the manager
			_ = s.Stop()
		}
	}()
	return nil
}

// Stop is called by the service manager.
func (p *program) Stop(service.Service) error {
	p.cancel()
	return <-p.ended
}
