package channel

import (
	"slices"
	"strings"
)

// maxAnswered is the maximum number of answered operations that are remembered per channel.
const maxAnswered = 32

// addAnswered records that the channel answers the operation; the caller holds mu.
func (s *State) addAnswered(operation string) {
	if operation != "" && !slices.Contains(s.answered, operation) && len(s.answered) < maxAnswered {
		s.answered = append(s.answered, strings.Clone(operation))
	}
}

// HasAnswered reports whether the channel gave a good answer to the operation, with any key.
func (s *State) HasAnswered(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.answered, operation)
}

// lacks reports whether the channel gave good answers to other operations only.
func (s *State) lacks(operation string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answered) > 0 && !slices.Contains(s.answered, operation)
}
