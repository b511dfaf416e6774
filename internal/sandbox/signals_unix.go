//go:build !windows

package sandbox

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"ssmguard/internal/sandbox/gateway"
)

// cutOnSignal resets the connection of every session at each SIGUSR1, as a change of
// network does, until ctx ends. At SIGUSR2 temporary credentials expire first.
func (s *Sandbox) cutOnSignal(ctx context.Context) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1, syscall.SIGUSR2)
	defer signal.Stop(asked)
	for {
		select {
		case sig := <-asked:
			if sig == syscall.SIGUSR2 {
				s.Account.Expire()
			}
			s.cut()
		case <-ctx.Done():
			return
		}
	}
}

func (s *Sandbox) cut() {
	for _, status := range s.Gateway.Sessions() {
		if session, ok := s.Gateway.Session(status.ID); ok {
			session.Cut(gateway.CutRST)
		}
	}
}
