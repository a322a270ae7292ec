package adminapi

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// UnknownAnswers is for [admin.Source].
func (s *Source) UnknownAnswers() ([]unknown.Entry, error) {
	if s.program.Unknown == nil {
		return []unknown.Entry{}, nil
	}
	return s.program.Unknown.List(), nil
}

// UnknownAnswer is for [admin.Source].
func (s *Source) UnknownAnswer(key string) (admin.UnknownAnswer, error) {
	all, err := s.UnknownAnswers()
	if err != nil {
		return admin.UnknownAnswer{}, err
	}
	for _, e := range all {
		if e.Key != key {
			continue
		}
		text, full, err := s.program.Unknown.Export(key)
		return admin.UnknownAnswer{Entry: e, Text: text, Full: full, Draft: unknown.Draft(text, full)}, notThere(key, err)
	}
	return admin.UnknownAnswer{}, notThere(key, fs.ErrNotExist)
}

// ForgetUnknown is for [admin.Source].
func (s *Source) ForgetUnknown(key string) error {
	if s.program.Unknown == nil {
		return notThere(key, fs.ErrNotExist)
	}
	return notThere(key, s.program.Unknown.Remove(key))
}

func notThere(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return admin.NotFound(fmt.Sprintf("there is no unknown answer %q", key))
	}
	return err
}
