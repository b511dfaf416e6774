package tunnelstate

import (
	"errors"
	"time"

	"ssmguard/cmd/internal/command"
)

// WatchFlag returns --watch.
func WatchFlag(watch *bool) command.Flag {
	return command.Flag{Name: "--watch", Short: "-w", Set: command.Switch(watch),
		Text: "go on until Ctrl-C: on a terminal a line for each tunnel, elsewhere the list at each change"}
}

// TimeoutFlag returns --timeout of Wait, and sets its default.
func TimeoutFlag(timeout *time.Duration) command.Flag {
	*timeout = DefaultTimeout
	return command.Flag{Name: "--timeout", Value: "DURATION", Default: "1m", Text: "how long to wait; 0 looks once",
		Set: func(v string) (err error) {
			if *timeout, err = time.ParseDuration(v); err != nil || *timeout < 0 {
				return errors.New("give a duration such as 30s or 5m, or 0 to look once")
			}
			return nil
		}}
}
