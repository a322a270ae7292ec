package sshclient

import (
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// openAgent returns the keys of an agent. One that is not running or does not answer has
// none.
func (l *login) openAgent(socket string) (held []ssh.Signer) {
	if socket == "" {
		return nil
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		l.deadAgent = socket
		return nil
	}
	l.agent = conn
	limit := time.Now().Add(agentTimeout)
	_ = conn.SetDeadline(limit) // it cannot fail on an open connection
	signers, err := agent.NewClient(conn).Signers()
	if err != nil && !time.Now().Before(limit) {
		l.unusable = append(l.unusable, fmt.Sprintf("the SSH agent at %s does not answer", socket))
	}
	if err != nil {
		return nil
	}
	_ = conn.SetDeadline(time.Time{}) // a person may have to confirm a signature
	for _, s := range signers {
		if capable, ok := s.(ssh.AlgorithmSigner); ok {
			s = agentSigner{capable, l}
		}
		held = append(held, s)
	}
	return held
}

// agentSigner is a key in an agent, which may refuse to use it.
type agentSigner struct {
	ssh.AlgorithmSigner
	login *login
}

// Sign implements ssh.Signer.
func (s agentSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, "")
}

// SignWithAlgorithm implements ssh.AlgorithmSigner.
func (s agentSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	sig, err := s.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
	if err != nil {
		s.login.unsigned = s.PublicKey()
	}
	return sig, err
}

// drop removes a key with which the agent did not sign.
func (l *login) drop(key ssh.PublicKey) {
	for i := 0; i < len(l.signers); i++ {
		if fingerprint(l.signers[i].PublicKey()) == fingerprint(key) {
			l.signers, l.names = slices.Delete(l.signers, i, i+1), slices.Delete(l.names, i, i+1)
			i--
		}
	}
	l.unusable = append(l.unusable, fmt.Sprintf("the SSH agent did not sign with the key %s: confirm that in the agent, unlock it, or set identity in the tunnel to a key that needs no confirmation", fingerprint(key)))
}
