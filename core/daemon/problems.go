package daemon

import (
	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fileaccess"
)

// problems returns the problems of this machine that last.
func (d *Daemon) problems() (all []admin.Problem) {
	if moved, err := d.sink.Fault(); err != nil {
		p := admin.Problem{Code: admin.ProblemLogNotWritten, Path: d.reloader.Running().Config.Log.File, Reason: err.Error()}
		if moved {
			p.Code = admin.ProblemLogMoved
		}
		all = append(all, p)
	}
	return append(all, StateDirProblems(d.options.StateDir)...)
}

// StateDirProblems returns the problem of a state directory to which others may write, or none.
func StateDirProblems(dir string) []admin.Problem {
	if command := fileaccess.DenyOthers(dir); command != "" {
		return []admin.Problem{{Code: admin.ProblemStateDir, Path: dir, Command: command}}
	}
	return nil
}
