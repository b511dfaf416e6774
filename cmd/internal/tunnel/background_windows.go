package tunnel

import (
	"errors"
	"os"
)

// redirect returns an error: background tunnels are not available on Windows.
func redirect(any, any, any, *os.File) error {
	return errors.New("background tunnels are not available on Windows")
}
